"""Carrying real samples into other classes: an encoder learned beside a finished generator, which stays as it is."""
