"""How fast does it serve? `python -m benchmarks.serving`."""
