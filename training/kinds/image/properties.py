"""What images have whatever they show: light, contrast, and size, slant and place of what is not background."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def properties(raw: np.ndarray) -> Mapping[str, np.ndarray]:
    """raw: uint8 [n, h, w, c]; by name float64 [n]: levels, pixels, and for the slant columns a row."""
    values = raw.astype(np.float64).mean(3)
    border = np.concatenate([values[:, 0], values[:, -1], values[:, :, 0], values[:, :, -1]], 1)
    weight = np.abs(values - np.median(border, 1)[:, None, None]) + 1e-6
    weight /= weight.sum((1, 2), keepdims=True)
    down, across = np.mgrid[: raw.shape[1], : raw.shape[2]].astype(np.float64)
    row, column = ((weight * place).sum((1, 2)) for place in (down, across))
    down, across = down - row[:, None, None], across - column[:, None, None]
    tall, wide = ((weight * place * place).sum((1, 2)) for place in (down, across))
    return {
        "mean light": values.mean((1, 2)),
        "contrast": values.std((1, 2)),
        "size": np.sqrt(tall + wide),
        "slant": (weight * down * across).sum((1, 2)) / np.maximum(tall, 1e-6),
        "place across": column,
        "place down": row,
    }
