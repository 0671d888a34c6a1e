"""Whether samples tell which real samples the generator learned from: a plain attack, by distance."""

from __future__ import annotations

import numpy as np

from augmint.v1 import generator_pb2 as pb
from training.data import Dataset
from training.data.splits import Splits
from training.quality.measures.intervals import wilson
from training.quality.measures.memorisation import nearest_of
from training.quality.measures.pairs import variance, won
from training.quality.measures.sampling import pick

SAMPLES = 2000  # real ones that the attack is tried on, of the training split and held out each
_WORK = 4e10  # products of two numbers: some seconds on two cores


def attack(
    samples: np.ndarray, labels: np.ndarray, dataset: Dataset, splits: Splits, seed: int = 0
) -> pb.MembershipInference:
    """Take real samples that are nearer to a synthetic one of their class for those that the generator learned from.

    It is what anybody can do who draws samples and knows a person's record (Chen et al. 2020, GAN-Leaks, the attack
    without access to the model). A stronger one may tell more.

    samples: raw, [n, *shape], as many as the attacker has; labels: int64 [n], every class at least once.
    seed:    of the choice of real samples: equally many of each class from the training split and held out.
    """
    random = np.random.default_rng(seed)
    held_out = np.concatenate([splits.validation, splits.test])
    counts = np.minimum(dataset.counts(splits.train), dataset.counts(held_out))
    if counts.sum() > SAMPLES:
        counts = np.maximum(1, counts * SAMPLES // counts.sum())
    learned = splits.train[pick(dataset.labels[splits.train], counts, random)]
    new = held_out[pick(dataset.labels[held_out], counts, random)]
    classes = np.repeat(np.arange(dataset.classes), counts)
    near = np.empty((2, len(classes)))
    used = 0
    for label in np.flatnonzero(counts):
        members = classes == label
        positions = np.concatenate([learned[members], new[members]])
        points = dataset.kind.compact(dataset.samples[positions])
        own = np.flatnonzero(labels == label)
        # A share of the work for each class; where there are more samples than that, the first ones.
        own = own[: max(1, int(_WORK / (2 * len(classes)) / points.shape[1]))]
        near[:, members] = nearest_of(dataset.kind, samples[own], points)[0].reshape(2, -1)
        used += len(own)
    auc, low, high = _area(-near[0], -near[1], classes)
    return pb.MembershipInference(
        auc=auc,
        low=low,
        high=high,
        train_samples=len(classes),
        held_out_samples=len(classes),
        synthetic_samples=used,
    )


def _area(learned: np.ndarray, new: np.ndarray, classes: np.ndarray) -> tuple[float, float, float]:
    """Area under the ROC curve inside classes, and the ends of its 95 % interval; float [n], int64 [n]."""
    first, second = won(learned, new, classes)
    auc, count = float(first.mean()), len(classes)
    reach = 1.96 * variance(first, second) ** 0.5 if count > 1 else 1.0
    # That of DeLong et al. is a point where all are told: never narrower than a share of as many samples is known.
    low, high = wilson(auc * 2 * count, 2 * count)
    return auc, max(0.0, min(low, auc - reach)), min(1.0, max(high, auc + reach))
