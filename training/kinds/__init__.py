"""Kinds of data: how each is read, varied, judged and shown. Nothing else knows what an image is."""
