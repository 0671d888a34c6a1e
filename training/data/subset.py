"""Samples that stay on disk: chosen rows of a mapped file, each read when it is asked for."""

from __future__ import annotations

import mmap

import numpy as np


class Subset:
    """Some of the samples of an array in a file, in an order of their own; indexed along the first axis only."""

    def __init__(self, samples: np.ndarray, positions: np.ndarray) -> None:
        """samples: [n, ...], usually a map of a file; positions: int64 [m], each in [0, n)."""
        self._samples, self._positions = samples, positions
        _expect_scattered_reads(samples)

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, chosen: slice | np.ndarray) -> np.ndarray:
        """A copy in memory of the chosen ones, of the array's dtype: [k, ...]."""
        return self._samples[self._positions[chosen]]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self._samples.shape[1:])


def _expect_scattered_reads(samples: np.ndarray) -> None:
    """Have the system read only what is asked for of a file that was mapped.

    It would read 128 KiB around each row, drawn at random, and push out what is still wanted where memory is scarce.
    """
    base: object = samples
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        base.madvise(mmap.MADV_RANDOM)


# What can be trained on and judged a part at a time.
Samples = np.ndarray | Subset
