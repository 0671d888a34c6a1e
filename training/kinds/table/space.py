"""Raw rows as numbers: their ranges, and the space in which they are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.data.subset import Samples
from training.kinds.table.columns import Column

_BLOCK = 65_536  # rows
_LEARNED_FROM = 50_000  # rows that tell how a column is distributed
_KNOTS = 513  # of ranks
_OWN = 63  # categories with an element of their own
_LEAST_DEVIATION = 0.05  # a column that hardly varies does not outweigh the others
_DIMENSIONS = 16  # of the categories of a column
_WIDEST = 512  # dimensions in which neighbours are looked for


def ranges(columns: Sequence[Column], raw: Samples) -> tuple[Column, ...]:
    """The columns, those of numbers with the least and greatest of the rows; a column without a number keeps its own.

    raw: float32 [n, columns], NaN where a value is missing; read in blocks, since it may lie on disk.
    """
    least = np.full(len(columns), np.inf, np.float32)
    greatest = np.full(len(columns), -np.inf, np.float32)
    for start in range(0, len(raw), _BLOCK):
        block = raw[start : start + _BLOCK]
        # The first of the two that is a number, where one of them is.
        least = np.fmin(least, np.fmin.reduce(block, axis=0))
        greatest = np.fmax(greatest, np.fmax.reduce(block, axis=0))
    return tuple(
        column if column.categories or low > high else replace(column, minimum=float(low), maximum=float(high))
        for column, low, high in zip(columns, least, greatest, strict=True)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Numbers:
    """A numeric column by its ranks: half way up the training rows is 0, the least are near -1, the greatest near 1.

    Between the values of training rows the ranks lie on straight lines, so that a value that rounding moves by little
    has nearly the same one; heavy tails take no more room than they have rows.
    """

    knots: np.ndarray  # float64 [k], ascending
    ranks: np.ndarray  # float64 [k]
    missing: bool
    deviation: float  # of the ranks, and of the missing ones' 0 and 1, together

    @classmethod
    def fit(cls, values: np.ndarray, missing: bool) -> _Numbers:
        told = np.sort(values[np.isfinite(values)].astype(np.float64))
        if not len(told):
            told = np.zeros(1)
        at = np.linspace(0, len(told) - 1, min(len(told), _KNOTS)).round().astype(np.int64)
        knots = np.unique(told[at])
        # The middle of equal ones: a value that most rows have is one point and no range.
        middles = (np.searchsorted(told, knots, "left") + np.searchsorted(told, knots, "right")) / 2 / len(told)
        column = cls(knots, 2 * middles - 1, missing, 0.0)
        return replace(column, deviation=float(column.points(values).std(0).sum()))

    @property
    def width(self) -> int:
        return 1 + self.missing

    def points(self, values: np.ndarray) -> np.ndarray:
        """[n] -> float64 [n, width]: the rank, and whether there is none."""
        none = np.isnan(values)
        ranks = np.interp(np.where(none, self.knots[0], values), self.knots, self.ranks)
        ranks[none] = 0.0
        return np.stack([ranks, none], 1) if self.missing else ranks[:, None]

    values = compact = points


@dataclass(frozen=True, slots=True, eq=False)
class _Categories:
    """A column of categories as a point for each; the last but one is what is no category, the last what is missing."""

    own: np.ndarray  # int64 [categories + 2]: number of its 0 and 1, those of rare ones being one
    places: np.ndarray  # float32 [categories + 2, d], as far from one another as they can be
    width: int
    deviation: float

    @classmethod
    def fit(cls, values: np.ndarray, count: int) -> _Categories:
        numbers = category_numbers(values, count)
        frequency = np.bincount(numbers, minlength=count + 2) / max(1, len(numbers))
        own = np.full(count + 2, _OWN)
        kept = np.argsort(-frequency, kind="stable")[:_OWN]
        own[np.sort(kept)] = np.arange(len(kept))
        shares = np.bincount(own, frequency, minlength=own.max() + 1)
        deviation = float(np.sqrt(shares * (1 - shares).clip(0)).sum())
        return cls(own, _far_apart(count + 2), len(shares), deviation)

    def values(self, values: np.ndarray) -> np.ndarray:
        """[n] -> float64 [n, width]: one 1, and 0 elsewhere."""
        return np.eye(self.width)[self.own[category_numbers(values, len(self.own) - 2)]]

    def compact(self, values: np.ndarray) -> np.ndarray:
        return self.places[category_numbers(values, len(self.own) - 2)]


class Space:
    """Rows as points, once it is known how the columns of the rows for training are distributed."""

    def __init__(self, columns: Sequence[Column], raw: Samples) -> None:
        """raw: rows for training, float32 [n, columns], n at least 1; of many, as many as tell enough are read."""
        some = raw[np.unique(np.linspace(0, len(raw) - 1, min(len(raw), _LEARNED_FROM)).round().astype(np.int64))]
        self._columns: list[_Numbers | _Categories] = [
            _Categories.fit(some[:, number], len(column.categories))
            if column.categories
            else _Numbers.fit(some[:, number], column.missing)
            for number, column in enumerate(columns)
        ]
        total = sum(column.width for column in self._columns)
        # So that a mean over elements is one over columns: each has the deviation 1 over all rows for training.
        self._weights = [
            total / len(self._columns) / max(column.deviation, _LEAST_DEVIATION) for column in self._columns
        ]
        wide = sum(column.compact(some[:1, number]).shape[1] for number, column in enumerate(self._columns))
        self._narrow = None
        if wide > _WIDEST:
            random = np.random.default_rng(0)
            self._narrow = (random.standard_normal((wide, _WIDEST)) / _WIDEST**0.5).astype(np.float32)

    def values(self, raw: np.ndarray) -> np.ndarray:
        """float64 [n, elements], finite: ranks of numbers, 0 and 1 for categories and for what is missing.

        Scaled so that all rows for training have the mean deviation 1, to which every column adds as much.
        """
        return np.concatenate(
            [
                column.values(raw[:, number]) * weight
                for number, (column, weight) in enumerate(zip(self._columns, self._weights, strict=True))
            ],
            axis=1,
        )

    def compact(self, raw: np.ndarray) -> np.ndarray:
        """float32 [n, d]: rows are as far apart as the squares of their columns' distances add up to.

        Two categories are 1 apart, as are a missing value and any other; numbers as their ranks, at most 2. Columns of
        many categories, and tables of many columns, are projected at random into fewer dimensions, which keeps
        distances to about a tenth (Johnson and Lindenstrauss 1984), and equal rows equal.
        """
        points = [column.compact(raw[:, number]) for number, column in enumerate(self._columns)]
        joined = np.concatenate(points, axis=1).astype(np.float32)
        return joined if self._narrow is None else joined @ self._narrow

    def ranks(self, raw: np.ndarray, number: int) -> np.ndarray:
        """Of a numeric column, float64 [n] in [-1, 1]; 0 where the value is missing."""
        return self._columns[number].values(raw[:, number])[:, 0]


def category_numbers(values: np.ndarray, count: int) -> np.ndarray:
    """Raw values of a column of `count` categories -> int64 [n]: `count` for none of them, `count` + 1 for missing."""
    whole = np.where(np.isnan(values), count + 1, values)
    known = (whole == np.floor(whole)) & (whole >= 0) & (whole < count) | np.isnan(values)
    return np.where(known, whole, count).astype(np.int64)


def _far_apart(count: int) -> np.ndarray:
    """Points 1 apart from one another, or about that where there are more than dimensions: float32 [count, d]."""
    if count <= _DIMENSIONS:
        return np.eye(count, dtype=np.float32) / np.float32(2**0.5)
    points = np.random.default_rng(count).standard_normal((count, _DIMENSIONS))
    return (points / np.linalg.norm(points, axis=1, keepdims=True) / 2**0.5).astype(np.float32)
