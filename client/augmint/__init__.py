"""Draw labelled synthetic samples from an augmint service."""
