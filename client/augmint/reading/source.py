"""An endless labelled sequence: which sample is at which position. What every loader reads from."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypedDict, TypeVar

import numpy as np

from augmint import checks
from augmint.address import INDEX_LIMIT, check_selection, check_truncation
from augmint.client import Client
from augmint.errors import DigestMismatch, InvalidRequest
from augmint.generators import Description
from augmint.samples import Samples, Transformed

# 2**64 over the golden ratio: its multiples, modulo 2**64, fill the range evenly however far one has come.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)

Make = TypeVar("Make", bound=Callable[..., Any])


class SourceOptions(TypedDict, total=False):
    """What a loader hands over to Source, where it is explained."""

    labels: Sequence[str] | Sequence[int] | None
    weights: Sequence[float] | None
    seed: int | str | None
    start_index: int
    truncation: float | None
    keep: int | None
    of: int | None
    version: int | None
    digest: str | None


class Source:
    """Samples of one file, one seed: the sample at position p has index start_index + p and a class that p decides.

    The file is pinned when this object is made: reading raises DigestMismatch or GeneratorNotFound once the service has
    dropped it. Picklable; a copy connects by itself.
    """

    def __init__(
        self,
        target: str | Client,
        generator: str | None = None,
        *,
        labels: Sequence[str] | Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
        seed: int | str | None = None,
        start_index: int = 0,
        truncation: float | None = None,
        keep: int | None = None,
        of: int | None = None,
        version: int | None = None,
        digest: str | None = None,
    ) -> None:
        """target:      HOST:PORT, or a Client, which then stays open when this object is closed.
        generator:   name. Absent: the only one. version: from 1. Absent: the default now.
        digest:      SHA-256 of the ONNX file that it must be. Absent: any; from now on, the one found.
        labels:      names or class indices; sample i is of labels[i % len(labels)], so that each has the same share and
                     one named twice has two. Absent: all, in order.
        weights:     one number above 0 per label: its share, kept closely in every run of samples. Absent: equal.
        seed:        in [0, 2**64), or its digits. Absent: a random one, which the attribute `seed` tells.
        start_index: position of sample 0 in the seed's stream; start_index + length is at most 2**48. Readers of one
                     seed that do not overlap there have no sample in common.
        truncation:  in (0, 2]. Absent: 1, as trained.
        keep, of:    of every `of` candidates the `keep` with the best score, for a generator that gives one; 1 <= keep
                     <= of <= 64. Absent: all.
        raises:      InvalidRequest, GeneratorNotFound, DigestMismatch, Unavailable, as `Client.describe`.
        """
        self.start_index = checks.whole("start_index", start_index, 0, INDEX_LIMIT - 1)
        self.truncation = None if truncation is None else check_truncation(truncation)
        self.keep, self.of = check_selection(keep, of)
        self.seed = checks.seed_or_drawn(seed)
        self.limit = INDEX_LIMIT - self.start_index
        self._owns_client = isinstance(target, str)
        self._client = Client(target) if isinstance(target, str) else target
        try:
            self.description = self._describe(generator, version, digest)
            count = len(self.description.labels)
            self._cycle = np.arange(count) if labels is None else self.description.class_indices(labels)
            self._bounds = None if weights is None else _bounds(weights, len(self._cycle))
            if self.of and not self.description.message.scored:
                raise InvalidRequest(
                    f"keep and of select by a score, which generator {self.description.name!r} does not give"
                )
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The pinned file, for people: name/version."""
        return f"{self.description.name}/{self.description.version}"

    def identity(self) -> dict[str, object]:
        """Everything that decides which sample is at a position, as plain values."""
        return {
            "generator": self.description.name,
            "version": self.description.version,
            "digest": self.description.digest,
            "seed": self.seed,
            "start_index": self.start_index,
            "truncation": self.truncation or 1.0,
            "keep": self.keep,
            "of": self.of,
            "labels": [self.description.labels[index] for index in self._cycle.tolist()],
            "weights": None if self._bounds is None else self._bounds.tolist(),
        }

    def pin(self, version: int, digest: str) -> None:
        """Read from this file from now on; GeneratorNotFound or DigestMismatch if the service has it no longer."""
        if digest != self.description.digest:
            self.description = self._describe(self.description.name, version, digest)

    def class_indices(self, positions: np.ndarray) -> np.ndarray:
        """int64 [n], class index at each of the positions, int64 [n]."""
        if self._bounds is None:
            return self._cycle[positions % len(self._cycle)]
        with np.errstate(over="ignore"):
            spread = positions.astype(np.uint64) * _GOLDEN
        return self._cycle[np.searchsorted(self._bounds, spread, side="right")]

    def samples(self, positions: Sequence[int] | np.ndarray) -> Samples:
        """The samples at these positions, each in [0, limit), in the order given."""
        where = np.asarray(positions, np.int64)
        classes = self.class_indices(where)
        return self.fetch(where + self.start_index, classes, self.truncation, self.keep, self.of)

    def fetch(
        self, indices: np.ndarray, class_indices: np.ndarray, truncation: float | None, keep: int, of: int
    ) -> Samples:
        """Any samples of the pinned file and the seed, as `Client.fetch`."""
        return self._client.fetch(
            indices,
            class_indices,
            seed=self.seed,
            truncation=truncation,
            keep=keep,
            of=of,
            generator=self.description.name,
            version=self.description.version,
            digest=self.description.digest,
        )

    def transform(
        self, content: np.ndarray, target: np.ndarray, source: np.ndarray | None, strength: float = 1.0
    ) -> Transformed:
        """Real samples, carried into other classes by the pinned file, as `Client.transform`.

        content: the generator's dtype [n, *shape]; target, source: int64 [n], class indices.
        """
        return self._client.transform(
            content,
            classes=target,
            source=source,
            strength=strength,
            generator=self.description.name,
            version=self.description.version,
            digest=self.description.digest,
        )

    def close(self) -> None:
        """Disconnect, unless the client was handed in."""
        if self._owns_client:
            self._client.close()

    def _describe(self, generator: str | None, version: int | None, digest: str | None) -> Description:
        description = self._client.describe(generator, version)
        if digest is not None and description.digest != digest:
            there = f"{description.name} version {description.version}"
            raise DigestMismatch(f"{there} is the file {description.digest}, not {digest}")
        return description


