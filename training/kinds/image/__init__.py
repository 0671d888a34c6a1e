"""Images: uint8 [n, height, width, channels], gray or sRGB."""

from training.kinds.image.claims import reads
from training.kinds.image.image import Image
from training.kinds.image.sources import load, shaped

NAME = "image"  # in a SampleSpec

__all__ = ["NAME", "Image", "load", "reads", "shaped"]
