"""Systems that make music, beside each other."""
