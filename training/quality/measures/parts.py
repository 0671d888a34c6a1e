"""Synthetic, held-out and training samples of the same classes in the same parts."""

from __future__ import annotations

import numpy as np

from training.data import Dataset
from training.data.splits import Splits
from training.quality.measures.sampling import pick

MOST = 100_000  # samples of a set
_BYTES = 2**27


def alike(
    samples: np.ndarray, labels: np.ndarray, dataset: Dataset, splits: Splits, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Synthetic, held-out and training samples, raw [n, *shape] each, with the training split's shares of the classes.

    samples, labels: synthetic ones, raw [n, *shape] and int64 [n], every class at least once.
    Held-out ones are as many as synthetic ones, so that chance does as much to either.
    """
    random = np.random.default_rng(seed)
    held_out = np.concatenate([splits.validation, splits.test])
    of_train, of_held = dataset.counts(splits.train), dataset.counts(held_out)
    most = max(dataset.classes, min(MOST, _BYTES // max(1, samples[0].nbytes)))
    of_made = np.bincount(labels, minlength=dataset.classes)
    both = shared(of_train, np.minimum(of_made, of_held), most)
    made = samples[pick(labels, both, random)]
    held = dataset.samples[held_out[pick(dataset.labels[held_out], both, random)]]
    learned = pick(dataset.labels[splits.train], shared(of_train, of_train, most), random)
    return made, held, dataset.samples[splits.train[learned]]


def shared(wanted: np.ndarray, available: np.ndarray, most: int) -> np.ndarray:
    """How many of each class to take, int64 [classes]: in the wanted parts, at least one, not more than there are."""
    scale = min(float((available / np.maximum(wanted, 1))[wanted > 0].min()), most / wanted.sum())
    return np.minimum(np.maximum(1, np.floor(wanted * scale + 1e-9)), available).astype(np.int64)
