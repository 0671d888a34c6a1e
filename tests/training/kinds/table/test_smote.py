import numpy as np
import pytest

from training.kinds.table.columns import Column
from training.kinds.table.smote import Smote, trials

MIXED = (Column("age", missing=True), Column("town", ("a", "b", "c"), missing=True), Column("pay"))


def rows(counts=(30, 8), seed=0):
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    age = random.normal(labels * 5, 1)
    town = random.integers(0, 3, len(labels))
    return np.stack([age, town, random.normal(size=len(labels))], 1).astype(np.float32), labels


def test_scarce_classes_grow_to_the_largest_and_real_rows_stay_first():
    samples, labels = rows((30, 8, 12))
    more, classes = Smote(MIXED).resample(samples, labels, 0)
    assert np.bincount(classes).tolist() == [30, 30, 30]
    assert np.array_equal(more[:50], samples)
    assert np.array_equal(classes[:50], labels)
    assert (more.dtype, classes.dtype) == (np.float32, labels.dtype)


def test_new_rows_lie_between_rows_of_their_class_and_have_its_categories():
    samples, labels = rows()
    samples[labels == 1, 1] = 2.0
    more, classes = Smote(MIXED).resample(samples, labels, 0)
    new, own = more[len(labels) :], samples[labels == 1]
    assert (classes[len(labels) :] == 1).all()
    assert (new[:, 1] == 2).all()
    assert (new[:, [0, 2]] >= own[:, [0, 2]].min(0) - 1e-5).all()
    assert (new[:, [0, 2]] <= own[:, [0, 2]].max(0) + 1e-5).all()
    assert len(np.unique(new[:, 0])) > 10  # they are new


def test_missing_values_are_filled_in_new_rows_and_kept_in_real_ones():
    samples, labels = rows()
    samples[::3, 0], samples[::5, 1] = np.nan, np.nan
    more, _ = Smote(MIXED).resample(samples, labels, 0)
    assert np.array_equal(more[: len(labels)], samples, equal_nan=True)
    assert np.isfinite(more[len(labels) :]).all()


def test_numbers_are_filled_by_the_median_and_categories_by_the_most_frequent():
    samples = np.array([[1, 2, 0], [3, 2, 0], [100, 1, 0], [np.nan, np.nan, 0]], np.float32)
    assert Smote(MIXED)._filled(samples)[3].tolist() == [3, 2, 0]


def test_a_column_without_a_value_does_not_stop_it():
    samples, labels = rows()
    samples[:, 0] = np.nan
    more, _ = Smote(MIXED).resample(samples, labels, 0)
    assert (more[len(labels) :, 0] == 0).all()


@pytest.mark.parametrize("columns", [MIXED[:1] + MIXED[2:], (MIXED[1], Column("door", ("x", "y", "z")))])
def test_tables_of_numbers_and_of_categories_alone_have_their_own_way(columns):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [20, 6])
    samples = random.integers(0, 3, (26, 2)).astype(np.float32)
    more, classes = Smote(columns).resample(samples, labels, 0)
    assert np.bincount(classes).tolist() == [20, 20]
    assert np.isin(more, [0, 1, 2]).all() or not columns[0].categories


@pytest.mark.parametrize("least", [1, 2, 3])
def test_a_class_of_fewer_rows_than_neighbours_takes_those_that_it_has(least):
    samples, labels = rows((30, least))
    more, classes = Smote(MIXED, 10).resample(samples, labels, 0)
    assert np.bincount(classes).tolist() == [30, 30]
    if least == 1:
        assert np.allclose(more[len(labels) :], samples[-1])


def test_half_way_and_even_classes():
    samples, labels = rows((30, 8))
    assert np.bincount(Smote(MIXED, share=0.5).resample(samples, labels, 0)[1]).tolist() == [30, 15]
    samples, labels = rows((10, 10))
    assert Smote(MIXED).resample(samples, labels, 0)[0] is samples


def test_the_same_seed_gives_the_same_rows():
    samples, labels = rows()
    first, again, other = (Smote(MIXED).resample(samples, labels, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_trials_have_names_of_their_own():
    assert len({str(each) for each in trials(MIXED)}) == len(trials(MIXED)) <= 8
