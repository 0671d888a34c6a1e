"""Images: uint8 [n, height, width, channels], gray or sRGB."""

from training.kinds.image.image import Image

__all__ = ["Image"]
