import numpy as np
import pytest

from training.quality.measures.spread import spread, spread_ratio

SAMPLES = np.random.default_rng(0).integers(0, 256, (1300, 6, 5, 3), dtype=np.uint8)


def test_spread_is_the_mean_deviation_over_elements():
    assert spread(SAMPLES) == pytest.approx(SAMPLES.std(0, ddof=1).mean(), rel=1e-12)


def test_extreme_levels_do_not_overflow():
    assert spread(np.tile(np.array([0, 255], np.uint8), 40_000)[:, None]) == pytest.approx(127.5, rel=1e-4)


def test_ratio_compares_synthetic_to_real():
    assert spread_ratio(SAMPLES // 2, SAMPLES) == pytest.approx(0.5, abs=0.01)
    assert spread_ratio(np.repeat(SAMPLES[:1], 9, 0), SAMPLES) == 0


def test_constant_real_samples_have_a_ratio_too():
    flat = np.full((9, 4, 4, 1), 7, np.uint8)
    assert spread_ratio(flat, flat) == 1
    assert spread_ratio(SAMPLES[:9, :4, :4, :1], flat) == float("inf")
