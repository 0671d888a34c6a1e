"""A glance at a generator while it trains; the quality card is measured once, at the end, and by other samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.data import Dataset
from training.data.splits import Splits
from training.judge.classifier import Classifier
from training.quality.measures.distances import kernel
from training.quality.measures.sampling import Draw, collect, pick
from training.quality.measures.spread import spread_ratio

_REAL_PER_CLASS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """What a few samples of each class show."""

    class_fidelity: np.ndarray  # float64 [classes]: share of a class's samples that are recognised; nan of one alone
    spread_ratio: np.ndarray  # float64 [classes]: near 1 is right, below 0.5 the class has collapsed
    kernel_distance: float  # to real validation samples; 0 is right, comparable under one classifier only

    @property
    def label_fidelity(self) -> float:
        """Share of all samples that the classifier gives the requested class, in [0, 1]; nan if there is one class."""
        return float(self.class_fidelity.mean())


def quick(
    draw: Draw,
    classifier: Classifier,
    dataset: Dataset,
    splits: Splits,
    *,
    per_class: int = 32,
    start: int = 0,
    seed: int = 0,
) -> Check:
    """Judge `per_class` samples of each class, without touching the test split.

    classifier: fitted on the training split.
    per_class:  at least 2.
    start:      index of the first sample; the same start at every check compares like with like.
    seed:       of the choice of real samples.
    """
    random = np.random.default_rng(seed)
    labels = np.tile(np.arange(dataset.classes), per_class)
    samples = collect(draw, labels, dataset.samples.shape[1:], dataset.samples.dtype, start=start)
    features, predicted = classifier.judge(samples)
    validation_labels, train_labels = dataset.labels[splits.validation], dataset.labels[splits.train]
    counts = dataset.counts(splits.validation).clip(max=per_class)
    real_rows, made_rows = pick(validation_labels, counts, random), pick(labels, counts, random)
    held_out = classifier.features(dataset.samples[splits.validation[real_rows]])
    distance = kernel(held_out, features[made_rows], validation_labels[real_rows], labels[made_rows])
    fidelity, ratios = [], []
    for label in range(dataset.classes):
        members = labels == label
        fidelity.append(float((predicted[members] == label).mean()) if dataset.classes > 1 else np.nan)
        real = random.permutation(splits.train[train_labels == label])[:_REAL_PER_CLASS]
        ratios.append(spread_ratio(samples[members], dataset.samples[real], dataset.kind.values))
    return Check(np.array(fidelity), np.array(ratios), distance)
