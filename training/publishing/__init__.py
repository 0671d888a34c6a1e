"""Published files: the gate before one, and reading one again."""
