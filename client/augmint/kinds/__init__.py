"""Kinds of samples: how each is handed to people, files and loaders. Nobody else knows what an image is."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from augmint.kinds import image


@dataclass(frozen=True)
class Kind:
    """How one kind is handed over. Samples and descriptions are augmint's own, which import this package.

    column:   its name in tables and Hugging Face data sets. suffix: of a file of one sample.
    pictures: samples can be looked at as pictures: [height, width, channels], bytes being levels of 0..255.
    objects:  samples as those who work with the kind take them. files: the content of a file of each.
    feature:  of Hugging Face's datasets: (the module, description) -> a feature.
    """

    column: str
    suffix: str
    pictures: bool
    objects: Callable[[Any], Iterable[Any]]
    files: Callable[[Any], Iterator[bytes]]
    feature: Callable[[Any, Any], Any]


def of(description: Any) -> Kind:
    """The row of a generator's kind; what this release has no row for is handed over as arrays."""
    return KINDS.get(description.kind, ARRAY)


def _npys(samples: Any) -> Iterator[bytes]:
    for array in samples.array:
        content = io.BytesIO()
        np.lib.format.write_array(content, array, allow_pickle=False)
        yield content.getvalue()


def _sequence(datasets: Any, description: Any) -> Any:
    content = datasets.Value(description.dtype.newbyteorder("=").name)
    for extent in reversed(description.shape):
        content = datasets.Sequence(content, length=extent)
    return content


ARRAY = Kind("sample", "npy", False, lambda samples: samples.array, _npys, _sequence)
KINDS = {"image": Kind("image", "png", True, image.images, image.pngs, image.feature)}
