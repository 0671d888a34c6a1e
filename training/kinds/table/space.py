"""Raw rows as numbers: their ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from training.data.rows import Samples
from training.kinds.table.columns import Column

_BLOCK = 65_536  # rows


def ranges(columns: Sequence[Column], raw: Samples) -> tuple[Column, ...]:
    """The columns, those of numbers with the least and greatest of the rows; a column without a number keeps its own.

    raw: float32 [n, columns], NaN where a value is missing; read in blocks, since it may lie on disk.
    """
    least = np.full(len(columns), np.inf, np.float32)
    greatest = np.full(len(columns), -np.inf, np.float32)
    for start in range(0, len(raw), _BLOCK):
        block = raw[start : start + _BLOCK]
        # The first of the two that is a number, where one of them is.
        least = np.fmin(least, np.fmin.reduce(block, axis=0))
        greatest = np.fmax(greatest, np.fmax.reduce(block, axis=0))
    return tuple(
        column if column.categories or low > high else replace(column, minimum=float(low), maximum=float(high))
        for column, low, high in zip(columns, least, greatest, strict=True)
    )
