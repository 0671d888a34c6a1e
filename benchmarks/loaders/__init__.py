"""What does a training loop lose that is fed by the service? `python -m benchmarks.loaders`."""
