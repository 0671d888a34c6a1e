"""The classifier of real samples that judges generated ones."""
