import numpy as np
import pytest

from training.data import Dataset
from training.data.splits import Splits
from training.kinds.image import Image
from training.quality.measures import memorisation


def stripes(count: int, side: int = 8, seed: int = 0) -> Dataset:
    """Two classes of noise around different means: no two samples alike, none nearer than chance has it."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    samples = (random.integers(0, 120, (count, side, side, 1)) + 100 * labels[:, None, None, None]).astype(np.uint8)
    return Dataset("stripes", samples, labels, ("dark", "light"), "0" * 64, None, (), Image(*samples.shape[1:]))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return stripes(400)


@pytest.fixture(scope="module")
def halves() -> Splits:
    positions = np.arange(400)
    return Splits(positions[:240], positions[240:320], positions[320:])


def test_samples_of_the_same_distribution_are_nearer_by_chance_only(data, halves):
    fresh = stripes(400, seed=1)
    found = memorisation.compare(fresh.samples, fresh.labels, data, halves).summary()
    assert found.nearer_share == pytest.approx(0.5, abs=0.15)
    assert abs(found.nearer_deviations) < 3
    assert found.share == pytest.approx(found.percentile, abs=0.05)
    assert found.distance_ratio == pytest.approx(1, abs=0.03)
    assert (found.exact_copies, found.samples) == (0, 400)


def test_deviations_are_those_that_another_division_of_the_real_samples_would_have(data):
    # The same question asked of many divisions: deviations are standard deviations, so they have variance 1.
    fresh = stripes(100, seed=1)
    found = []
    for seed in range(40):
        order = np.random.default_rng(seed).permutation(400)
        splits = Splits(np.sort(order[:240]), np.sort(order[240:320]), np.sort(order[320:]))
        found.append(memorisation.compare(fresh.samples, fresh.labels, data, splits).summary().nearer_deviations)
    assert abs(np.mean(found)) < 0.5
    assert 0.7 < np.std(found) < 1.3


def test_copies_are_counted_and_named(data, halves):
    rows = halves.train[::3]
    found = memorisation.compare(data.samples[rows], data.labels[rows], data, halves)
    assert np.array_equal(found.nearest, rows)
    assert found.exact.all()
    assert found.summary().nearer_share > 0.99
    assert found.summary().nearer_deviations > 5


def test_copies_with_noise_are_near_though_not_equal(data, halves):
    rows = halves.train[:100]
    noise = np.random.default_rng(2).integers(-9, 10, data.samples[rows].shape)
    samples = (data.samples[rows] + noise).clip(0, 255).astype(np.uint8)
    found = memorisation.compare(samples, data.labels[rows], data, halves)
    assert not found.exact.any()
    assert np.array_equal(found.nearest, rows)
    assert found.summary().share == 1
    assert found.summary().nearer_share > 0.99


def test_blurred_samples_are_near_to_everything_and_no_copies(data, halves):
    fresh = stripes(200, seed=3)
    # Half way to the class's mean: nearer to every real sample than any real one is.
    means = np.stack([data.samples[data.labels == label].mean(0) for label in (0, 1)])
    blurred = ((fresh.samples + means[fresh.labels]) / 2).astype(np.uint8)
    found = memorisation.compare(blurred, fresh.labels, data, halves).summary()
    assert found.share > 0.9
    assert found.distance_ratio < 0.9
    assert abs(found.nearer_deviations) < 3


def test_one_class_that_copies_is_found_in_that_class(data, halves):
    fresh = stripes(200, seed=4)
    samples = fresh.samples.copy()
    light = np.flatnonzero(fresh.labels == 1)
    train = halves.train[data.labels[halves.train] == 1]
    samples[light] = data.samples[train[: len(light)]]
    found = memorisation.compare(samples, fresh.labels, data, halves)
    assert found.summary(0).nearer_share < 0.65
    assert found.summary(1).nearer_share > 0.99
    assert found.summary(1).exact_copies == len(light)
    assert set(fresh.labels[found.worst(50)]) == {1}


def test_large_images_are_compared_small(halves):
    large = stripes(400, side=64)
    fresh = stripes(40, side=64, seed=5)
    found = memorisation.compare(fresh.samples, fresh.labels, large, halves)
    # 64 pixels become 32: noise of single pixels averages out by half, and so do distances in it.
    assert found.distance.mean() < 0.6 * 64 * 64**0.5 * 120 / 6
    assert 0.3 < found.summary().nearer_share < 0.7


def test_constant_classes_do_not_divide_by_zero(halves):
    samples, labels = np.full((400, 8, 8, 1), 7, np.uint8), np.arange(400) % 2
    flat = Dataset("flat", samples, labels, ("a", "b"), "0" * 64, None, (), Image(8, 8, 1))
    found = memorisation.compare(flat.samples[:10], flat.labels[:10], flat, halves).summary()
    assert found.nearer_share == 0.5
    assert np.isfinite(found.distance_ratio)
