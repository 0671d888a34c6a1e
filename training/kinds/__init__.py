"""Kinds of data: how each is read, varied, judged and shown. Nobody else knows what an image is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from augmint.v1 import generator_pb2 as pb
from training.data import DataError, Dataset
from training.kinds import image

# Asked in this order whether they read a source.
KINDS = (image,)


def load(source: str, **options: Any) -> Dataset:
    """Read a labelled data set of the first kind that reads the source; `options` are the kind's own.

    raises: DataError, in one sentence, for anything that cannot be trained on.
    """
    kind = next((each for each in KINDS if each.reads(source)), KINDS[-1])
    return kind.load(source, **options)


def load_again(spec: pb.SampleSpec, source: str, **options: Any) -> Dataset:
    """Read the data of a generator, in the shape of its samples.

    raises: DataError, also for a generator of a kind that this release cannot read.
    """
    kind = next((each for each in KINDS if spec.WhichOneof("kind") == each.NAME), None)
    if kind is None:
        known = ", ".join(each.NAME for each in KINDS)
        raise DataError(f"a generator of {spec.WhichOneof('kind') or 'arrays'}; what can be read again: {known}")
    return kind.load(source, **{**options, **kind.shaped(spec)})


def recommended(name: str) -> Sequence[str]:
    """The presets for a kind, by its name, in the order in which `auto` takes them. raises: DataError."""
    kind = next((each for each in KINDS if name == each.NAME), None)
    if kind is None:
        raise DataError(f"no kind {name!r}; there are: {', '.join(each.NAME for each in KINDS)}")
    return kind.RECOMMENDED


__all__ = ["KINDS", "load", "load_again", "recommended"]
