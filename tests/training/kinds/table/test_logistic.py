import numpy as np
import pytest

from training.kinds.table.columns import Column
from training.kinds.table.logistic import Logistic

COLUMNS = (Column("age", missing=True), Column("town", ("a", "b", "c"), missing=True))


def rows(count=200):
    random = np.random.default_rng(0)
    labels = np.arange(count) % 2
    age = random.normal(labels * 3.0, 1)
    return np.stack([age, random.integers(0, 3, count)], 1).astype(np.float32), labels


def fitted(samples, labels, weights=None, classes=2):
    pupil = Logistic(COLUMNS, classes)
    pupil.fit(samples, labels, weights)
    return pupil


def test_numbers_and_categories_tell_classes_apart():
    samples, labels = rows()
    assert (fitted(samples, labels).predict_proba(samples).argmax(1) == labels).mean() > 0.9
    samples[:, 0] = 0
    samples[:, 1] = labels
    assert (fitted(samples, labels).predict_proba(samples).argmax(1) == labels).all()


def test_that_a_value_is_missing_is_known():
    samples, labels = rows()
    samples[:, 0] = np.where(labels, np.nan, 1.0)
    assert (fitted(samples, labels).predict_proba(samples).argmax(1) == labels).all()
    samples[:, 0] = 1.0
    samples[:, 1] = np.where(labels, np.nan, 1.0)
    assert (fitted(samples, labels).predict_proba(samples).argmax(1) == labels).all()


def test_what_was_not_seen_in_training_gets_an_answer():
    samples, labels = rows()
    pupil = fitted(samples[samples[:, 1] != 2], labels[samples[:, 1] != 2])
    found = pupil.predict_proba(np.array([[np.nan, 2], [1e30, np.nan], [-1e30, 0]], np.float32))
    assert np.isfinite(found).all()
    assert found.sum(1) == pytest.approx(1)
    assert found[1, 1] > 0.9 > 0.1 > found[2, 1]


def test_a_class_without_rows_has_no_chance_and_one_alone_all_of_it():
    samples, labels = rows()
    found = fitted(samples, labels * 2, classes=3).predict_proba(samples)
    assert found.shape == (200, 3)
    assert (found[:, 1] == 0).all()
    assert (fitted(samples, labels * 0 + 2, classes=3).predict_proba(samples) == [0, 0, 1]).all()


def test_weights_move_the_border():
    samples, labels = rows()
    heavy = fitted(samples, labels, np.where(labels, 20.0, 1.0)).predict_proba(samples).argmax(1)
    assert heavy.sum() > fitted(samples, labels).predict_proba(samples).argmax(1).sum()


def test_a_column_without_a_value_is_no_column():
    samples, labels = rows()
    samples[:, 1] = labels
    samples[:, 0] = np.nan
    assert (fitted(samples, labels).predict_proba(samples).argmax(1) == labels).all()


def test_tables_of_numbers_alone_and_of_categories_alone():
    samples, labels = rows()
    for at in (0, 1):
        pupil = Logistic(COLUMNS[at : at + 1], 2)
        pupil.fit(samples[:, at : at + 1], labels)
        assert np.isfinite(pupil.predict_proba(samples[:, at : at + 1])).all()
