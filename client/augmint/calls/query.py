"""What a caller wants drawn: the arguments of `generate`, `fetch` and `replay`, checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from augmint import checks
from augmint.address import (
    Address,
    check_selection,
    check_truncation,
    position_limit,
)
from augmint.calls import pages
from augmint.errors import DigestMismatch, InvalidRequest
from augmint.generators import Description

# Bounds what one call allocates by a slip of the keyboard; more samples are more calls.
MAX_SAMPLES = 2**24

Classes = Sequence[str] | Sequence[int] | np.ndarray


@dataclass(frozen=True, slots=True)
class Which:
    """A generator as the contract names it: "" is the only one, 0 the default version, "" no channel."""

    generator: str
    version: int
    channel: str

    @classmethod
    def of(cls, generator: str | None, version: int | None, channel: str | None) -> Which:
        """InvalidRequest if one is no name, or version and channel are given both."""
        for name, value in (("generator", generator), ("channel", channel)):
            if value is not None and (not isinstance(value, str) or not value):
                raise InvalidRequest(f"{name} is {value!r}; it must be a name")
        if version is not None and channel is not None:
            raise InvalidRequest("give a version or a channel, and not both")
        number = 0 if version is None else checks.whole("version", version, 1, 2**32 - 1)
        return cls(generator or "", number, channel or "")


@dataclass(frozen=True)
class Query:
    """Samples wanted, of a generator that is yet to be asked about.

    choose: gives class_indices int64 [n] and positions uint64 [n], once the generator is known; its second argument is
            one above the last position.
    """

    which: Which
    choose: Callable[[Description, int], tuple[np.ndarray, np.ndarray]]
    seed: int
    truncation: float
    keep: int
    of: int
    digest: str | None

    @classmethod
    def run(
        cls,
        label: str | int | None,
        n: int | None,
        classes: Classes | None,
        start_index: int,
        which: Which,
        seed: int | str | None,
        truncation: float | None,
        keep: int | None,
        of: int | None,
        digest: str | None,
    ) -> Query:
        """Neighbours in a stream; as `Client.generate`."""
        if (label is None) == (classes is None):
            raise InvalidRequest("give either a label or classes, and not both")
        if n is not None:
            n = checks.whole("n", n, 1, MAX_SAMPLES)
        elif label is not None:
            n = 1

        def choose(description: Description, limit: int) -> tuple[np.ndarray, np.ndarray]:
            if label is not None:
                class_indices = np.full(n or 1, description.class_index(label), np.int64)
            else:
                class_indices = description.class_indices(classes)
                checks.whole("the number of classes", len(class_indices), 1, MAX_SAMPLES)
                if n is not None and n != len(class_indices):
                    raise InvalidRequest(f"n is {n}, but there are {len(class_indices)} classes")
            count = len(class_indices)
            first = checks.whole("start_index", start_index, 0, limit - count)
            return class_indices, np.arange(first, first + count, dtype=np.uint64)

        return cls._checked(which, choose, seed, truncation, keep, of, digest)

    @classmethod
    def at(
        cls,
        indices: Sequence[int] | np.ndarray,
        classes: Classes,
        which: Which,
        seed: int | str,
        truncation: float | None,
        keep: int | None,
        of: int | None,
        digest: str | None,
    ) -> Query:
        """Any positions of a stream; as `Client.fetch`."""

        def choose(description: Description, limit: int) -> tuple[np.ndarray, np.ndarray]:
            class_indices = description.class_indices(classes)
            positions = np.asarray(indices)
            if positions.shape != class_indices.shape or positions.dtype.kind not in "iu":
                raise InvalidRequest(
                    f"indices must be one whole number per class: {len(class_indices)}, not {list(positions.shape)} of "
                    f"{positions.dtype}"
                )
            checks.whole("the number of indices", len(positions), 1, MAX_SAMPLES)
            for extreme in (positions.min(), positions.max()):
                checks.whole("an index", int(extreme), 0, limit - 1)
            return class_indices, positions.astype(np.uint64)

        return cls._checked(which, choose, seed, truncation, keep, of, digest)

    @classmethod
    def again(cls, address: Address | str) -> Query:
        """What an address names; as `Client.replay`."""
        if isinstance(address, str):
            address = Address.parse(address)
        return cls.run(
            label=None,
            n=None,
            classes=np.array(address.class_indices, np.int64),
            start_index=address.start_index,
            which=Which.of(address.generator, address.version, None),
            seed=address.seed,
            truncation=address.truncation,
            keep=address.keep,
            of=address.of,
            digest=address.digest,
        )

    @classmethod
    def _checked(
        cls,
        which: Which,
        choose: Callable[[Description, int], tuple[np.ndarray, np.ndarray]],
        seed: int | str | None,
        truncation: float | None,
        keep: int | None,
        of: int | None,
        digest: str | None,
    ) -> Query:
        seed = checks.seed_or_drawn(seed)
        truncation = 1.0 if truncation is None else check_truncation(truncation)
        return cls(which, choose, seed, truncation, *check_selection(keep, of), digest)

    def order(self, description: Description) -> pages.Order:
        """From this generator; DigestMismatch if it is not the file wanted, InvalidRequest if it cannot make that."""
        there = f"{description.name} version {description.version}"
        if self.digest is not None and description.digest != self.digest:
            raise DigestMismatch(f"{there} is the file {description.digest}, not {self.digest}")
        if self.of and not description.message.scored:
            raise InvalidRequest(f"keep and of need a generator that scores its samples, which {there} does not")
        class_indices, positions = self.choose(description, position_limit(self.keep, self.of))
        return pages.Order(description, class_indices, positions, self.seed, self.truncation, self.keep, self.of)
