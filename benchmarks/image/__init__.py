"""Does the image do what it should? `python -m benchmarks.image`."""
