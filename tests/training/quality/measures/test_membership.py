"""Copies tell who was learned from; samples of the same distribution, and of what was held out alike, do not."""

from dataclasses import dataclass

import numpy as np
import pytest

from training.data import Dataset
from training.data.kind import Kind
from training.data.splits import Splits
from training.kinds.image import Image
from training.kinds.table.columns import Column
from training.kinds.table.space import Space
from training.quality.measures import membership
from training.quality.measures.membership import attack

COLUMNS = (Column("age"), Column("town", tuple("ABCDEF"), missing=True), Column("pay", missing=True), Column("days"))


@dataclass(frozen=True)
class Rows(Kind):
    """As much of a table as distances need."""

    space: Space

    def compact(self, raw: np.ndarray, coarse: bool = False) -> np.ndarray:
        return self.space.compact(raw)


def images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    return (random.integers(0, 120, (count, 8, 8, 1)) + 100 * labels[:, None, None, None]).astype(np.uint8), labels


def table(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    town = np.where(random.random(count) < 0.1, np.nan, random.integers(0, 3, count) + 3 * labels)
    pay = np.where(random.random(count) < 0.2, np.nan, np.exp(random.normal(labels, 2)))
    return np.stack([random.normal(size=count), town, pay, random.normal(size=count)], 1).astype(np.float32), labels


def halves(count: int) -> Splits:
    positions = np.arange(count)
    return Splits(positions[: count // 2], positions[count // 2 : 3 * count // 4], positions[3 * count // 4 :])


@pytest.fixture(params=[images, table], ids=["images", "tables"])
def make(request):
    return request.param


def dataset(make, count: int = 800, seed: int = 0) -> Dataset:
    samples, labels = make(count, seed)
    kind = Image(8, 8, 1) if make is images else Rows(Space(COLUMNS, make(2000, seed=9)[0]))
    return Dataset("made", samples, labels, ("a", "b"), "0" * 64, None, (), kind)


def test_copies_tell_all_of_those_learned_from(make):
    data, splits = dataset(make), halves(800)
    found = attack(data.samples[splits.train], data.labels[splits.train], data, splits)
    assert found.auc > 0.99
    assert found.low > 0.95
    assert found.high == pytest.approx(1, abs=0.01)
    assert (found.train_samples, found.held_out_samples, found.synthetic_samples) == (400, 400, 400)


def test_samples_of_the_same_distribution_tell_nothing(make):
    found = []
    for seed in range(12):
        data = dataset(make, seed=10 + seed)
        found.append(attack(*make(800, seed=30 + seed), data, halves(800)))
    assert np.mean([each.auc for each in found]) == pytest.approx(0.5, abs=0.025)
    assert sum(each.low < 0.5 < each.high for each in found) >= 10
    assert all(0.06 < each.high - each.low < 0.12 for each in found)


def test_copies_of_a_part_tell_that_part(make):
    data, splits = dataset(make), halves(800)
    fresh, labels = make(400, seed=2)
    fresh[:100] = data.samples[splits.train[:100]]  # a quarter of those learned from
    found = attack(fresh, labels, data, splits)
    assert found.auc == pytest.approx(0.5 + 0.25 / 2, abs=0.05)
    assert found.low > 0.5


def test_the_classes_of_samples_do_not_tell_who_was_learned_from(make):
    """Far more of one class are for training; each attacked one has a partner of its class all the same."""
    data = dataset(make)
    train = np.concatenate([np.arange(0, 800, 2)[:300], np.arange(1, 800, 2)[:60]])
    held = np.setdiff1d(np.arange(800), train)
    found = attack(*make(800, seed=3), data, Splits(np.sort(train), held[::2], held[1::2]))
    assert found.train_samples == 100 + 60
    assert found.low < 0.5 < found.high


def test_a_handful_of_samples_tells_little_whatever_the_share():
    data = dataset(images)
    splits = Splits(np.arange(0, 4), np.arange(4, 6), np.arange(6, 8))
    found = attack(data.samples[:4], data.labels[:4], data, splits)
    assert found.auc == 1
    assert found.low < 0.75


def test_intervals_hold_chance_as_often_as_they_say():
    data, inside = dataset(images, 200), 0
    for seed in range(40):
        order = np.random.default_rng(seed).permutation(200)
        splits = Splits(np.sort(order[:100]), np.sort(order[100:150]), np.sort(order[150:]))
        found = attack(*images(100, seed=50 + seed), data, splits)
        inside += found.low < 0.5 < found.high
    assert inside >= 34


def test_the_attack_is_bounded_and_says_so(monkeypatch):
    monkeypatch.setattr(membership, "SAMPLES", 40)
    monkeypatch.setattr(membership, "_WORK", 2 * 40 * 64 * 30.0)  # 30 samples of each class
    data, splits = dataset(images), halves(800)
    found = attack(*images(400, seed=1), data, splits)
    assert (found.train_samples, found.held_out_samples, found.synthetic_samples) == (40, 40, 60)