class Reader:
    """What every loader tells of its source."""

    _source: Source

    @property
    def description(self) -> Description:
        """The generator, as pinned."""
        return self._source.description

    @property
    def seed(self) -> int:
        """Of the stream, and of whatever else is drawn."""
        return self._source.seed

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in order of class index."""
        return self.description.labels

    def close(self) -> None:
        """Disconnect, unless the client was handed in."""
        self._source.close()


def explained(make: Make) -> Make:
    """Adds to a loader's docstring and signature the options that it hands to Source, for help() and editors."""
    make.__doc__ = f"{inspect.cleandoc(make.__doc__ or '')}\n{inspect.cleandoc(Source.__init__.__doc__ or '')}"
    own, options = inspect.signature(make), inspect.signature(Source).parameters
    named = [each for each in own.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    handed = [options[name] for name in SourceOptions.__annotations__]
    make.__signature__ = own.replace(parameters=[*named, *handed])  # type: ignore[attr-defined]
    return make


def _bounds(weights: Sequence[float], count: int) -> np.ndarray:
    """uint64 [count - 1]: where in [0, 2**64) the share of each class ends, the last one's left out."""
    shares = np.asarray(weights, np.float64) if len(weights) == count else np.zeros(0)
    if shares.shape != (count,) or not np.isfinite(shares).all() or not (shares > 0).all():
        raise InvalidRequest(f"weights is {weights!r}; it must be one number above 0 per label: {count}")
    ends = np.cumsum(shares / shares.sum())[:-1]
    return np.array([min(int(end * 2.0**64), 2**64 - 1) for end in ends.tolist()], np.uint64)
