import numpy as np
import pytest

from training.quality.measures.intervals import score_interval, wilson


def test_a_share_of_few_is_known_badly_and_of_none_not_at_all():
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)  # (p + z²/2n ± z √(pq/n + z²/4n²)) / (1 + z²/n)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(0, 0) == (0, 1)


def test_one_classifier_is_sure_to_the_test_samples_and_several_to_both():
    random = np.random.default_rng(0)
    one = random.random((1, 1000)) < 0.9
    low, high = score_interval(one)
    assert low < one.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * (0.09 / 1000) ** 0.5, rel=0.05)
    # Five classifiers of different worth on easy and hard samples: the interval holds the truth about 95 % of times.
    held = 0
    for _ in range(200):
        hard = random.random(400) < 0.2
        worth = random.normal(0, 0.05, (5, 1))
        right = random.random((5, 400)) < np.where(hard, 0.4, 0.95) + worth
        low, high = score_interval(right)
        held += low < 0.2 * 0.4 + 0.8 * 0.95 < high
    assert 0.88 < held / 200 <= 1
