"""Who reads which positions, fetched ahead; one state for all loaders."""
