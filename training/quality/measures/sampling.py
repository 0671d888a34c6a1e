"""Takes samples out of whatever makes them, and refuses what is not a sample."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# (class indices int64 [n], start) -> raw samples [n, *shape]; sample i has class indices[i] and index start + i.
Draw = Callable[[np.ndarray, int], np.ndarray]

_BLOCK = 1000


def pick(labels: np.ndarray, counts: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Positions, int64, of counts[c] samples of each class c, chosen at random without repetition.

    labels: int64 [n], class indices; counts: int64 [classes], at most as many as the class has.
    """
    chosen = [random.permutation(np.flatnonzero(labels == label))[:count] for label, count in enumerate(counts)]
    return np.concatenate(chosen)


def collect(
    draw: Draw,
    labels: np.ndarray,
    shape: tuple[int, ...],
    dtype: np.dtype,
    *,
    start: int = 0,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Draw one sample per label, by blocks of consecutive indices from `start`.

    labels:  int64 [n], class indices.
    returns: dtype [n, *shape].
    raises:  ValueError if the generator answers with another dtype or shape.
    """
    samples = np.empty((len(labels), *shape), dtype)
    for first in range(0, len(labels), _BLOCK):
        wanted = labels[first : first + _BLOCK]
        drawn = draw(wanted, start + first)
        if drawn.dtype != dtype or drawn.shape != (len(wanted), *shape):
            raise ValueError(
                f"the generator drew {drawn.dtype} {list(drawn.shape)}; wanted {dtype} {[len(wanted), *shape]}"
            )
        samples[first : first + len(wanted)] = drawn
        if progress:
            progress((first + len(wanted)) / len(labels))
    return samples
