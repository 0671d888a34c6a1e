"""Density and coverage: how samples lie among the nearest neighbours of real ones (Naeem et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

K = 5
_BLOCK = 1024


class Neighbourhood(NamedTuple):
    """How a set of samples lies among real ones."""

    density: float  # mean number of real balls around a sample, over K; at least 0, may exceed 1
    coverage: float  # share of the real balls with a sample inside, in [0, 1]


def density_and_coverage(real: np.ndarray, other: np.ndarray) -> Neighbourhood:
    """Compare a set with a real one by the balls around each real vector up to its K-th nearest real neighbour.

    real, other: float [n, d] and [m, d], n at least 2; for comparable numbers, n = m. With n <= K the farthest
    neighbour takes the place of the K-th. Memory: 1024 x max(n, m) distances at a time.
    """
    inside, covered = 0, 0
    for hits in _hits(real, other):
        inside += int(hits.sum())
        covered += int(hits.any(1).sum())
    return Neighbourhood(inside / (min(K, len(real) - 1) * len(other)), covered / len(real))


def covered(real: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether the ball around each real vector has another's vector inside, bool [n]; see `density_and_coverage`."""
    return np.concatenate([hits.any(1) for hits in _hits(real, other)])


def expected_coverage(n: int, m: int) -> float:
    """Coverage of n vectors by m more of the same distribution, whichever it is, on average; n at least 2.

    A ball is missed if the K nearest of the n - 1 + m other vectors are all among the n - 1.
    """
    steps = range(min(K, n - 1))
    return 1.0 - float(np.prod([(n - 1 - step) / (n - 1 + m - step) for step in steps]))


def _hits(real: np.ndarray, other: np.ndarray) -> Iterator[np.ndarray]:
    """Which vectors lie in which ball, bool [balls, m], block by block of the balls."""
    # Relative to the middle and in float64, so that products tell distances apart; equal vectors still differ by
    # rounding, hence the slack.
    middle = real.mean(0, dtype=np.float64)
    balls, points = real - middle, other - middle
    balls_square, points_square = (balls**2).sum(1), (points**2).sum(1)
    slack = 1e-9 * max(float(balls_square.max()), 1e-30)
    nearest = min(K, len(balls) - 1)
    for start in range(0, len(balls), _BLOCK):
        block, square = balls[start : start + _BLOCK], balls_square[start : start + _BLOCK, None]
        among = square + balls_square - 2 * (block @ balls.T)
        # A vector is no neighbour of itself; its exact copies elsewhere are.
        rows = np.arange(len(block))
        among[rows, rows + start] = np.inf
        radius = np.partition(among, nearest - 1, axis=1)[:, nearest - 1, None]
        yield square + points_square - 2 * (block @ points.T) <= radius + slack
