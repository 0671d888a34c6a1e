"""Synthetic columns in the form that a real table has them: its dtypes, its spelling of a category."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from augmint import extras
from augmint.errors import InvalidRequest
from augmint.kinds.table.column import Column, ColumnType, Typed, columns, label_name, typed
from augmint.kinds.table.real import TRUTHS, Names, example, instants, is_date, missing_columns, numeric

Hand = Callable[[Typed], Any]


class Like:
    """Makes synthetic rows to be put behind a real table's; what may be refused is refused when it is made."""

    def __init__(self, description: Any, real: Any) -> None:
        """real: a pandas DataFrame of the generator's columns, in any order.

        raises: InvalidRequest naming a column that only one of the two has, a dtype that cannot hold what the
                generator makes, or, in more than one value of twenty, a category that it does not make; of rarer ones a
                warning tells, and no row that is added has them.
        """
        found = {column.name: (number, column) for number, column in enumerate(columns(description))}
        missing_columns(description, (column for _, column in found.values()), real.columns)
        extra = [name for name in real.columns if name not in found]
        if label_name(description) in extra:
            raise InvalidRequest(
                f"the table holds the labels, in column {label_name(description)!r}: they belong in y alone"
            )
        if extra:
            raise InvalidRequest(
                f"the table has a column {extra[0]!r}, which generator {description.name!r} does not make: leave it "
                "out, or use a generator of this table"
            )
        self._hands = [
            (name, *found[name], _hand(found[name][1], real[name]), real[name].dtype) for name in real.columns
        ]

    def __call__(self, samples: Any) -> Any:
        """A DataFrame of the samples: columns, order and dtypes of the real one."""
        pandas = extras.load("pandas", "table")
        made = {}
        for name, number, column, hand, dtype in self._hands:
            one = typed(column, samples.array[:, number])
            lost = InvalidRequest(f"column {name!r} is {dtype}, which does not hold what the generator makes")
            try:
                series = pandas.Series(hand(one)).astype(dtype)
            except (TypeError, OverflowError, pandas.errors.OutOfBoundsDatetime) as error:
                raise lost from error
            # pandas makes what a dtype cannot hold a missing value, and says nothing.
            if not np.array_equal(series.isna().to_numpy(bool), one.gaps):
                raise lost
            made[name] = series
        return pandas.DataFrame(made)


def _hand(column: Column, series: Any) -> Hand:
    """From the generator's column to values that the real column's dtype takes as they are."""
    pandas = extras.load("pandas", "table")
    kind = pandas.api.types
    plain = isinstance(series.dtype, np.dtype)
    if column.missing and plain and series.dtype.kind in "iub":
        raise InvalidRequest(
            f"column {column.name!r} is {series.dtype}, and the generator's may be missing: use a dtype that holds "
            f"missing values, e.g. {'boolean' if series.dtype.kind == 'b' else 'Int64 or float64'}"
        )
    if column.type in (ColumnType.CATEGORY, ColumnType.TRUTH):
        return _names(column, series)
    if column.type in (ColumnType.DATE, ColumnType.TIME):
        return _dates(column, series)
    numeric(column, series)
    if kind.is_bool_dtype(series.dtype):
        raise _cannot(column, series, column.type.value)
    if kind.is_numeric_dtype(series.dtype):
        return _numbers(column, series)
    if isinstance(series.dtype, pandas.CategoricalDtype) or isinstance(example(series), str):
        raise InvalidRequest(
            f"column {column.name!r} is {series.dtype}, and the generator's holds {column.type.value}: "
            "pandas.to_numeric reads them"
        )
    return _objects


def _numbers(column: Column, series: Any) -> Hand:
    pandas = extras.load("pandas", "table")
    whole = pandas.api.types.is_integer_dtype(series.dtype)
    if whole and column.type is ColumnType.NUMBER and column.decimals != 0:
        raise _cannot(column, series, "numbers with a fraction: use float64")

    def hand(one: Typed) -> Any:
        if whole:
            bounds = np.iinfo(getattr(series.dtype, "numpy_dtype", series.dtype))
            seen = one.values[~one.gaps]
            if len(seen) and not (bounds.min <= seen.min() and seen.max() <= bounds.max):
                raise _cannot(column, series, f"numbers from {seen.min()} to {seen.max()}")
        if one.column.type is ColumnType.WHOLE:
            return pandas.arrays.IntegerArray(one.values, one.gaps)
        # Whole, but as floats: nullable, so that no float that is missing is asked to be an int.
        return pandas.arrays.FloatingArray(np.where(one.gaps, 0, one.values), one.gaps) if whole else one.values

    return hand


