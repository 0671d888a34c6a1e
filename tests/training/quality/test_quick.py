import numpy as np

from training.quality import quick


def test_real_samples_pass_at_a_glance(digits, splits, judge, replay):
    check = quick(replay, judge, digits, splits)
    assert check.label_fidelity >= 0.95
    assert check.class_fidelity.shape == check.spread_ratio.shape == (10,)
    assert np.all((check.spread_ratio > 0.7) & (check.spread_ratio < 1.3))
    assert abs(check.kernel_distance) < 0.1


def test_a_collapse_of_one_class_is_seen_in_that_class(digits, splits, judge, replay):
    def draw(labels, start):
        samples = replay(labels, start)
        samples[labels == 4] = digits.samples[replay.members[4][0]]
        return samples

    check = quick(draw, judge, digits, splits)
    assert np.flatnonzero(check.spread_ratio < 0.5).tolist() == [4]


def test_an_ignored_label_is_seen(digits, splits, judge, replay):
    check = quick(lambda labels, start: replay(np.zeros_like(labels), start), judge, digits, splits)
    assert check.class_fidelity[0] >= 0.7
    assert check.class_fidelity[1:].max() <= 0.3
    assert check.kernel_distance > 0.3


def test_the_test_split_is_never_read(digits, splits, judge, replay):
    blind = type(splits)(splits.train, splits.validation, np.array([], np.int64))
    first, second = quick(replay, judge, digits, blind), quick(replay, judge, digits, splits)
    assert first.kernel_distance == second.kernel_distance
    assert np.array_equal(first.spread_ratio, second.spread_ratio)


def test_samples_come_from_the_indices_asked_for(digits, splits, judge, replay):
    starts = []

    def draw(labels, start):
        starts.append((start, len(labels)))
        return replay(labels, start)

    quick(draw, judge, digits, splits, per_class=4, start=1000)
    assert starts == [(1000, 40)]
