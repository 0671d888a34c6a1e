"""Generators of texts: adversarial, by likelihood, variational, in one table."""
