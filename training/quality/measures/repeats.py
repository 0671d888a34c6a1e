"""How many samples equal another one, beside as many real ones: rows of a few categories do by chance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from training.data import Dataset
from training.quality.measures.sampling import pick

_MOST_BYTES = 2**28  # of real samples that are looked through


@dataclass(frozen=True, slots=True)
class Repeats:
    """copies, real: synthetic and real samples that equal an earlier one, among as many of either as `samples`."""

    copies: int
    samples: int
    real: int = 0


def repeats(
    samples: np.ndarray, labels: np.ndarray, dataset: Dataset, train: np.ndarray, random: np.random.Generator
) -> Repeats:
    """samples: raw, [n, *shape]; labels: int64 [n]; train: int64, positions of the training split.

    Where no real sample equals another, all synthetic ones are counted; else as many of each class as there are of
    both.
    """
    counts = np.minimum(np.bincount(labels, minlength=dataset.classes), dataset.counts(train))
    most = max(1, _MOST_BYTES // max(1, samples[0].nbytes))
    if counts.sum() > most:
        counts = counts * most // counts.sum()
    real = _copies(dataset.samples[train[pick(dataset.labels[train], counts, random)]])
    if not real:
        return Repeats(_copies(samples), len(samples))
    return Repeats(_copies(samples[pick(labels, counts, random)]), int(counts.sum()), real)


def _copies(samples: np.ndarray) -> int:
    seen: Iterable[bytes] = (hashlib.blake2b(sample.tobytes(), digest_size=16).digest() for sample in samples)
    return len(samples) - len(set(seen))
