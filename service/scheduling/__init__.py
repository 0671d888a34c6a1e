"""Which rows run next."""
