"""benchmarks/quality/scarce.py"""

import numpy as np
import pytest

from benchmarks.quality import scarce


def test_a_long_tail_falls_from_the_first_class_to_the_last():
    labels = np.repeat(np.arange(10), 100)
    train = np.arange(0, 1000, 2)
    chosen = scarce.long_tail(labels, train, most=40, imbalance=20, seed=0)
    counts = np.bincount(labels[chosen]).tolist()
    assert counts == [40, 29, 21, 15, 11, 8, 5, 4, 3, 2]
    assert set(chosen.tolist()) <= set(train.tolist())
    assert len(set(chosen.tolist())) == len(chosen)


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [([0.05, 0.06, 0.055], "a gain"), ([-0.05, -0.06, -0.055], "a loss"), ([0.05, -0.04, 0.01], "no measurable")],
)
def test_a_gain_is_one_if_its_interval_is_above_zero(gains, verdict):
    assert verdict in scarce.interval(gains)


def test_an_interval_is_students():
    assert scarce.interval([0.01, 0.02, 0.03]).startswith("+2.0 points [-0.5, +4.5]")
