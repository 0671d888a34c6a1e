"""Which generator of tables is best to learn from, and which copies? `python -m benchmarks.tables`."""