def _names(column: Column, series: Any) -> Hand:
    """By the values that stand for the generator's in the real column; those that it lacks are spelled alike."""
    pandas = extras.load("pandas", "table")
    names = Names(column)
    seen = names.seen(series)
    count = 2 if column.type is ColumnType.TRUTH else len(column.categories)
    if isinstance(series.dtype, pandas.CategoricalDtype):
        known = {names.code(value): value for value in reversed(list(series.dtype.categories))} | seen
        lacks = [code for code in range(count) if code not in known]
        if lacks:
            name = column.categories[lacks[0]] if column.categories else TRUTHS[lacks[0]][0]
            raise InvalidRequest(
                f"column {column.name!r} is of a category dtype without {name!r}, which the generator makes: "
                "add it, by .cat.add_categories"
            )
    else:
        known = {code: seen[code] if code in seen else _spelled(column, series, code, seen) for code in range(count)}
    vocabulary = np.empty(count + 1, object)
    for code in range(count):
        vocabulary[code] = known[code]
    vocabulary[-1] = _gap(series)
    return lambda one: pandas.Series(vocabulary[np.where(one.gaps, -1, one.values).astype(np.int64)], dtype=object)


def _spelled(column: Column, series: Any, code: int, seen: dict[int, Any]) -> Any:
    """A category that the real column happens not to have, as it would be there."""
    kind = extras.load("pandas", "table").api.types
    alike = next(iter(seen.values()), None)
    name = column.categories[code] if column.categories else str(bool(code))
    if kind.is_bool_dtype(series.dtype) or isinstance(alike, bool | np.bool_):
        if name in (*TRUTHS[0], *TRUTHS[1]):
            return name in TRUTHS[1]
    elif kind.is_numeric_dtype(series.dtype) or isinstance(alike, int | float | np.number):
        try:
            number = float(code if column.type is ColumnType.TRUTH else name)
        except ValueError:
            number = np.nan
        whole = kind.is_integer_dtype(series.dtype) or isinstance(alike, int | np.integer)
        if np.isfinite(number) and not (whole and not number.is_integer()):
            return int(number) if whole else number
    elif kind.is_object_dtype(series.dtype) or kind.is_string_dtype(series.dtype):
        if column.type is ColumnType.TRUTH and isinstance(alike, str):
            return TRUTHS[code][TRUTHS[1 - code].index(alike)]
        return name
    raise InvalidRequest(
        f"column {column.name!r} is {series.dtype}, and the generator makes {name!r} in it: give it as names, e.g. "
        "in a DataFrame, before anything encodes it"
    )


def _dates(column: Column, series: Any) -> Hand:
    pandas = extras.load("pandas", "table")
    instants(column, series)
    if pandas.api.types.is_datetime64_any_dtype(series.dtype):
        zone = getattr(series.dtype, "tz", None)

        def hand(one: Typed) -> Any:
            found = pandas.Series(one.values.astype("datetime64[us]"))
            return found if zone is None else found.dt.tz_localize("UTC").dt.tz_convert(zone)

        return hand
    alike, gap = example(series), _gap(series)
    if isinstance(alike, str):
        between = "T" if re.match(r"[0-9-]+T", alike) else " "
        timed = column.type is ColumnType.TIME and len(alike) > len("2020-01-31")

        def spell(value: Any) -> Any:
            return str(value).replace(" ", between) if timed or column.type is ColumnType.DATE else str(value)[:10]

    elif is_date(alike):

        def spell(value: Any) -> Any:
            return value if is_date(value) else value.date()

    else:

        def spell(value: Any) -> Any:
            return pandas.Timestamp(value)

    return lambda one: pandas.Series([gap if value is None else spell(value) for value in one.tolist()], dtype=object)


def _objects(one: Typed) -> Any:
    pandas = extras.load("pandas", "table")
    return pandas.Series(
        [np.nan if value is None or gap else value for value, gap in zip(one.tolist(), one.gaps, strict=True)],
        dtype=object,
    )


def _gap(series: Any) -> Any:
    """What stands for a missing value in a column of objects."""
    return None if any(value is None for value in series[series.isna()][:1].tolist()) else np.nan


def _cannot(column: Column, series: Any, makes: str) -> InvalidRequest:
    return InvalidRequest(f"column {column.name!r} is {series.dtype}, and the generator makes {makes}")
