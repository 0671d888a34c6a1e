"""Images of one square size that networks take."""

from __future__ import annotations

import numpy as np
from PIL import Image

from training.data.errors import DataError

# Sides that halve cleanly at least twice, to 2..16: the trunks of the networks grow from there.
SIDES = (8, 16, 28, 32, 48, 64)
LARGEST_SIDE = 256


def check_size(size: int) -> int:
    """The side asked for, if networks can take it."""
    if not 8 <= size <= LARGEST_SIDE or size % 4:
        raise DataError(f"size {size} is not a multiple of 4 in [8, {LARGEST_SIDE}]")
    return size


def choose_side(longest: float) -> int:
    """The smallest of SIDES that holds an image whose longer side is `longest`; 64 for all that are larger."""
    return next((side for side in SIDES if side >= longest), SIDES[-1])


def fit(image: np.ndarray, side: int, *, enlarge: bool = False) -> np.ndarray:
    """Bring one image to [side, side, c]: shrink what is too large (aspect kept), then pad evenly.

    image:   uint8 [h, w, c], c 1 or 3.
    enlarge: scale smaller ones up until the longer side fits, for sources whose images differ in size.

    The padding has the median colour of the image's border, so that a plain background goes on unbroken.
    """
    height, width = image.shape[:2]
    longest = max(height, width)
    background = np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]), axis=0)
    if longest > side or (enlarge and longest < side):
        new = tuple(max(1, round(extent * side / longest)) for extent in (width, height))
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        image = np.asarray(picture.resize(new, Image.Resampling.LANCZOS)).reshape(new[1], new[0], image.shape[2])
        height, width = image.shape[:2]
    if (height, width) == (side, side):
        return image
    canvas = np.empty((side, side, image.shape[2]), np.uint8)
    canvas[:] = background.astype(np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width] = image
    return canvas


def _is_gray(samples: np.ndarray) -> bool:
    # In blocks: most colour images show it in the first, and no temporary as large as the data is made.
    blocks = (samples[start : start + 256] for start in range(0, len(samples), 256))
    return all(bool((block[..., 1:] == block[..., :1]).all()) for block in blocks)
