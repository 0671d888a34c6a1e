"""Other servers of the same file, to compare the service with: `python -m benchmarks.peers`."""
