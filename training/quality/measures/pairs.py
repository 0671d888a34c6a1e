"""How often a number of one group is above one of another, and how much of that is chance."""

from __future__ import annotations

import numpy as np

_BLOCK = 2**24  # pairs at a time


def won(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the pairs inside a class in which the first is above the second, half of a pair if they are equal.

    first, second: float [n]; labels: int64 [n], the classes of both.
    returns:       float64 [n] each: of each first over the seconds of its class, of each second over the firsts. The
                   mean of either is the area under the ROC curve; for its variance DeLong et al. 1988 take both.
    """
    shares = np.empty((2, len(labels)))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        one, other = first[members], second[members]
        shares[1, members] = 0.0
        step = max(1, _BLOCK // len(members))
        for start in range(0, len(members), step):
            block = one[start : start + step, None]
            hits = (block > other) + 0.5 * (block == other)
            shares[0, members[start : start + step]] = hits.mean(1)
            shares[1, members] += hits.sum(0) / len(members)
    return shares[0], shares[1]


def variance(*parts: np.ndarray) -> float:
    """Of a sum or difference of means, each over independent samples: float64 [n_i], n_i at least 2."""
    return sum(float(part.var(ddof=1)) / len(part) for part in parts)
