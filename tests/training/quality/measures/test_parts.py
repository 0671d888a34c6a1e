import numpy as np

from training.data import Dataset
from training.data.splits import Splits
from training.kinds.image import Image
from training.quality.measures import parts
from training.quality.measures.repeats import Repeats, repeats


def uneven() -> tuple[Dataset, Splits]:
    """Nine of ten are dark for training, half of those held out; each image has a level of its own."""
    labels = np.concatenate([np.zeros(90, np.int64), np.ones(10, np.int64), np.arange(60) % 2])
    samples = np.arange(160, dtype=np.uint8).repeat(64).reshape(160, 8, 8, 1)
    data = Dataset("uneven", samples, labels, ("dark", "light"), "0" * 64, None, (), Image(8, 8, 1))
    return data, Splits(np.arange(100), np.arange(100, 130), np.arange(130, 160))


def levels(samples: np.ndarray) -> np.ndarray:
    return samples[:, 0, 0, 0]


def test_all_three_have_the_training_splits_shares_of_the_classes():
    data, splits = uneven()
    made_labels = np.arange(100) % 2
    made = (200 + made_labels)[:, None, None, None].repeat(64, 1).reshape(100, 8, 8, 1).astype(np.uint8)
    some, held, train = parts.alike(made, made_labels, data, splits, seed=0)
    assert len(some) == len(held)
    assert np.bincount(levels(some) - 200).tolist() == [30, 3]
    assert np.bincount(data.labels[levels(held)]).tolist() == [30, 3]
    assert min(levels(held)) >= 100
    assert sorted(levels(train)) == list(range(100))


def test_large_sets_are_cut_alike(monkeypatch):
    monkeypatch.setattr(parts, "MOST", 20)
    data, splits = uneven()
    made_labels = np.arange(100) % 2
    some, held, train = parts.alike(data.samples[:100], made_labels, data, splits, seed=0)
    assert len(some) == len(held) == len(train) == 20
    assert np.bincount(data.labels[levels(train)]).tolist() == [18, 2]


def test_what_is_taken_is_in_the_wanted_parts_and_no_more_than_there_is():
    assert parts.shared(np.array([900, 100]), np.array([500, 500]), 10**6).tolist() == [500, 55]
    assert parts.shared(np.array([900, 100]), np.array([500, 500]), 100).tolist() == [90, 10]
    assert parts.shared(np.array([10_000, 1]), np.array([50, 50]), 100).tolist() == [50, 1]


def test_repeats_are_counted_beside_those_of_real_samples():
    data, splits = uneven()
    random = np.random.default_rng(0)
    labels = np.arange(40) % 2
    twice = data.samples[np.arange(40) // 4]
    assert repeats(twice, labels, data, splits.train, random) == Repeats(30, 40)
    # Of real samples that repeat themselves, as many are looked at as synthetic ones.
    doubled = Dataset("d", data.samples // 2, data.labels, data.class_names, "0" * 64, None, (), data.kind)
    found = repeats(twice, labels, doubled, splits.train[:60], random)
    assert (found.samples, found.real > 0) == (20, True)
