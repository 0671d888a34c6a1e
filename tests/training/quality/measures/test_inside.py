import numpy as np
import pytest

from training.kinds.image import Image
from training.quality.measures.inside import FEWEST, enough, inside, vectors
from training.quality.measures.neighbours import covered, density_and_coverage, expected_coverage

LIMIT = 0.8  # of the ceiling; see findings.CLASS_COVERAGE_SHARE


def blobs(count: int, random: np.random.Generator, kinds: tuple[int, ...] = (0, 1)) -> np.ndarray:
    """A class that has two kinds of samples: float [count, 12]."""
    return random.normal(size=(count, 12)) + 6 * random.choice(kinds, (count, 1))


@pytest.mark.parametrize("held", [FEWEST, 54, 230])
def test_a_complete_class_is_not_accused_however_its_samples_are_drawn(held):
    accused, ratios = 0, []
    for seed in range(40):
        random = np.random.default_rng(seed)
        found = inside(blobs(held, random), blobs(3 * held, random), blobs(200, random), seed)
        accused += found.high < LIMIT * found.ceiling
        ratios.append(found.coverage / found.ceiling)
        assert found.low <= found.coverage <= found.high
        assert found.samples == held
    assert accused == 0
    assert np.mean(ratios) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("held", [30, 54, 230])
def test_a_class_that_is_half_missing_is(held):
    accused = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        found = inside(blobs(held, random), blobs(3 * held, random), blobs(200, random, kinds=(0,)), seed)
        accused += found.high < LIMIT * found.ceiling
        assert found.coverage / found.ceiling == pytest.approx(0.52, abs=0.3)
    assert accused >= 36


def test_the_number_of_samples_does_not_move_coverage():
    random = np.random.default_rng(0)

    def narrow(count):  # an imperfect generator: less varied than the data
        return blobs(count, random) * 0.5

    found = [inside(blobs(n, random), blobs(2 * n, random), narrow(3 * n), 0).coverage for n in (100, 200, 400)]
    assert np.ptp(found) < 0.12


def test_coverage_of_the_same_distribution_is_what_counting_says():
    random = np.random.default_rng(0)
    for n, m in ((20, 20), (50, 20), (8, 30), (4, 4)):
        measured = np.mean([covered(random.normal(size=(n, 7)), random.normal(size=(m, 7))).mean() for _ in range(400)])
        assert measured == pytest.approx(expected_coverage(n, m), abs=0.02)


def test_covered_balls_are_those_that_coverage_counts():
    random = np.random.default_rng(1)
    real, other = random.normal(size=(60, 3)), random.normal(size=(40, 3))
    assert covered(real, other).mean() == density_and_coverage(real, other).coverage


def test_features_and_pictures_count_alike_whatever_their_scales():
    random = np.random.default_rng(2)
    samples = random.integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
    looks = Image(32, 32, 3).compact(samples, coarse=True)
    found = vectors(random.normal(size=(50, 9)) * 1000, looks, np.arange(50) < 40)
    assert found.shape == (50, 9 + 16 * 16 * 3)
    assert found[:40, :9].var(0).sum() == pytest.approx(1)
    assert found[:40, 9:].var(0).sum() == pytest.approx(1, abs=1e-3)
    assert np.isfinite(vectors(np.ones((5, 2)), looks[:1].repeat(5, 0), np.ones(5, bool))).all()


def test_so_few_samples_tell_nothing():
    assert enough(FEWEST, FEWEST, FEWEST)
    assert not enough(FEWEST - 1, 500, 500)
    assert not enough(500, FEWEST - 1, 500)
