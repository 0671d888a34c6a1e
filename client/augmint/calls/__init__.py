"""What to ask, without asking."""
