from __future__ import annotations

import numpy as np
import torch

from training import looks
from training.classifier import Classifier
from training.data import Dataset
from training.data.dataset import Records, finish
from training.kinds.image.augmentation import augment
from training.splits import split


def test_the_judge_recall_is_measured_on_held_out_samples(stripes: Dataset, judge: Classifier) -> None:
    recall = looks.recall(judge, stripes, split(stripes))
    assert recall.shape == (3,)
    assert recall.min() > 0.7


def test_shares_of_pairs_stay_inside_a_class() -> None:
    labels = np.array([0, 0, 1, 1])
    real, made = np.array([2.0, 2.0, 9.0, 9.0], np.float32), np.array([1.0, 3.0, 9.0, 10.0], np.float32)
    assert looks._share_above(real, made, labels) == np.mean([0.5, 0.25])


def test_samples_that_are_augmented_more_than_real_ones_stand_out() -> None:
    """A square that never moves, and a generator that has learned the augmentation along with it."""
    random = np.random.default_rng(0)
    labels = np.arange(120) % 2
    samples = random.integers(0, 30, (120, 16, 16, 3), dtype=np.uint8)
    samples[labels == 0, 5:11, 5:11] += 180
    samples[labels == 1, 3:13, 6:10] += 180
    dataset = finish("squares", Records(samples, labels, ("square", "bar")), None)
    splits = split(dataset)
    train = dataset.samples[splits.train], dataset.labels[splits.train]

    def draw(probability: float, wanted: np.ndarray) -> np.ndarray:
        rows = [random.choice(np.flatnonzero(train[1] == label)) for label in wanted]
        images = torch.from_numpy(train[0][rows].transpose(0, 3, 1, 2)).float() / 127.5 - 1
        made = augment(images, probability, torch.Generator().manual_seed(0))
        return ((made + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()

    clean = looks._moved(lambda wanted, start: draw(0.0, wanted), dataset, splits)
    leaking = looks._moved(lambda wanted, start: draw(0.7, wanted), dataset, splits)
    assert clean < 1.5 < 3 < leaking
