"""What carrying real samples into other classes is worth."""
