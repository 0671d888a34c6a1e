"""Which files are served."""
