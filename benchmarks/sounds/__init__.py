"""Systems for sounds beside each other."""
