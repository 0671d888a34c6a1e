"""Whose rows run next."""
