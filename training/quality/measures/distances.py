"""How far two sets of feature vectors are apart, as distributions: Fréchet distance and kernel distance."""

from __future__ import annotations

import numpy as np

_BLOCK = 2048


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    """Fréchet distance between Gaussians fitted to two sets (Heusel et al. 2017, equation 6); at least 0.

    first, second: float [n, d] and [m, d], n and m at least 2.

        |mu1 - mu2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2)

    In float64 and with symmetric matrices throughout: the usual square root of S1 S2 turns complex or loses half of
    its digits when a covariance is singular, as it is for n <= d. The fit is biased upwards by about d / n, so
    compare only distances of equal n and m.
    """
    mean1, covariance1 = _moments(first)
    mean2, covariance2 = _moments(second)
    values, vectors = np.linalg.eigh(covariance1)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    product = root @ covariance2 @ root
    cross = np.sqrt(np.linalg.eigvalsh((product + product.T) / 2).clip(0)).sum()
    distance = float(((mean1 - mean2) ** 2).sum() + np.trace(covariance1) + np.trace(covariance2) - 2 * cross)
    return max(0.0, distance)


def kernel(first: np.ndarray, second: np.ndarray, first_labels: np.ndarray, second_labels: np.ndarray) -> float:
    """Squared maximum mean discrepancy with the kernel (x.y / d + 1)^3 (Binkowski et al. 2018), unbiased.

    first, second: float [n, d] and [m, d].
    labels:        int64 [n] and [m]; each class at least twice in its set.

    Unbiased: 0 on average for equal distributions whatever n and m, so a single value can be slightly negative. All
    pairs are used, block by block, which varies less than the usual mean over random subsets and needs no seed.

    Both sets hold fixed numbers of each class. The usual estimator takes them for independent draws, leaves out each
    vector's pair with itself, thereby has too few pairs of one class, and comes out negative (-0.04 on digits, where
    the truth is 0). Here the pairs inside a class are weighted back to the class's share.
    """
    between = _kernel_sum(first, second) / (len(first) * len(second))
    return _within(first, first_labels) + _within(second, second_labels) - 2 * between


def _within(features: np.ndarray, labels: np.ndarray) -> float:
    """Mean kernel of two independent draws from the mixture of classes that a set represents."""
    total = _kernel_sum(features, features)
    for label in np.unique(labels):
        members = features[labels == label]
        count = len(members)
        inside = _kernel_sum(members, members)
        total += (inside - _kernel_diagonal(members)) * count / (count - 1) - inside
    return total / len(features) ** 2


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centre = features.mean(0, dtype=np.float64)
    rest = features.astype(np.float64) - centre
    return centre, rest.T @ rest / (len(features) - 1)


def _kernel_sum(first: np.ndarray, second: np.ndarray) -> float:
    second = second.astype(np.float64)
    blocks = (first[start : start + _BLOCK].astype(np.float64) for start in range(0, len(first), _BLOCK))
    return sum(float(_polynomial(block @ second.T, second.shape[1]).sum()) for block in blocks)


def _kernel_diagonal(features: np.ndarray) -> float:
    return float(_polynomial((features.astype(np.float64) ** 2).sum(1), features.shape[1]).sum())


def _polynomial(products: np.ndarray, dimensions: int) -> np.ndarray:
    scaled = products / dimensions + 1
    return scaled * scaled * scaled  # twenty times faster than ** 3
