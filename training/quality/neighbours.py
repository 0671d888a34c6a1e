"""Density and coverage: how samples lie among the nearest neighbours of real ones (Naeem et al. 2020)."""

from __future__ import annotations

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
    # Relative to the middle and in float64, so that products tell distances apart; equal vectors still differ by
    # rounding, hence the slack.
    middle = real.mean(0, dtype=np.float64)
    balls, points = real - middle, other - middle
    balls_square, points_square = (balls**2).sum(1), (points**2).sum(1)
    slack = 1e-9 * max(float(balls_square.max()), 1e-30)
    nearest = min(K, len(balls) - 1)
    inside, covered = 0, 0
    for start in range(0, len(balls), _BLOCK):
        block, square = balls[start : start + _BLOCK], balls_square[start : start + _BLOCK, None]
        among = square + balls_square - 2 * (block @ balls.T)
        # A vector is no neighbour of itself; its exact copies elsewhere are.
        rows = np.arange(len(block))
        among[rows, rows + start] = np.inf
        radius = np.partition(among, nearest - 1, axis=1)[:, nearest - 1, None]
        hits = square + points_square - 2 * (block @ points.T) <= radius + slack
        inside += int(hits.sum())
        covered += int(hits.any(1).sum())
    return Neighbourhood(inside / (nearest * len(points)), covered / len(balls))
