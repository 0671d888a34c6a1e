"""Kinds of data: how each is read, varied, judged and shown. Nobody else knows what an image is."""

from __future__ import annotations

from typing import Any

from training.data import Dataset
from training.kinds import image

# Asked in this order whether they read a source.
KINDS = (image,)


def load(source: str, **options: Any) -> Dataset:
    """Read a labelled data set of the first kind that reads the source; `options` are the kind's own.

    raises: DataError, in one sentence, for anything that cannot be trained on.
    """
    kind = next((each for each in KINDS if each.reads(source)), KINDS[-1])
    return kind.load(source, **options)


__all__ = ["KINDS", "load"]
