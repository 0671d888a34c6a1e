"""How varied the samples of a class are: the cheapest alarm for mode collapse."""

from __future__ import annotations

import numpy as np

from training.data import Samples

_BLOCK = 512


def spread(samples: Samples) -> float:
    """Mean over elements of the standard deviation over samples, in the samples' own unit.

    samples: [n, ...], n at least 2, whole numbers of at most 16 bits or floats.
    """
    count = len(samples)
    whole = samples[:1].dtype.kind in "iu"
    total = np.zeros(samples.shape[1:], np.int64 if whole else np.float64)
    squares = np.zeros_like(total)
    # In blocks and whole numbers in whole numbers: exact, and without a float copy of the class.
    for start in range(0, count, _BLOCK):
        block = samples[start : start + _BLOCK].astype(total.dtype)
        total += block.sum(0)
        squares += (block * block).sum(0)
    variance = (squares - total * (total / count)) / (count - 1)
    return float(np.sqrt(variance.clip(0)).mean())


def spread_ratio(synthetic: Samples, real: Samples) -> float:
    """Spread of a class's synthetic samples over that of its real ones, at least 0; near 1 is right.

    synthetic, real: [n, ...] and [m, ...], both at least 2. Where the real samples do not vary at all, the
    ratio is 1 if the synthetic ones do not either, and infinite otherwise.
    """
    wanted, found = spread(real), spread(synthetic)
    if wanted == 0:
        return 1.0 if found == 0 else float("inf")
    return found / wanted
