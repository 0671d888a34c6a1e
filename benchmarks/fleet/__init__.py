"""Does a fleet follow its load, and what does it cost? `python -m benchmarks.fleet`."""
