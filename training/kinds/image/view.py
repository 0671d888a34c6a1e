"""Images to look at."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from augmint.sheet import contact_sheet
from training.data.kind import Picture

_COLUMNS = 5


def mosaic(raw: np.ndarray) -> Picture:
    """uint8 [n, h, w, c] in rows of five, one pixel between."""
    height, width, channels = raw.shape[1:]
    columns = min(_COLUMNS, len(raw))
    rows = -(-len(raw) // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, channels), 128, np.uint8)
    for number, sample in enumerate(raw):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        sheet[top : top + height, left : left + width] = sample
    return _png(Image.fromarray(sheet[..., 0] if channels == 1 else sheet))


def sheet(groups: Sequence[np.ndarray], names: Sequence[str], columns: int, caption: str) -> Picture:
    """Groups of uint8 [n, h, w, c], each under its name."""
    return _png(contact_sheet(groups, names, columns=columns, caption=caption))


def _png(image: Image.Image) -> Picture:
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return Picture(stream.getvalue(), ".png", "image/png")
