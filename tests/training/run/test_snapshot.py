from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from training.data import Dataset
from training.data.records import Records
from training.data.splits import Splits, split
from training.judge.classifier import Classifier
from training.kinds import load
from training.kinds.image.augmentation import augment
from training.kinds.image.finish import finish
from training.quality.findings.training import MOVED
from training.run import snapshot


def test_the_judge_recall_is_measured_on_held_out_samples(stripes: Dataset, judge: Classifier) -> None:
    recall = snapshot.recall(judge, stripes, split(stripes))
    assert recall.shape == (3,)
    assert recall.min() > 0.7


def test_shares_of_pairs_stay_inside_a_class() -> None:
    labels = np.array([0, 0, 1, 1])
    real, made = np.array([2.0, 2.0, 9.0, 9.0], np.float32), np.array([1.0, 3.0, 9.0, 10.0], np.float32)
    known, new, low = snapshot._compared(real, real, made, labels)
    assert known == new == np.mean([0.5, 0.25])
    assert low < 0


def test_the_gap_between_known_and_new_samples_is_as_sure_as_its_interval_says() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 32)

    def low(shift: float) -> float:
        known, new, made = (random.normal(size=256) + add for add in (shift, 0.0, 0.0))
        return snapshot._compared(known, new, made, labels)[2]

    assert sum(low(0.0) > 0 for _ in range(200)) <= 12  # a fortieth, by chance
    assert all(low(2.0) > 0.15 for _ in range(20))


def squares() -> tuple[Dataset, Splits]:
    """A square and a bar that never move."""
    random = np.random.default_rng(0)
    labels = np.arange(120) % 2
    samples = random.integers(0, 30, (120, 16, 16, 3), dtype=np.uint8)
    samples[labels == 0, 5:11, 5:11] += 180
    samples[labels == 1, 3:13, 6:10] += 180
    dataset = finish("squares", Records(samples, labels, ("square", "bar")), None)
    return dataset, split(dataset)


class Augmented:
    """A generator that has learned the augmentation along with the data: it draws augmented real samples."""

    def __init__(self, dataset: Dataset, positions: np.ndarray, probability: float, seed: int = 0) -> None:
        self._random, self._probability, self._seed = np.random.default_rng(seed), probability, seed
        self._samples, self._labels = dataset.samples[positions], dataset.labels[positions]

    def __call__(self, labels: np.ndarray, start: int) -> np.ndarray:
        rows = np.empty(len(labels), np.int64)
        for label in np.unique(labels):
            members = np.flatnonzero(self._labels == label)
            wanted = labels == label
            rows[wanted] = self._random.choice(members, wanted.sum(), replace=wanted.sum() > len(members))
        images = torch.from_numpy(self._samples[rows].transpose(0, 3, 1, 2)).float() / 127.5 - 1
        made = augment(images, self._probability, torch.Generator().manual_seed(self._seed))
        return ((made + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


def test_samples_that_are_augmented_more_than_real_ones_stand_out() -> None:
    dataset, splits = squares()
    clean = snapshot._moved(Augmented(dataset, splits.train, 0.0), dataset, splits)
    leaking = snapshot._moved(Augmented(dataset, splits.train, 0.7), dataset, splits)
    assert clean[1] <= clean[0] < MOVED < leaking[1] < leaking[0]


def test_a_leak_of_the_whole_augmentation_is_found_in_data_that_varies_too() -> None:
    digits = load("digits")
    for seed in range(4):
        splits = split(digits, seed=seed)
        assert snapshot._moved(Augmented(digits, splits.train, 0.6, seed), digits, splits)[1] > MOVED


def test_real_samples_are_not_taken_for_augmented_ones_however_the_data_are_divided() -> None:
    """Digits lie in the order of their writers, each of whom varies less than all: the first ones are no yardstick."""
    digits = load("digits")
    lows, ratios = [], []
    for seed in range(40):
        splits = split(digits, seed=seed)
        held_out = np.concatenate([splits.validation, splits.test])
        ratio, low = snapshot._moved(Augmented(digits, held_out, 0.0, seed), digits, splits)
        lows.append(low)
        ratios.append(ratio)
    assert max(lows) < 1.2 < MOVED
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("per_class", [3, 11, 20])
def test_so_few_samples_are_not_taken_for_augmented_ones(per_class: int) -> None:
    digits = load("digits")
    leaks = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        rows = [random.permutation(np.flatnonzero(digits.labels == label)) for label in (3, 5)]
        train, new = (np.concatenate([row[a:b] for row in rows]) for a, b in ((0, per_class), (per_class, 90)))
        two = dataclasses.replace(digits, labels=(digits.labels == 5).astype(np.int64), class_names=("3", "5"))
        leaks += snapshot._moved(Augmented(two, new, 0.0, seed), two, Splits(train, new, new))[1] > MOVED
    assert leaks <= 1
