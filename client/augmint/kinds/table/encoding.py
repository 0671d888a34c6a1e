"""Rows as features for a network, real and synthetic ones in one space."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from augmint import extras
from augmint.errors import InvalidRequest
from augmint.kinds.table.column import Column, ColumnType, columns
from augmint.kinds.table.real import Names, missing_columns, raw_numbers

Ranges = Mapping[str, tuple[float, float]]


class Features:
    """Turns raw rows into features: made by `features`. Picklable.

    names: of the features, e.g. "age", "age missing", "workclass=Private".
    """

    def __init__(self, found: Sequence[Column], ranges: Ranges) -> None:
        """See `features`."""
        self._columns = tuple(found)
        self._ranges = {
            column.name: _range(column, ranges) for column in found if column.type is not ColumnType.CATEGORY
        }
        self.names = tuple(name for column in found for name in _names(column))

    def __len__(self) -> int:
        return len(self.names)

    def __call__(self, raw: Any) -> Any:
        """float32 [n, features], or [features], of raw rows, float32 [n, columns] or [columns]; a tensor of a tensor.

        raises: InvalidRequest if they have another number of columns, or miss what the generator's never miss.
        """
        tensor = type(raw).__module__.partition(".")[0] == "torch"
        rows = np.asarray(raw, np.float32)
        if rows.ndim not in (1, 2) or rows.shape[-1] != len(self._columns):
            raise InvalidRequest(
                f"rows have the shape {list(rows.shape)}; it must end in columns: {len(self._columns)}"
            )
        made = np.zeros((*rows.shape[:-1], len(self)), np.float32)
        self._fill(np.atleast_2d(rows), made.reshape(-1, len(self)))
        return extras.load("torch", "torch").from_numpy(made) if tensor else made

    def _fill(self, rows: np.ndarray, made: np.ndarray) -> None:
        start = 0
        for number, column in enumerate(self._columns):
            values = rows[:, number]
            gaps = np.isnan(values)
            if gaps.any() and not column.missing:
                raise InvalidRequest(f"column {column.name!r} misses a value, and the generator's never does")
            if column.type is ColumnType.CATEGORY:
                there = np.flatnonzero(~gaps)
                codes = values[there].astype(np.int64)
                if not ((codes >= 0) & (codes < len(column.categories))).all():
                    raise InvalidRequest(f"column {column.name!r} has an index outside its categories")
                made[there, start + codes] = 1
                start += len(column.categories)
            else:
                low, high = self._ranges[column.name]
                unit = (values.astype(np.float64) - low) / ((high - low) or 1.0)
                made[:, start] = np.where(gaps, 0, unit)
                start += 1
            if column.missing:
                made[:, start] = gaps
                start += 1


def features(description: Any, ranges: Ranges | None = None) -> Features:
    """A callable from raw rows to features, for `transform=` of the torch loaders and for real rows (`encode_frame`).

        space = augmint.kinds.table.features(client.describe("adult"))
        data = SyntheticDataset(target, length=100_000, transform=space)
        real = space(encode_frame(description, frame))

    A category is one feature per name, 1 for the one that it is; anything else is one feature, 0 at the column's least
    and 1 at its greatest value (real ones may lie outside). A column that may miss values has one feature more, 1 where
    it does; the others are 0 there.
    ranges:  least and greatest raw value (`encode_frame`: without the offset) of columns whose description lacks them.
    raises:  InvalidRequest if the generator makes no rows, or the range of a column is not known.
    """
    if description.kind != "table":
        raise InvalidRequest(f"generator {description.name!r} makes {description.kind}, not rows of a table")
    return Features(columns(description), ranges or {})


def encode_frame(description: Any, frame: Any) -> np.ndarray:
    """Raw rows, float32 [n, columns], of a real DataFrame: what the generator would give for them.

    frame:   has the generator's columns, in any order; others are left out. Categories are matched by name (1, 1.0 and
             "1" are the same), dates may be datetimes, dates or ISO text; missing values become NaN.
    raises:  InvalidRequest naming the column and the value that the generator does not know.
    """
    if description.kind != "table":
        raise InvalidRequest(f"generator {description.name!r} makes {description.kind}, not rows of a table")
    found = columns(description)
    missing_columns(description, found, frame.columns)
    made = np.empty((len(frame), len(found)), np.float32)
    for number, column in enumerate(found):
        series = frame[column.name]
        if column.type is ColumnType.CATEGORY:
            codes = Names(column).codes(series)
            made[:, number] = np.where(codes < 0, np.nan, codes)
        else:
            made[:, number] = raw_numbers(column, series)
    return made


def _lines(path: Any) -> Any:
    return extras.load("pandas", "table").read_json(path, lines=True, convert_dates=False, dtype=False)


# Files of rows, by suffix. What is missing is empty, as the client's own files have it; no word means it.
FILES: dict[str, Callable[[Any], Any]] = {
    "csv": lambda path: extras.load("pandas", "table").read_csv(path, keep_default_na=False, na_values=[""]),
    "tsv": lambda path: extras.load("pandas", "table").read_csv(
        path, sep="	", keep_default_na=False, na_values=[""]
    ),
    "jsonl": _lines,
    "parquet": lambda path: extras.load("pandas", "table").read_parquet(path),
}


def encode_rows(given: Any, description: Any) -> np.ndarray:
    """As `encode_frame`, of a DataFrame or a list of dicts by column."""
    if isinstance(given, list | tuple) and given and all(isinstance(row, Mapping) for row in given):
        given = extras.load("pandas", "table").DataFrame(list(given))
    if not hasattr(given, "columns"):
        raise InvalidRequest(f"samples are a {type(given).__name__}; give rows as a DataFrame or a list of dicts")
    return encode_frame(description, given)


def _names(column: Column) -> list[str]:
    own = [f"{column.name}={one}" for one in column.categories] or [column.name]
    return [*own, f"{column.name} missing"] if column.missing else own


def _range(column: Column, ranges: Ranges) -> tuple[float, float]:
    if column.type is ColumnType.TRUTH:
        return 0.0, 1.0
    if column.name in ranges:
        low, high = ranges[column.name]
        return float(low), float(high)
    if column.low is None or column.high is None:
        raise InvalidRequest(
            f"the description of column {column.name!r} has no range: give one, ranges={{{column.name!r}: (low, high)}}"
        )
    return column.low, column.high
