"""Kinds of data: how each is read, varied, judged and shown. Nobody else knows what an image is."""

from __future__ import annotations

import inspect
from types import ModuleType

from augmint.v1 import generator_pb2 as pb
from training.data import DataError, Dataset
from training.kinds import audio, image
from training.source import AS_FOUND, SourceOptions, flag

# Asked in this order whether they read a source.
KINDS = (audio, image)


def load(source: str, options: SourceOptions = AS_FOUND) -> Dataset:
    """Read a labelled data set of the first kind that reads the source.

    raises: DataError, in one sentence, for anything that cannot be trained on.
    """
    return _load(next((each for each in KINDS if each.reads(source)), KINDS[-1]), source, options)


def load_again(spec: pb.SampleSpec, source: str, options: SourceOptions = AS_FOUND) -> Dataset:
    """Read the data of a generator, in the shape of its samples.

    raises: DataError, also for a generator of a kind that this release cannot read.
    """
    kind = next((each for each in KINDS if spec.WhichOneof("kind") == each.NAME), None)
    if kind is None:
        known = ", ".join(each.NAME for each in KINDS)
        raise DataError(f"a generator of {spec.WhichOneof('kind') or 'arrays'}; what can be read again: {known}")
    return _load(kind, source, options.model_copy(update=kind.shaped(spec)))


def _load(kind: ModuleType, source: str, options: SourceOptions) -> Dataset:
    """What was asked for goes to the kind; what it does not know is refused."""
    given = options.given()
    known = [name for name in inspect.signature(kind.load).parameters if name in SourceOptions.model_fields]
    if strange := [name for name in given if name not in known]:
        raise DataError(
            f"{source} is read as {kind.NAME}, which does not take {', '.join(map(flag, strange))}; "
            f"it takes {', '.join(map(flag, known))}"
        )
    return kind.load(source, **given)


__all__ = ["KINDS", "load", "load_again"]
