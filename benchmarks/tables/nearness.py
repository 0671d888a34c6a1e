"""Are made rows copies? How near they are to the rows that a generator learned from, beside rows that it never saw."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas

from benchmarks.tables.table import Table
from training.quality.measures.intervals import wilson

_BLOCK = 2048
# Squared distances below this are rounding errors.
_ROUNDED = 9
_REACH = 1.959964


class Nearness(NamedTuple):
    """Shares and areas in [0, 1], each with the ends of its 95 % interval."""

    nearer: float  # share of made rows that are nearer to training than to held-out rows; 0.5 by chance, 1 for copies
    nearer_low: float
    nearer_high: float
    exact: float  # share of made rows that equal a training row in every column
    held_exact: float  # the same of the held-out rows
    auc: float  # membership inference: training rows told from held-out ones by the nearest made row; 0.5 by chance
    auc_low: float
    auc_high: float


class Space:
    """Rows as points, [n, d]: Euclidean distances that neither a unit nor an outlier decides.

    A number is its quantile among the training rows, so that two of them are at most 1 apart; two different categories
    are 1 apart; so are a missing and a given value.
    """

    def __init__(self, table: Table) -> None:
        self._numbers = {name: np.sort(table.train[name].dropna().to_numpy()) for name in table.numbers}
        columns = (*table.categories, table.label)
        self._categories = {name: pandas.Index(table.train[name].dropna().unique()) for name in columns}

    def points(self, rows: pandas.DataFrame) -> np.ndarray:
        """float64 [n, d]."""
        parts = [_quantiles(rows[name].to_numpy(), known) for name, known in self._numbers.items()]
        for name, known in self._categories.items():
            # Two more: missing, and what no training row has.
            codes = known.get_indexer(pandas.Index(rows[name]))
            codes = np.where(rows[name].isna(), len(known), np.where(codes < 0, len(known) + 1, codes))
            parts.append(np.eye(len(known) + 2)[codes] / 2**0.5)
        return np.concatenate(parts, axis=1)


def _quantiles(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """float64 [n, 2]: the quantile, and whether it is missing."""
    missing = np.isnan(values)
    below, up_to = (np.searchsorted(known, values, side=side) for side in ("left", "right"))  # type: ignore[call-overload]
    middle = (below + up_to) / 2 / max(len(known), 1)
    return np.stack([np.where(missing, 0.5, middle), missing.astype(np.float64)], axis=1)


def nearness(space: Space, made: pandas.DataFrame, train: pandas.DataFrame, held: pandas.DataFrame) -> Nearness:
    """Compare made rows with training rows and with as many held-out ones."""
    if len(train) != len(held):
        raise ValueError(f"{len(train)} training rows and {len(held)} held-out ones: there must be as many of both")
    points = space.points(made)
    to_train = nearest(points, space.points(train))
    to_held = nearest(points, space.points(held))
    nearer = np.where(to_train.made == to_held.made, 0.5, to_train.made < to_held.made)
    owner = np.where(to_train.made <= to_held.made, to_train.owner, len(train) + to_held.owner)
    # What repeats is the real row, with all made rows around it: by Kish (1965) so many of them count.
    owned = np.unique(owner, return_counts=True)[1].astype(np.float64)
    count = float(owned.sum() ** 2 / (owned**2).sum())
    share = float(nearer.mean())
    auc = area(-to_train.real, -to_held.real)
    reach = _REACH * _deviation(auc, len(train), len(held))
    return Nearness(
        share,
        *wilson(share * count, count),
        float((to_train.made == 0).mean()),
        float((nearest(space.points(held), space.points(train)).made == 0).mean()),
        auc,
        max(0.0, auc - reach),
        min(1.0, auc + reach),
    )


class Nearest(NamedTuple):
    """Squared distances."""

    made: np.ndarray  # of each made row, to the nearest real one
    owner: np.ndarray  # int64, which that is
    real: np.ndarray  # of each real row, to the nearest made one


def nearest(made: np.ndarray, real: np.ndarray) -> Nearest:
    """made: float64 [n, d]; real: float64 [m, d]."""
    found, owner = np.empty(len(made)), np.empty(len(made), np.int64)
    back = np.full(len(real), np.inf)
    squares = (real**2).sum(1)
    for start in range(0, len(made), _BLOCK):
        block = made[start : start + _BLOCK]
        between = (block**2).sum(1)[:, None] + squares - 2 * block @ real.T
        owner[start : start + _BLOCK] = where = between.argmin(1)
        found[start : start + _BLOCK] = between[np.arange(len(block)), where]
        np.minimum(back, between.min(0), out=back)
    return Nearest(np.abs(found.round(_ROUNDED)), owner, np.abs(back.round(_ROUNDED)))


def area(positive: np.ndarray, negative: np.ndarray) -> float:
    """Under the ROC curve: the share of pairs in which the positive one is the greater; equal ones count half."""
    negative = np.sort(negative)
    below, up_to = (np.searchsorted(negative, positive, side=side) for side in ("left", "right"))  # type: ignore[call-overload]
    return float((below + up_to).mean() / 2 / len(negative))


def _deviation(auc: float, positive: int, negative: int) -> float:
    """Of an area, over the choice of both (Hanley and McNeil 1982)."""
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (positive - 1) * (one - auc**2) + (negative - 1) * (two - auc**2)
    return max(0.0, variance / (positive * negative)) ** 0.5
