"""Columns of a table: from raw rows, float32, to values of the type that each column has."""

from __future__ import annotations

import contextlib
import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from augmint.errors import ServiceFault
from augmint.v1 import generator_pb2 as pb

# Days since 1970-01-01 of 0001-01-01 and 9999-12-31, the calendar of Python's dates.
FIRST_DAY, LAST_DAY = -719162, 2932896
# Powers of ten up to this one are exact in float64, and so is rounding by them, below 2^53 of their units.
_MOST_DECIMALS = 22
_EXACT = 2.0**53
_SECONDS = 86400
# Categories that are told of one by one.
_TOLD = 5


class ColumnType(enum.Enum):
    """What the values of a column are."""

    CATEGORY = "category"
    WHOLE = "whole numbers"
    NUMBER = "numbers"
    TRUTH = "true or false"
    DATE = "dates"
    TIME = "dates with a time"


@dataclass(frozen=True)
class Column:
    """One column.

    categories: names in order of index; of ColumnType.CATEGORY only.
    missing:    whether values may be missing.
    low, high:  the least and the greatest raw value, or None: not known.
    offset:     what is added to raw values, in float64.
    decimals:   digits after the point that numbers are rounded to, or None.
    """

    name: str
    type: ColumnType
    categories: tuple[str, ...] = ()
    missing: bool = False
    low: float | None = None
    high: float | None = None
    offset: float = 0.0
    decimals: int | None = None

    @classmethod
    def read(cls, spec: pb.ColumnSpec) -> Column:
        """From the contract's message; fields that an old file lacks are not known."""
        low = spec.minimum if spec.HasField("minimum") else None
        high = spec.maximum if spec.HasField("maximum") else None
        decimals = spec.decimals if spec.HasField("decimals") else None
        bounds = (bound + spec.offset for bound in (low, high) if bound is not None)
        if spec.categories:
            held = ColumnType.CATEGORY
        elif spec.unit == pb.COLUMN_UNIT_TRUTH:
            held = ColumnType.TRUTH
        elif spec.unit == pb.COLUMN_UNIT_DAYS:
            held = ColumnType.DATE if spec.integer else ColumnType.TIME
        else:
            held = (
                ColumnType.WHOLE
                if spec.integer and all(abs(bound) < 2.0**63 for bound in bounds)
                else ColumnType.NUMBER
            )
        return cls(spec.name, held, tuple(spec.categories), spec.missing, low, high, spec.offset, decimals)


@dataclass(frozen=True)
class Typed:
    """A column of n rows.

    values: [n]: int32 index of the category, int64, float64, bool, datetime64[D] or datetime64[s].
    gaps:   bool [n], where a value is missing; there values are -1, 0, NaN, False or NaT.
    """

    column: Column
    values: np.ndarray
    gaps: np.ndarray

    def tolist(self) -> list[Any]:
        """Python's own: str, int, float, bool, date or datetime (UTC, without saying so), and None."""
        if self.column.type is ColumnType.CATEGORY:
            return [self.column.categories[code] if code >= 0 else None for code in self.values.tolist()]
        found = self.values.tolist()
        for position in np.flatnonzero(self.gaps).tolist():
            found[position] = None
        return found


def columns(description: Any) -> tuple[Column, ...]:
    """Columns of a generator's rows, in their order; ServiceFault if they do not match its shape."""
    found = tuple(Column.read(spec) for spec in description.message.sample.table.columns)
    if (len(found),) != tuple(description.shape):
        raise ServiceFault(
            f"generator {description.name!r} describes {len(found)} columns, and its rows are {list(description.shape)}"
        )
    return found


def label_name(description: Any) -> str:
    """Name of the column of labels: the table's own, or `label`, with as many `_` as make it no other column's."""
    table = description.message.sample.table
    taken = {column.name for column in table.columns}
    name = table.label or "label"
    while name in taken:
        name += "_"
    return str(name)


def details(description: Any) -> list[tuple[str, str]]:
    """Name of each column, and what its values are, e.g. "whole numbers from 17 to 90, may be missing"."""
    return [(column.name, _told(column)) for column in columns(description)]


