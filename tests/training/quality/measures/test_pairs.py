import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from training.quality.measures import pairs


def test_the_mean_share_is_the_area_under_the_curve():
    random = np.random.default_rng(0)
    first, second = random.normal(0.5, 1, 200).round(1), random.normal(0, 1, 200).round(1)  # with ties
    ours, theirs = pairs.won(first, second, np.zeros(200, np.int64))
    area = roc_auc_score(np.repeat([1, 0], 200), np.concatenate([first, second]))
    assert ours.mean() == pytest.approx(area)
    assert theirs.mean() == pytest.approx(area)


def test_pairs_are_made_inside_classes_only():
    labels = np.array([0, 0, 1, 1])
    first, second = np.array([5.0, 6.0, 0.0, 0.0]), np.array([1.0, 9.0, 0.0, -1.0])
    ours, theirs = pairs.won(first, second, labels)
    assert ours.tolist() == [0.5, 0.5, 0.75, 0.75]
    assert theirs.tolist() == [1, 0, 0.5, 1]


def test_blocks_of_pairs_make_no_difference(monkeypatch):
    random = np.random.default_rng(0)
    arguments = random.normal(size=97), random.normal(size=97), np.arange(97) % 3
    whole = pairs.won(*arguments)
    monkeypatch.setattr(pairs, "_BLOCK", 50)
    assert np.allclose(whole, pairs.won(*arguments))


def test_the_variance_is_that_of_many_draws():
    random = np.random.default_rng(0)
    areas, variances = [], []
    for _ in range(300):
        ours, theirs = pairs.won(random.normal(0.5, 1, 60), random.normal(0, 1, 60), np.zeros(60, np.int64))
        areas.append(ours.mean())
        variances.append(pairs.variance(ours, theirs))
    assert np.mean(variances) == pytest.approx(np.var(areas), rel=0.2)
