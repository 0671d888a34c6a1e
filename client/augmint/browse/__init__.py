"""A page to look at a service's generators with: `augmint browse`. All it knows it asks by `augmint.AsyncClient`."""
