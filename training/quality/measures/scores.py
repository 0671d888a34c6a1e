"""What a classifier learns from samples: the one that people use for the kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from training.data import Dataset, Samples
from training.judge import fitting

# Rows that a pupil learns from; as many as there are synthetic ones at most, so that the two compare.
MOST = 60_000


def learned(
    dataset: Dataset,
    samples: np.ndarray,
    labels: np.ndarray,
    asked: Samples,
    *,
    seed: int,
    steps: int,
    device: str | torch.device,
    progress: Callable[[float], None],
) -> np.ndarray:
    """The classes that a classifier of synthetic samples, raw and with equal classes, gives others: int64 [n].

    asked: raw, [n, *shape]; steps: of a network.
    """
    pupil = dataset.kind.pupil(dataset.classes, seed)
    if pupil is None:
        student = fitting.fit(
            dataset.kind, samples, labels, dataset.classes, seed=seed, steps=steps, device=device, progress=progress
        )
        return student.predict(asked)
    pupil.fit(samples, labels)
    progress(1.0)
    return pupil.predict_proba(asked[:]).argmax(1)


def real(dataset: Dataset, train: np.ndarray, asked: Samples, seed: int) -> np.ndarray | None:
    """The same of a classifier of real samples, weighted so that classes count alike; None: the judge is that.

    train: int64, positions of the training split.
    """
    pupil = dataset.kind.pupil(dataset.classes, seed)
    if pupil is None:
        return None
    train = np.random.default_rng(seed).permutation(train)[:MOST]
    labels = dataset.labels[train]
    counts = np.bincount(labels, minlength=dataset.classes)
    pupil.fit(dataset.samples[train], labels, (len(labels) / (counts > 0).sum() / np.maximum(counts, 1))[labels])
    return pupil.predict_proba(asked[:]).argmax(1)