def _told(column: Column) -> str:
    if column.type is ColumnType.CATEGORY:
        more = f", ... ({len(column.categories)} in all)" if len(column.categories) > _TOLD else ""
        told = f"{', '.join(column.categories[:_TOLD])}{more}"
    else:
        told = column.type.value
        if column.type is not ColumnType.TRUTH and column.low is not None and column.high is not None:
            ends = Column(column.name, column.type, (), False, column.low, column.high, column.offset, column.decimals)
            with contextlib.suppress(ServiceFault):  # what is wrong with the file is said when it gives rows
                low, high = typed(ends, np.array([column.low, column.high], np.float32)).tolist()
                told += f" from {low} to {high}"
    return f"{told}; may be missing" if column.missing else told


def typed(column: Column, raw: np.ndarray) -> Typed:
    """Values of a column from raw ones, float32 [n]; ServiceFault if they are none that the column can have."""
    gaps = np.isnan(raw)
    if not column.missing and gaps.any():
        raise _fault(column, "a missing value, and says that it has none")
    return Typed(column, _VALUES[column.type](column, raw, gaps), gaps)


def numbers(column: Column, raw: np.ndarray) -> np.ndarray:
    """float64 [n]: raw values, float32 [n], as they are meant: within the range, with the offset, NaN kept."""
    found = raw.astype(np.float64)
    for bound in (column.low, column.high):
        if bound is not None:  # which in float32 may lie on the other side of itself
            found[raw == np.float32(bound)] = bound
    return found + column.offset


def rounded(values: np.ndarray, decimals: int | None) -> np.ndarray:
    """To so many digits after the point: the floats that print so; what is coarser than that anyway stays."""
    if decimals is None or decimals > _MOST_DECIMALS:
        return values
    scale = 10.0**decimals
    with np.errstate(over="ignore", invalid="ignore"):
        near = np.rint(values * scale) / scale
        return np.where(np.abs(values) < _EXACT / scale, near, values) + 0.0  # and no -0.0


def _codes(column: Column, raw: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    codes = np.where(gaps, -1, raw)
    if ((codes < -1) | (codes >= len(column.categories)) | (codes != np.floor(codes)) | ((codes < 0) & ~gaps)).any():
        raise _fault(column, f"what is none of its {len(column.categories)} categories")
    return codes.astype(np.int32)


def _whole(column: Column, raw: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    # Whole raw values and a whole offset are added as int64: float64 would round them beyond 2^53.
    found = np.where(gaps, 0, raw).astype(np.float64)
    if not (np.abs(found) + abs(column.offset) < 2.0**63).all():
        raise _fault(column, "a number beyond those of 64 bits")
    if math.floor(column.offset) == column.offset:
        whole = np.rint(found).astype(np.int64) + np.int64(column.offset)
    else:
        whole = np.rint(found + column.offset).astype(np.int64)
    return np.where(gaps, np.int64(0), whole)


def _numbers(column: Column, raw: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    return rounded(numbers(column, raw), column.decimals)


def _truth(column: Column, raw: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    if not (gaps | (raw == 0) | (raw == 1)).all():
        raise _fault(column, "what is neither 0 nor 1")
    return np.where(gaps, False, raw == 1)


def _dates(column: Column, raw: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    return _since(column, np.rint(numbers(column, raw)), gaps, "D", 1)


def _times(column: Column, raw: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    return _since(column, rounded(numbers(column, raw), column.decimals), gaps, "s", _SECONDS)


def _since(column: Column, days: np.ndarray, gaps: np.ndarray, unit: str, per_day: int) -> np.ndarray:
    if not (gaps | ((days >= FIRST_DAY) & (days < LAST_DAY + 1))).all():
        raise _fault(column, "a date outside the years 1 to 9999")
    units = np.rint(np.where(gaps, 0, days) * per_day)
    # The last half of a second of the year 9999 is no next year.
    whole = np.minimum(units, (LAST_DAY + 1) * per_day - 1).astype(np.int64)
    found = whole.astype(f"datetime64[{unit}]")
    found[gaps] = np.datetime64("NaT")
    return found


_VALUES: dict[ColumnType, Callable[[Column, np.ndarray, np.ndarray], np.ndarray]] = {
    ColumnType.CATEGORY: _codes,
    ColumnType.WHOLE: _whole,
    ColumnType.NUMBER: _numbers,
    ColumnType.TRUTH: _truth,
    ColumnType.DATE: _dates,
    ColumnType.TIME: _times,
}


def _fault(column: Column, what: str) -> ServiceFault:
    return ServiceFault(f"column {column.name!r} of the generator holds {what}: its file is broken")
