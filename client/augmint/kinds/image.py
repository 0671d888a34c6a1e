"""Images: uint8 [height, width, channels], gray or sRGB."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from augmint import extras
from augmint.errors import InvalidRequest
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


def encode(given: Any, description: Any) -> np.ndarray:
    """uint8 [n, height, width, channels] of PIL images; InvalidRequest says which one is wrong."""
    height, width, channels = description.shape
    mode = "L" if channels == 1 else "RGB"
    if not isinstance(given, list | tuple) or not given:
        raise InvalidRequest(f"samples are a {type(given).__name__}; give images as a list of PIL images, at least one")
    made = np.empty((len(given), height, width, channels), np.uint8)
    for number, one in enumerate(given):
        if not hasattr(one, "convert") or not hasattr(one, "mode"):
            raise InvalidRequest(f"sample {number} is a {type(one).__name__}; wanted a PIL image")
        if one.size != (width, height):
            raise InvalidRequest(
                f"image {number} is {one.size[0]} x {one.size[1]}; generator {description.name!r} takes {width} x "
                f"{height}: resize it as those of its data set were"
            )
        if one.mode not in _MODES:
            raise InvalidRequest(f"image {number} has the mode {one.mode}; convert it to {mode}, by image.convert")
        made[number] = np.asarray(one.convert(mode), np.uint8).reshape(height, width, channels)
    return made


def opened(content: bytes) -> Any:
    """The PIL image in a file, upright; MissingExtra without Pillow, InvalidRequest if it is none."""
    module = extras.load("PIL.Image", "images")
    try:
        with module.open(io.BytesIO(content)) as image:
            return extras.load("PIL.ImageOps", "images").exif_transpose(image)
    except (OSError, ValueError, SyntaxError, module.DecompressionBombError) as error:
        raise InvalidRequest(f"it is no image that can be read: {error}") from error


# What `convert` turns into gray or colour without leaving something out, as an alpha channel would be.
_MODES = ("1", "L", "P", "RGB")
