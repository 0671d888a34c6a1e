"""How varied the samples of a class are: the cheapest alarm for mode collapse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.data import Samples

# Of a kind: raw samples -> numbers whose deviations compare, see Kind.values.
Values = Callable[[np.ndarray], np.ndarray]

_GROUPS = 10  # of samples that are left out in turn, at most
_BLOCK = 50 * _GROUPS


def same(samples: np.ndarray) -> np.ndarray:
    """The values of samples whose elements have one unit."""
    return samples


def spread(samples: Samples, values: Values = same) -> float:
    """Mean over elements of the standard deviation over samples, in the values' own unit.

    samples: raw, [n, ...], n at least 2; values: of them, whole numbers of at most 16 bits or finite floats.
    """
    total, squares = (sums.sum(0) for sums in _sums(samples, 1, values))
    return _deviation(len(samples), total, squares)


def spread_ratio(synthetic: Samples, real: Samples, values: Values = same) -> float:
    """Spread of a class's synthetic samples over that of its real ones, at least 0; near 1 is right.

    synthetic, real: [n, ...] and [m, ...], both at least 2. Where the real samples do not vary at all, the
    ratio is 1 if the synthetic ones do not either, and infinite otherwise.
    """
    return _over(spread(synthetic, values), spread(real, values))


def spread_interval(synthetic: Samples, real: Samples, values: Values = same) -> tuple[float, float, float]:
    """`spread_ratio`, and the ends of its 95 % interval over the choice of both sets' samples, at least 0.

    A jackknife of the logarithm: groups of samples are left out in turn, and how much the spread changes tells how much
    it depends on them. Two samples tell nothing about that: the interval is then everything.
    """
    spreads, variance, freedom = [], 0.0, []
    for samples in (synthetic, real):
        n, groups = len(samples), min(_GROUPS, len(samples))
        totals, squares = _sums(samples, groups, values)
        total, square = totals.sum(0), squares.sum(0)
        spreads.append(_deviation(n, total, square))
        if n > 2 and spreads[-1] > 0:
            without = [
                _deviation(n - len(range(group, n, groups)), total - totals[group], square - squares[group])
                for group in range(groups)
            ]
            variance += (groups - 1) ** 2 / groups * float(np.log(np.maximum(without, 1e-12)).var(ddof=1))
            freedom.append(groups - 1)
    ratio = _over(*spreads)
    if min(spreads) == 0:
        return ratio, ratio, ratio
    if len(freedom) < 2:
        return ratio, 0.0, float("inf")
    from scipy.stats import t  # a second to import, and only a card needs it

    reach = float(np.exp(t.ppf(0.975, min(freedom)) * variance**0.5))
    return ratio, ratio / reach, ratio * reach


def _over(found: float, wanted: float) -> float:
    if wanted == 0:
        return 1.0 if found == 0 else float("inf")
    return found / wanted


def _sums(samples: Samples, groups: int, values: Values) -> tuple[np.ndarray, np.ndarray]:
    """Sums and sums of squares of each group, [groups, ...]; sample i is in group i modulo `groups`."""
    first = values(samples[:1])
    total = np.zeros((groups, *first.shape[1:]), np.int64 if first.dtype.kind in "iu" else np.float64)
    squares = np.zeros_like(total)
    # In blocks, and whole numbers in whole numbers: exact, and without a float copy of the class.
    step = _BLOCK - _BLOCK % groups
    for start in range(0, len(samples), step):
        block = values(samples[start : start + step]).astype(total.dtype)
        for group in range(groups):
            members = block[group::groups]
            total[group] += members.sum(0)
            squares[group] += (members * members).sum(0)
    return total, squares


def _deviation(count: int, total: np.ndarray, squares: np.ndarray) -> float:
    variance = (squares - total * (total / count)) / (count - 1)
    return float(np.sqrt(variance.clip(0)).mean())
