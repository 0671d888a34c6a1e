"""How far a share that was counted may be off. SciPy's statistics take a second to import: only where they are used."""

from __future__ import annotations

import statistics

import numpy as np

_REACH = statistics.NormalDist().inv_cdf(0.975)


def wilson(hits: float, count: float) -> tuple[float, float]:
    """Wilson's 95 % interval of the share `hits / count`, in [0, 1]; all of it if nothing was counted.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927). Neither need be whole:
    samples that do not say independent things count as fewer.
    """
    if count <= 0:
        return 0.0, 1.0
    share, square = hits / count, _REACH**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    reach = _REACH * (max(0.0, share * (1 - share)) / count + square / (4 * count**2)) ** 0.5 / (1 + square / count)
    low, high = max(0.0, middle - reach), min(1.0, middle + reach)
    return (0.0 if hits <= 0 else low), (1.0 if hits >= count else high)


def of_share(share: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, in [0, 1], counted over n."""
    return wilson(share * count, count)


def score_interval(right: np.ndarray) -> tuple[float, float]:
    """95 % confidence interval of an accuracy, over the choice of test samples and of classifiers.

    right: bool [classifiers, test samples]. One classifier: Wilson's interval, over the test samples only. Several:
    normal, with the variance over test samples of their mean answer and that over classifiers of their accuracy.
    """
    classifiers, count = right.shape
    if classifiers == 1:
        return wilson(int(right.sum()), count)
    variance = sum(right.mean(axis).var(ddof=1) / right.shape[1 - axis] for axis in (0, 1))
    reach = _REACH * variance**0.5
    return max(0.0, float(right.mean() - reach)), min(1.0, float(right.mean() + reach))
