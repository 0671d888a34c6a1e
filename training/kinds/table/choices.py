"""Rows as choices: one token for each column, and the way back to exact values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from training.data.subset import Samples
from training.kinds.table.columns import Column

MOST_ROWS = 2**18  # that anything is learned from: a quantile of that many is within a thousandth of its place
MOST_VALUES = 256  # of a column of numbers that has a token for each
BINS = 100  # of a column of numbers that has more
PIECES = 32  # of a bin; between their ends its values are spread evenly
EXACT = 2.0**24  # whole numbers below are exact in float32


@dataclass(frozen=True)
class Scale:
    """The tokens of a column: ranges in order, which do not overlap, then the missing value where there may be one.

    ends: for each range, float64 [pieces + 1], rising: its quantiles; one end: the one value that the range has.
    """

    ends: tuple[np.ndarray, ...]
    missing: bool

    @property
    def size(self) -> int:
        """How many tokens there are, at least 1."""
        return max(1, len(self.ends) + self.missing)

    @property
    def edges(self) -> np.ndarray:
        """float32 [ranges - 1]: the range of a value is the number of edges that are less than it."""
        last = np.array([ends[-1] for ends in self.ends[:-1]])
        first = np.array([ends[0] for ends in self.ends[1:]])
        middle = ((last + first) / 2).astype(np.float32)
        # Between neighbours in float32 there is no middle.
        return np.where(middle < first.astype(np.float32), middle, last.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Choices:
    """See training.data.kind.Tokens. Raw rows are float32 [n, columns], missing values NaN.

    A category is a token, and so is a number of a column with few of them. Other numbers are cut into ranges of about
    as many training values each, with ranges of their own for values that are frequent by themselves.
    """

    columns: tuple[Column, ...]
    scales: tuple[Scale, ...]

    stop = None

    @classmethod
    def fit(cls, columns: Sequence[Column], raw: Samples) -> Choices:
        """Learn the ranges of the columns from rows for training; from 2^18 of them, evenly spaced, if there are more.

        raw: float32 [n, columns]. Raises ValueError where a value is missing that may not be.
        """
        rows = raw[np.linspace(0, len(raw) - 1, min(len(raw), MOST_ROWS)).astype(np.int64)]
        return cls(tuple(columns), tuple(_scale(column, rows[:, at]) for at, column in enumerate(columns)))

    @property
    def sizes(self) -> Sequence[int]:
        return [scale.size for scale in self.scales]

    @cached_property
    def _edges(self) -> Tensor:
        """float32 [columns, most edges], filled up with infinity."""
        edges = [scale.edges for scale in self.scales]
        table = np.full((len(edges), max(map(len, edges), default=0)), np.inf, np.float32)
        for row, own in zip(table, edges, strict=True):
            row[: len(own)] = own
        return torch.from_numpy(table)

    def encode(self, raw: Tensor) -> Tensor:
        """float32 [n, columns] -> int64 [n, columns]; a value between or beyond the ranges has the nearest one's token.

        A missing value of a column that has no token for it has its first.
        """
        last = torch.tensor(self.sizes, device=raw.device) - 1
        absent = torch.tensor([scale.missing for scale in self.scales], device=raw.device) * last
        missing = raw.isnan()
        values = torch.where(missing, 0.0, raw).T.contiguous()
        tokens = torch.searchsorted(self._edges.to(raw.device), values).T
        return torch.where(missing, absent, torch.minimum(tokens, last))

    def decoder(self) -> nn.Module:
        return Values(self)


class Values(nn.Module):
    """int64 [n, columns] and float32 [n, columns] in (0, 1] -> float32 [n, columns]; see Choices.

    The second says where in the token's range the value lies; a decoded value is one that the column may hold: within
    its range, whole, or rounded to its digits as a text with them would be read.
    """

    offset: Tensor
    first: Tensor
    pieces: Tensor
    low: Tensor
    rise: Tensor
    parts: Tensor
    most: Tensor
    minimum: Tensor
    maximum: Tensor

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        ranges = [
            ends
            for scale in choices.scales
            for ends in (*scale.ends, *([np.array([np.nan])] if len(scale.ends) < scale.size else []))
        ]
        pieces = [max(1, len(ends) - 1) for ends in ranges]
        low = np.concatenate([ends[: max(1, len(ends) - 1)] for ends in ranges])
        rise = np.concatenate([np.diff(ends) if len(ends) > 1 else np.zeros(1) for ends in ranges])
        sizes = choices.sizes
        self._store("offset", np.cumsum([0, *sizes[:-1]]), np.int64)  # of a column's tokens
        self._store("first", np.cumsum([0, *pieces[:-1]]), np.int64)  # piece of each token
        self._store("pieces", pieces, np.float32)
        self._store("low", low, np.float32)
        self._store("rise", rise.clip(max=np.finfo(np.float32).max), np.float32)

        columns = choices.columns
        digits = [0 if column.whole else column.decimals for column in columns]
        rounded = [not column.categories and count is not None for column, count in zip(columns, digits, strict=True)]
        self._store("parts", [10.0 ** (count or 0) for count in digits], np.float32)  # of 1 that are exact
        self._store("most", np.where(rounded, EXACT, -1.0), np.float32)
        self._store("minimum", [-np.inf if c.minimum is None else c.minimum for c in columns], np.float32)
        self._store("maximum", [np.inf if c.maximum is None else c.maximum for c in columns], np.float32)

    def _store(self, name: str, values: object, dtype: type) -> None:
        self.register_buffer(name, torch.from_numpy(np.asarray(values, dtype)), persistent=False)

    def forward(self, tokens: Tensor, uniform: Tensor) -> Tensor:
        token = tokens + self.offset
        pieces = self.pieces[token]
        place = uniform * pieces
        # The end of the last piece belongs to it.
        piece = torch.minimum(place.floor(), pieces - 1)
        at = self.first[token] + piece.to(torch.int64)
        value = self.low[at] + (place - piece) * self.rise[at]
        scaled = value * self.parts
        # Beyond what float32 has digits for every value has been rounded already.
        value = torch.where(scaled.abs() < self.most, scaled.round() / self.parts, value)
        # In comparisons, unlike in minima, a missing value stays one.
        value = torch.where(value < self.minimum, self.minimum, value)
        return torch.where(value > self.maximum, self.maximum, value)


def _scale(column: Column, values: np.ndarray) -> Scale:
    """values: float32 [n] of the column."""
    if column.categories:
        return Scale(tuple(np.array([float(index)]) for index in range(len(column.categories))), column.missing)
    absent = np.isnan(values)
    if absent.any() and not column.missing:
        raise ValueError(f"column {column.name!r} has missing values, which its schema has not")
    present = values[~absent].astype(np.float64)
    distinct, counts = np.unique(present, return_counts=True)
    if len(distinct) <= max(2, min(MOST_VALUES, 2 * len(present) ** 0.5)):
        return Scale(tuple(distinct[:, None]), column.missing)
    ends = _ranges(distinct, counts, column.whole)
    # Of rows that were left out, too.
    if column.minimum is not None and len(ends[0]) > 1:
        ends[0][0] = min(ends[0][0], column.minimum)
    if column.maximum is not None and len(ends[-1]) > 1:
        ends[-1][-1] = max(ends[-1][-1], column.maximum)
    return Scale(tuple(ends), column.missing)


def _ranges(values: np.ndarray, counts: np.ndarray, whole: bool) -> list[np.ndarray]:
    """Ends of ranges (see Scale) of about as many values each, but for those that are frequent by themselves.

    values: float64 [k], rising; counts: int64 [k], how often each is there.
    """
    total = counts.sum()
    bins = min(BINS, int(np.ceil(total**0.5)))
    frequent = counts > total / bins
    # A run is what lies between two frequent values, or one of them.
    run = np.cumsum(frequent | np.r_[False, frequent[:-1]])
    found = []
    for number in np.unique(run):
        members = run == number
        own, times = values[members], counts[members]
        share = (np.cumsum(times) - times / 2) / times.sum()
        bin_of = np.floor(share * max(1, round(bins * times.sum() / total)))
        for chosen in np.unique(bin_of):
            here = bin_of == chosen
            found.append(_ends(own[here], times[here], whole))
    return found


def _ends(values: np.ndarray, counts: np.ndarray, whole: bool) -> np.ndarray:
    """Quantiles of a range: float64 [pieces + 1], or [1] of one value alone."""
    if len(values) == 1:
        return values
    levels = np.linspace(0, 1, min(PIECES, counts.sum() - 1) + 1)
    if not whole:
        return np.quantile(np.repeat(values, counts), levels)
    # A whole number is what is rounded to it, so that none at an end of a range has half its share.
    reached = np.cumsum(counts)
    ends = np.stack([values - 0.5, values + 0.5], 1).ravel()
    return np.interp(levels * reached[-1], np.stack([reached - counts, reached], 1).ravel(), ends)
