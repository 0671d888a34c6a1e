"""Kinds of data: how each is read, varied, judged and shown. Nobody else knows what an image is."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from augmint.v1 import generator_pb2 as pb
from training.data import DataError, Dataset
from training.data.reading import Claim, Part
from training.kinds import audio, image, music, table, text
from training.source import AS_FOUND, SourceOptions, flag

# Of claims that are equal, the first one's holds.
KINDS = (audio, image, music, table, text)


def load(source: str, options: SourceOptions = AS_FOUND) -> Dataset:
    """Read a labelled data set of the kind that is surest of the source; first of those that take the options.

    raises: DataError, in one sentence, for anything that cannot be trained on.
    """
    return _load(_kind_of(source, options), source, options)


def described(source: str, options: SourceOptions = AS_FOUND) -> tuple[Sequence[Part], str]:
    """What the columns of a source were taken for, and the text of a file that says so; raises DataError."""
    kind = _kind_of(source, options)
    if not hasattr(kind, "described"):
        raise DataError(f"{source} is read as {kind.NAME}, whose samples have no columns")
    return kind.described(source, **_taken(kind, source, options))


def load_again(spec: pb.SampleSpec, source: str, options: SourceOptions = AS_FOUND) -> Dataset:
    """Read the data of a generator, in the shape of its samples.

    raises: DataError, also for a generator of a kind that this release cannot read.
    """
    kind = next((each for each in KINDS if spec.WhichOneof("kind") == each.NAME), None)
    if kind is None:
        known = ", ".join(each.NAME for each in KINDS)
        raise DataError(f"a generator of {spec.WhichOneof('kind') or 'arrays'}; what can be read again: {known}")
    return _load(kind, source, options, kind.shaped(spec))


def recommended(name: str) -> Sequence[str]:
    """The presets for a kind, by its name, in the order in which `auto` takes them. raises: DataError."""
    kind = next((each for each in KINDS if name == each.NAME), None)
    if kind is None:
        raise DataError(f"no kind {name!r}; there are: {', '.join(each.NAME for each in KINDS)}")
    return kind.RECOMMENDED


def _kind_of(source: str, options: SourceOptions) -> ModuleType:
    claims = {each: claim for each in KINDS if (claim := each.reads(source)) > Claim.NONE}
    # Who only says what would be right is asked last: of a source that another knows it would say nothing true.
    knows = {each: claim > Claim.IN_WORDS for each, claim in claims.items()}
    return max(claims, key=lambda each: (knows[each], set(options.given()) <= set(_known(each)), claims[each]))


def _known(kind: ModuleType) -> list[str]:
    """The options that a kind takes."""
    return [name for name in inspect.signature(kind.load).parameters if name in SourceOptions.model_fields]


def _load(kind: ModuleType, source: str, options: SourceOptions, shape: dict[str, Any] | None = None) -> Dataset:
    """shape: what a generator knows, in place of what is asked."""
    return kind.load(source, **{**_taken(kind, source, options), **(shape or {})})


def _taken(kind: ModuleType, source: str, options: SourceOptions) -> dict[str, Any]:
    """What was asked for goes to the kind; what it does not know is refused."""
    given, known = options.given(), _known(kind)
    if strange := [name for name in given if name not in known]:
        raise DataError(
            f"{source} is read as {kind.NAME}, which does not take {', '.join(map(flag, strange))}; "
            f"it takes {', '.join(map(flag, known))}"
        )
    return given


__all__ = ["KINDS", "described", "load", "load_again", "recommended"]
