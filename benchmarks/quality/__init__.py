"""How good are the samples, and what are they worth? `python -m benchmarks.quality`."""
