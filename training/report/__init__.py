"""One HTML page to look at."""
