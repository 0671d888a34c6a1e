"""Columns of a real table beside the generator's: which value is which category, and what a number is raw."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from augmint import extras, said
from augmint.errors import InvalidRequest
from augmint.kinds.table.column import Column, ColumnType
from augmint.near import did_you_mean

# What a truth value may be written as, by the truth; those of one place belong together.
TRUTHS = (("False", "false", "FALSE", "0"), ("True", "true", "TRUE", "1"))
_EPOCH = np.datetime64("1970-01-01", "us")
_DAY = 86400e6
_SHOWN = 10
_UNKNOWN = -2
# Share of the values of a real column that may be none of the generator's: rare ones that it has not learned.
_RARE = 0.05


def spellings(value: Any) -> list[str]:
    """Names that a value may stand for: 1, 1.0 and True are "1", too."""
    if isinstance(value, bool | np.bool_):
        return list(TRUTHS[bool(value)])
    if isinstance(value, int | np.integer):
        return [str(int(value)), f"{int(value)}.0"]
    if isinstance(value, float | np.floating):
        return [str(int(value)), str(float(value))] if float(value).is_integer() else [str(value)]
    return [str(value)]


class Lookup:
    """Index of the name that a value stands for."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._index = {name: index for index, name in enumerate(names)}

    def __call__(self, value: Any) -> int | None:
        """None if it stands for none of them."""
        return next((self._index[one] for one in spellings(value) if one in self._index), None)

    def unknown(self, value: Any) -> str:
        """For the end of a message: what there is, and what may have been meant."""
        more = f", ... ({len(self.names)} in all)" if len(self.names) > _SHOWN else ""
        return f"{', '.join(self.names[:_SHOWN])}{more}{did_you_mean(str(value), self.names)}"


class Names:
    """Values of a real column as categories of the generator's, or as truths: 0 and 1."""

    def __init__(self, column: Column) -> None:
        self._column = column
        if column.type is ColumnType.TRUTH:
            self._lookup = Lookup(("False", "True"))
            self._truths = {name: truth for truth, names in enumerate(TRUTHS) for name in names}
        else:
            self._lookup = Lookup(column.categories)

    def code(self, value: Any) -> int | None:
        """Index of the category, 0 or 1, or None."""
        if self._column.type is ColumnType.TRUTH:
            return next((self._truths[one] for one in spellings(value) if one in self._truths), None)
        return self._lookup(value)

    def codes(self, series: Any) -> np.ndarray:
        """int64 [n], -1 where a value is missing; InvalidRequest naming the first that is unknown."""
        codes, meaning, values = self._meaning(series)
        for value, code in zip(values, meaning, strict=False):
            if code == _UNKNOWN:
                raise InvalidRequest(self._unknown(value))
        return meaning[codes]

    def seen(self, series: Any) -> dict[int, Any]:
        """Index of the category to the value that stands for it in the column, as it is there.

        Warns of values that are unknown and rare; InvalidRequest if they are not: they are written otherwise, then.
        """
        codes, meaning, values = self._meaning(series)
        strays = meaning[codes] == _UNKNOWN
        if strays.any():
            told = self._unknown(values[codes[strays][0]])
            if strays.sum() > _RARE * (codes >= 0).sum():
                raise InvalidRequest(told)
            said.warn(f"{told}. Such rows ({strays.sum()} of {len(codes)}) stay; none is added")
        found: dict[int, Any] = {}
        for value, code in zip(values, meaning.tolist(), strict=False):
            found.setdefault(code, value)
        return {code: value for code, value in found.items() if code >= 0}

    def _meaning(self, series: Any) -> tuple[np.ndarray, np.ndarray, Any]:
        """Number of each row's value, the index of each value and a last -1 for what is missing, the values."""
        codes, values = extras.load("pandas", "table").factorize(series)
        found = [self.code(value) for value in values]
        return codes, np.array([*(_UNKNOWN if code is None else code for code in found), -1], np.int64), values

    def _unknown(self, value: Any) -> str:
        plain = value.item() if isinstance(value, np.generic) else value
        return (
            f"column {self._column.name!r} holds {plain!r}, which the generator does not make: its values are "
            f"{self._lookup.unknown(value)}"
        )


def missing_columns(description: Any, found: Iterable[Column], given: Iterable[Any]) -> None:
    """InvalidRequest if a column of the generator's is not given, or two have one name."""
    names = list(given)
    for column in found:
        if names.count(column.name) != 1:
            lacks = "does not have" if column.name not in names else "has twice"
            near = did_you_mean(column.name, [name for name in names if isinstance(name, str)])
            raise InvalidRequest(
                f"generator {description.name!r} makes a column {column.name!r}, which the table {lacks}"
                + (near if column.name not in names else "")
            )


def raw_numbers(column: Column, series: Any) -> np.ndarray:
    """float32 [n] of a column without categories, NaN where a value is missing."""
    if column.type is ColumnType.TRUTH:
        codes = Names(column).codes(series)
        return np.where(codes < 0, np.nan, codes).astype(np.float32)
    if column.type in (ColumnType.DATE, ColumnType.TIME):
        found = (instants(column, series) - _EPOCH) / np.timedelta64(1, "us") / _DAY
    else:
        found = numeric(column, series)
    return (found - column.offset).astype(np.float32)


def numeric(column: Column, series: Any) -> np.ndarray:
    """float64 [n], NaN where a value is missing; InvalidRequest if the column holds something else than numbers."""
    pandas = extras.load("pandas", "table")
    if not pandas.api.types.is_datetime64_any_dtype(series.dtype):
        try:
            plain = series.astype(object) if isinstance(series.dtype, pandas.CategoricalDtype) else series
            return pandas.to_numeric(plain).to_numpy(np.float64, na_value=np.nan)  # type: ignore[no-any-return]
        except (TypeError, ValueError):
            pass
    raise InvalidRequest(f"column {column.name!r} holds {example(series)!r}; the generator's holds {column.type.value}")


def instants(column: Column, series: Any) -> np.ndarray:
    """datetime64[us] [n], UTC, NaT where a value is missing, of datetimes, dates or ISO text; or InvalidRequest."""
    pandas = extras.load("pandas", "table")
    if not pandas.api.types.is_numeric_dtype(series.dtype):
        try:
            plain = series.astype(object) if isinstance(series.dtype, pandas.CategoricalDtype) else series
            if pandas.api.types.is_object_dtype(plain.dtype) or pandas.api.types.is_string_dtype(plain.dtype):
                plain = pandas.to_datetime(plain, format="ISO8601", utc=True)
            if getattr(plain.dtype, "tz", None) is not None:
                plain = plain.dt.tz_convert("UTC").dt.tz_localize(None)
            return plain.to_numpy("datetime64[us]", na_value=np.datetime64("NaT"))  # type: ignore[no-any-return]
        except (TypeError, ValueError, OverflowError):
            pass
    raise InvalidRequest(
        f"column {column.name!r} holds {example(series)!r}; the generator's holds {column.type.value}: "
        "pandas.to_datetime reads them"
    )


def example(series: Any) -> Any:
    """A value of a column, as Python has it; None if all are missing."""
    there = series[series.notna()]
    return next((one.item() if isinstance(one, np.generic) else one for one in there[:1]), None)


def is_date(value: Any) -> bool:
    """A date of the calendar, without a time."""
    return isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)
