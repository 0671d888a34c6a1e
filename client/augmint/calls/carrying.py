"""What a caller wants carried into other classes: the arguments of `transform`, checked, and its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augmint import checks, kinds
from augmint.calls.pages import Page
from augmint.calls.query import MAX_SAMPLES, Classes, Which
from augmint.errors import DigestMismatch, InvalidRequest, ServiceFault
from augmint.generators import Description
from augmint.v1 import generator_pb2 as pb


@dataclass(frozen=True, slots=True)
class Load:
    """Samples to be carried, checked.

    content: the generator's dtype [n, *shape], C order. target: int64 [n]. source: int64 [n]; None: the service finds
    out. strength: a float32 in [0, 1].
    """

    description: Description
    content: np.ndarray
    target: np.ndarray
    source: np.ndarray | None
    strength: float


@dataclass(frozen=True)
class Transformation:
    """Samples to be carried, by a generator that is yet to be asked about; as `Client.transform`."""

    which: Which
    samples: Any
    label: str | int | None
    classes: Classes | None
    source: str | int | Classes | None
    strength: float
    digest: str | None

    @classmethod
    def of(
        cls,
        which: Which,
        samples: Any,
        label: str | int | None,
        classes: Classes | None,
        source: str | int | Classes | None,
        strength: float,
        digest: str | None,
    ) -> Transformation:
        """InvalidRequest if they cannot be, whichever the generator."""
        if (label is None) == (classes is None):
            raise InvalidRequest("give either a label or classes, and not both")
        return cls(which, samples, label, classes, source, checks.share("strength", strength), digest)

    def load(self, description: Description) -> Load:
        """For this generator; DigestMismatch if it is not the file wanted, InvalidRequest if it cannot do that."""
        there = f"{description.name} version {description.version}"
        if self.digest is not None and description.digest != self.digest:
            raise DigestMismatch(f"{there} is the file {description.digest}, not {self.digest}")
        if not description.message.transforms:
            raise InvalidRequest(
                f"generator {there} cannot transform: its file has no encoder, which `python -m training fit "
                "--transform` would give it"
            )
        content = kinds.raw(self.samples, description)
        n = checks.whole("the number of samples", len(content), 1, MAX_SAMPLES)
        target = _classes("classes", self.label if self.classes is None else self.classes, n, description)
        source = None if self.source is None else _classes("source", self.source, n, description)
        return Load(description, content, target, source, self.strength)


def _classes(name: str, given: Any, n: int, description: Description) -> np.ndarray:
    """int64 [n] of one class, or of one for each sample."""
    if isinstance(given, str | int | np.integer):
        return np.full(n, description.class_index(given if isinstance(given, str) else int(given)), np.int64)
    found = description.class_indices(given)
    if len(found) != n:
        raise InvalidRequest(f"there are {n} samples and {len(found)} {name}; give one for each, or one for all")
    return found


def request(load: Load, page: Page) -> pb.TransformRequest:
    """The page as the contract's message: always with the digest, so that it has one answer for ever."""
    description = load.description
    message = pb.TransformRequest(
        generator=description.name,
        version=description.version,
        digest=description.digest,
        data=load.content[page.positions].tobytes(),
        strength=load.strength,
    )
    target = load.target[page.positions]
    if (target == target[0]).all():
        message.label = description.labels[target[0]]
    else:
        message.class_indices.extend(target.tolist())
    if load.source is not None:
        message.source_class_indices.extend(load.source[page.positions].tolist())
    return message


def place(answer: pb.TransformResponse, load: Load, page: Page, out: np.ndarray, source: np.ndarray) -> None:
    """Copy a page's samples, and the classes that they were of, to their places; ServiceFault if they are not what was
    asked for.

    out: the generator's dtype [n, *shape]; source: int64 [n].
    """
    description = load.description
    given = list(answer.source_class_indices)
    known = load.source is None or given == load.source[page.positions].tolist()
    wrong: Sequence[tuple[str, object, object]] = (
        ("digest", answer.digest, description.digest),
        ("strength", answer.strength, load.strength),
        ("classes", list(answer.class_indices), load.target[page.positions].tolist()),
        ("source classes for so many samples", len(given), page.n),
        ("other source classes", not known, False),
        ("a source class outside the labels", any(not 0 <= one < len(description.labels) for one in given), False),
        ("bytes of data", len(answer.data), page.n * int(np.prod(description.shape)) * description.dtype.itemsize),
    )
    for what, value, expected in wrong:
        if value != expected:
            raise ServiceFault(f"the service answered with {what} {str(value)[:80]}; wanted {str(expected)[:80]}")
    out[page.positions] = np.frombuffer(answer.data, description.dtype).reshape(page.n, *description.shape)
    source[page.positions] = given
