"""Values of rows as a person reads them."""

from __future__ import annotations

import numpy as np

from training.kinds.table.columns import Column, Unit
from training.kinds.table.space import category_numbers

MISSING = ""


def text(column: Column, value: float) -> str:
    """A raw value in words: the category's name, the number with its offset and digits, the date; MISSING if it is."""
    if np.isnan(value):
        return MISSING
    if column.categories:
        place = int(category_numbers(np.array([value]), len(column.categories))[0])
        return column.categories[place] if place < len(column.categories) else f"no category: {value:g}"
    number = value + column.offset
    if column.unit == Unit.TRUTH:
        return {0.0: "false", 1.0: "true"}.get(number, f"{number:g}")
    if column.unit == Unit.DAYS and np.isfinite(number) and abs(number) < 3e6:
        whole = number == np.floor(number)
        moment = np.datetime64("1970-01-01", "s") + np.timedelta64(round(number * 86400), "s")
        return str(moment.astype("datetime64[D]" if whole else "datetime64[m]")).replace("T", " ")
    if column.whole and np.isfinite(number):
        return f"{number:.0f}"
    # Seven digits are what float32 holds.
    return f"{number:.{column.decimals}f}" if column.decimals is not None else f"{number:.7g}"
