"""How the values of each column of some rows are spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from augmint.kinds.face import Bar, Spread
from augmint.kinds.table.column import ColumnType, Typed, columns, typed

_RANGES = 24
# Categories that have a bar of their own.
_NAMED = 8


def spreads(samples: Any) -> list[Spread]:
    """One for each column, in their order."""
    found = columns(samples.description)
    return [_spread(typed(column, samples.array[:, number])) for number, column in enumerate(found)]


def _spread(one: Typed) -> Spread:
    missing = int(one.gaps.sum())
    there = one.values[~one.gaps]
    if one.column.type is ColumnType.CATEGORY:
        bars = _named(one.column.categories, np.bincount(there, minlength=len(one.column.categories)))
        return Spread(one.column.name, f"{len(one.column.categories)} categories", bars, False, missing)
    if one.column.type is ColumnType.TRUTH:
        truths = int(there.sum())
        bars = [Bar("true", truths), Bar("false", len(there) - truths)]
        return Spread(one.column.name, "true or false", bars, False, missing)
    if not len(there):
        return Spread(one.column.name, one.column.type.value, [], True, missing)
    told = f"{_shown(there.min())} to {_shown(there.max())}, median {_shown(np.sort(there)[len(there) // 2])}"
    return Spread(one.column.name, told, _ranges(there), True, missing)


def _named(names: Sequence[str], counts: np.ndarray) -> list[Bar]:
    order = np.argsort(-counts, kind="stable").tolist()
    bars = [Bar(names[index], int(counts[index])) for index in order[:_NAMED]]
    rest = order[_NAMED:]
    return [*bars, Bar(f"{len(rest)} others", int(counts[rest].sum()))] if rest else bars


def _ranges(values: np.ndarray) -> list[Bar]:
    """Of equal width; of few different whole numbers, one for each."""
    numbers = values.astype(np.int64) if values.dtype.kind == "M" else values
    low, high = numbers.min(), numbers.max()
    whole = numbers.dtype.kind == "i" and int(high) - int(low) < _RANGES
    count = int(high) - int(low) + 1 if whole else 1 if low == high else _RANGES
    # In float64, where no difference of two whole numbers is too large.
    place = (
        (numbers.astype(np.float64) - float(low)) / (float(high) - float(low) or 1.0) * (count - 1 if whole else count)
    )
    counts = np.bincount(np.minimum(np.rint(place) if whole else place, count - 1).astype(np.int64), minlength=count)
    ends = np.linspace(float(low), float(high), count + (not whole))

    def name(number: int) -> str:
        if values.dtype.kind == "M":
            ends_there = ends[number : number + 1 + (not whole)].astype(np.int64).astype(values.dtype)
        else:
            ends_there = ends[number : number + 1 + (not whole)].astype(values.dtype)
        return " to ".join(dict.fromkeys(map(_shown, ends_there)))

    return [Bar(name(number), int(found)) for number, found in enumerate(counts)]


def _shown(value: Any) -> str:
    if isinstance(value, np.datetime64):
        return str(value).replace("T", " ")
    return f"{value:.6g}" if isinstance(value, np.floating) else str(value)
