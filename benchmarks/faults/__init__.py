"""What the service does when things go wrong: see __main__.py."""
