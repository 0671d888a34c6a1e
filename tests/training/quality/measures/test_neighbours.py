import numpy as np
import pytest

from training.quality.measures.neighbours import density_and_coverage


def plain(real: np.ndarray, other: np.ndarray, k: int = 5) -> tuple[float, float]:
    """Naeem et al. 2020, equations 3 and 4, word by word."""
    radii = [sorted(np.linalg.norm(real - x, axis=1))[k] for x in real]
    inside = np.array([[np.linalg.norm(y - x) <= radius for y in other] for x, radius in zip(real, radii, strict=True)])
    return inside.sum() / (k * len(other)), inside.any(1).mean()


def test_it_is_what_the_paper_says(monkeypatch):
    random = np.random.default_rng(0)
    real, other = random.standard_normal((60, 3)), random.standard_normal((50, 3)) * 0.7 + 0.3
    assert density_and_coverage(real, other) == pytest.approx(plain(real, other))
    monkeypatch.setattr("training.quality.measures.neighbours._BLOCK", 7)
    assert density_and_coverage(real, other) == pytest.approx(plain(real, other))


@pytest.mark.parametrize("offset", [0, 1000])
def test_equal_sets_cover_each_other_wholly(offset):
    real = (np.random.default_rng(1).standard_normal((500, 32)) + offset).astype(np.float32)
    density, coverage = density_and_coverage(real, real)
    assert coverage == 1
    # Each vector is inside its own ball and in those of the 5 vectors that it is a neighbour of, on average.
    assert density == pytest.approx(6 / 5)


def test_far_away_sets_do_not_cover_at_all():
    real = np.random.default_rng(2).standard_normal((100, 8))
    assert density_and_coverage(real, real + 100) == (0, 0)


def test_one_sample_over_and_over_covers_little_but_is_dense():
    real = np.random.default_rng(3).standard_normal((300, 2))
    density, coverage = density_and_coverage(real, np.repeat(real.mean(0, keepdims=True), 300, 0))
    assert coverage < 0.1
    assert density > 1


def test_copies_among_the_real_ones_are_neighbours_of_each_other():
    real = np.repeat(np.random.default_rng(4).standard_normal((20, 3)), 6, 0)
    density, coverage = density_and_coverage(real, real[::6] + 1e-3)
    assert (density, coverage) == (0, 0)


def test_tiny_sets_use_the_neighbours_they_have():
    density, coverage = density_and_coverage(np.array([[0.0], [1.0]]), np.array([[0.9]]))
    assert (density, coverage) == (2, 1)
