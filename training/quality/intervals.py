"""How far a share that was counted may be off. SciPy's statistics take a second to import: only where they are used."""

from __future__ import annotations

import statistics

import numpy as np


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of the share `hits / count`, in [0, 1]; all of it if nothing was counted.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    if count == 0:
        return 0.0, 1.0
    from scipy.stats import binomtest

    found = binomtest(hits, count).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def score_interval(right: np.ndarray) -> tuple[float, float]:
    """95 % confidence interval of an accuracy, over the choice of test samples and of classifiers.

    right: bool [classifiers, test samples]. One classifier: Wilson's interval, over the test samples only. Several:
    normal, with the variance over test samples of their mean answer and that over classifiers of their accuracy.
    """
    classifiers, count = right.shape
    if classifiers == 1:
        return wilson(int(right.sum()), count)
    variance = sum(right.mean(axis).var(ddof=1) / right.shape[1 - axis] for axis in (0, 1))
    reach = statistics.NormalDist().inv_cdf(0.975) * variance**0.5
    return max(0.0, float(right.mean() - reach)), min(1.0, float(right.mean() + reach))
