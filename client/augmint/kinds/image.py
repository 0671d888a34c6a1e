"""Images: uint8 [height, width, channels], gray or sRGB."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from augmint import extras
from augmint.kinds.face import Picture
from augmint.v1 import generator_pb2 as pb

# Pixels of a page: what the longer side of a small image is enlarged to, about, and the most that any has.
_SHOWN, _MOST = 84, 192


def images(samples: Any) -> list[Any]:
    """PIL images, one per sample: mode L for gray, RGB for colour; MissingExtra without Pillow."""
    module = extras.load("PIL.Image", "images")
    gray = samples.description.message.sample.image.color_space == pb.COLOR_SPACE_GRAY
    return [module.fromarray(np.ascontiguousarray(one[..., 0] if gray else one)) for one in samples.array]


def pngs(samples: Any) -> Iterator[bytes]:
    """The content of a PNG file of each sample."""
    for picture in images(samples):
        content = io.BytesIO()
        picture.save(content, "PNG")
        yield content.getvalue()


def feature(datasets: Any, description: Any) -> Any:
    """Hugging Face's Image, which needs Pillow."""
    extras.load("PIL.Image", "images")
    return datasets.Image()


def pictures(samples: Any) -> Iterator[Picture]:
    """Small ones enlarged, by a whole factor."""
    height, width = samples.description.shape[:2]
    factor = max(1, round(_SHOWN / max(height, width)))
    smaller = min(1.0, _MOST / (factor * max(height, width)))
    size = max(1, round(width * factor * smaller)), max(1, round(height * factor * smaller))
    for content in pngs(samples):
        yield Picture(content, "image/png", *size, crisp=smaller == 1.0)
