"""How strongly the columns of a table go together, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.kinds.table.columns import Column
from training.kinds.table.space import Space, category_numbers

_MOST_ROWS = 10_000
_CATEGORIES = 20  # of a column; rarer ones count as one
_WIDEST = 1000  # numbers and categories of all columns


class Associations:
    """Measures the pairs of columns of some rows; which categories count is learned from real ones.

    Two numbers: Spearman's correlation, in [-1, 1]. Two columns of categories: Cramér's V, in [0, 1]. One of each: the
    correlation ratio of the ranks, in [0, 1]. What is missing is a category of its own, and a number's mean.
    """

    def __init__(self, columns: Sequence[Column], real: np.ndarray) -> None:
        """real: float32 [n, columns]; of a table that is too wide for all pairs, the first columns are taken."""
        self._space = Space(columns, real)
        self._kept: list[np.ndarray | None] = []  # of categories: the element of each number
        widths: list[int] = []
        for number, column in enumerate(columns):
            elements = _elements(real[:, number], len(column.categories)) if column.categories else None
            width = 1 if elements is None else int(elements.max()) + 1
            if sum(widths) + width > _WIDEST:
                break
            widths.append(width)
            self._kept.append(elements)
        self.columns = tuple(columns[: len(widths)])
        self._owner = np.repeat(np.arange(len(widths)), widths)
        # Of a column of categories, how many more than one there are; of numbers, one.
        degrees = np.array([1 if kept is None else max(1, int(kept.max())) for kept in self._kept])
        numeric = np.array([kept is None for kept in self._kept])
        mixed = numeric[:, None] | numeric[None, :]
        self._most = np.where(mixed, 1, np.minimum(degrees[:, None], degrees[None, :]))
        self._numeric = numeric

    def of(self, raw: np.ndarray) -> np.ndarray:
        """float32 [n, columns] -> float64 [k, k] with 1 on the diagonal, k being the columns taken."""
        some = raw[np.linspace(0, len(raw) - 1, min(len(raw), _MOST_ROWS)).round().astype(np.int64)]
        elements = np.concatenate([self._standardised(some, number) for number in range(len(self.columns))], axis=1)
        products = (elements.T @ elements).astype(np.float64) / len(some)
        member = np.equal.outer(self._owner, np.arange(len(self.columns))).astype(np.float64)
        strength = np.sqrt((member.T @ products**2 @ member) / self._most).clip(0, 1)
        sign = np.sign(member.T @ products @ member)
        strength = np.where(np.logical_and.outer(self._numeric, self._numeric) & (sign < 0), -strength, strength)
        np.fill_diagonal(strength, 1.0)
        return strength

    def _standardised(self, raw: np.ndarray, number: int) -> np.ndarray:
        """Elements of a column whose products sum up to the squares of its associations: float32 [n, width]."""
        kept = self._kept[number]
        if kept is None:
            ranks = self._space.ranks(raw, number)
            ranks = np.where(np.isnan(raw[:, number]), np.nan, ranks)
            told = ranks[~np.isnan(ranks)]
            middle, deviation = (float(told.mean()), float(ranks[~np.isnan(ranks)].std())) if len(told) else (0.0, 0.0)
            scaled = np.nan_to_num((ranks - middle) / max(deviation, 1e-9), nan=0.0)
            # Over all rows, those of missing numbers too: else their correlations would come out small.
            return (scaled * (len(raw) / max(1, len(told))) ** 0.5)[:, None].astype(np.float32)
        ones = np.eye(int(kept.max()) + 1, dtype=np.float32)[kept[category_numbers(raw[:, number], len(kept) - 2)]]
        shares = ones.mean(0)
        return (ones - shares) / np.sqrt(np.maximum(shares, 1e-12))


def _elements(values: np.ndarray, count: int) -> np.ndarray:
    """Element of each number of a category, of none and of missing: int64 [count + 2]; what is rare shares the last."""
    frequency = np.bincount(category_numbers(values, count), minlength=count + 2)
    order = np.argsort(-frequency, kind="stable")
    present = order[: max(1, int((frequency > 0).sum()))]
    elements = np.full(count + 2, min(len(present), _CATEGORIES) - 1)
    elements[present[: _CATEGORIES - 1]] = np.arange(len(present[: _CATEGORIES - 1]))
    return elements
