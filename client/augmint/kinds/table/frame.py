"""Rows as a pandas DataFrame."""

from __future__ import annotations

from typing import Any

import numpy as np

from augmint import extras
from augmint.kinds.table.column import ColumnType, Typed, columns, label_name, typed


def frame(samples: Any) -> Any:
    """A DataFrame of typed columns in the table's order, the label behind them; see `Samples.to_frame`."""
    pandas = extras.load("pandas", "table")
    found = {
        column.name: _array(pandas, typed(column, samples.array[:, number]))
        for number, column in enumerate(columns(samples.description))
    }
    labels = pandas.CategoricalDtype(list(samples.description.labels))
    found[label_name(samples.description)] = pandas.Categorical.from_codes(samples.class_indices, dtype=labels)
    return pandas.DataFrame(found)


def _array(pandas: Any, one: Typed) -> Any:
    column, values, gaps = one.column, one.values, one.gaps
    match column.type:
        case ColumnType.CATEGORY:
            return pandas.Categorical.from_codes(values, dtype=pandas.CategoricalDtype(list(column.categories)))
        case ColumnType.WHOLE if column.missing:
            return pandas.arrays.IntegerArray(values, gaps)
        case ColumnType.TRUTH if column.missing:
            return pandas.arrays.BooleanArray(values, gaps)
        case ColumnType.DATE | ColumnType.TIME:
            # Nanoseconds would end in the year 2262; microseconds are what pandas reads dates as.
            return values.astype("datetime64[us]")
    return np.ascontiguousarray(values)
