"""A study of rows: what people use learns from real and synthetic ones, beside what people do for scarce classes."""

import json

import numpy as np
import pytest

from tests.training.studying import study
from training.data import Dataset
from training.data.splits import split
from training.judge import fitting
from training.kinds.table.columns import Column
from training.kinds.table.judge import Boosting
from training.kinds.table.logistic import Logistic
from training.kinds.table.smote import Smote
from training.kinds.table.table import Table
from training.study import arms, journal
from training.study import learners as taught
from training.study.measures import AUC, F1

CLASSIFIERS = ["logistic regression", "gradient boosting"]
WAYS = [
    *(arms.REAL, arms.WEIGHTED, arms.OVERSAMPLED, "SMOTE-NC", arms.VAE, arms.LIKELIHOOD),
    *(arms.RAW, arms.CHOSEN, arms.ONLY),
]


def made(label, index):
    random = np.random.default_rng([label, index % 2**40])
    return np.array([random.normal(2 * label), random.integers(0, 2) + label], np.float32)


@pytest.fixture(scope="module")
def table() -> Dataset:
    """120 rows of a class and 40 of another, told apart by both columns, a few values missing."""
    labels = np.repeat([0, 1], [120, 40])
    samples = np.stack([made(label, 10**6 + number) for number, label in enumerate(labels)])
    samples[::9, 0], samples[::11, 1] = np.nan, np.nan
    columns = (Column("income", missing=True), Column("town", ("a", "b", "c"), missing=True))
    return Dataset("towns", samples, labels, ("no", "yes"), "0" * 64, None, (), Table(columns, "moved"))


@pytest.fixture(scope="module", autouse=True)
def _few_rounds():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.kinds.table.judge._ROUNDS", 5)
        patch.setattr(fitting, "default_steps", lambda samples: 50)
        patch.setattr(taught, "FEWEST_ALONE", 100)
        yield


@pytest.fixture(scope="module")
def finished(table, tmp_path_factory):
    """(folder, outcomes, what happened in turn: ("asked", split) and ("chosen", measure), what generators learned)"""
    folder = tmp_path_factory.mktemp("study")
    test, happened = table.samples[split(table).test].tobytes(), []

    def spied(method):
        def called(self, samples):
            happened.append(("asked", "test" if samples.tobytes() == test else "validation"))
            return method(self, samples)

        return called

    with pytest.MonkeyPatch.context() as patch:
        for pupil in (Boosting, Logistic):
            patch.setattr(pupil, "predict_proba", spied(pupil.predict_proba))
        studied, learned_from = study(table, made, folder, patch)
        tuned = type(studied)._tuned

        def spied_tuned(self, case, measure):
            chosen = tuned(self, case, measure)
            happened.append(("chosen", measure))
            return chosen

        patch.setattr(type(studied), "_tuned", spied_tuned)
        outcomes = studied.run()
    return folder, outcomes, happened, learned_from


def test_each_classifier_has_a_line_with_every_way_and_every_measure(finished):
    lines = [outcome.line for outcome in finished[1]]
    assert [line.classifier for line in lines] == CLASSIFIERS
    for line in lines:
        assert [arm.name for arm in line.arms] == WAYS
        assert [each.measure for each in line.others] == [F1, AUC]
        for arm in line.arms:
            assert [each.measure for each in arm.others] == [F1, AUC]
            assert all(0 <= each.low <= each.score <= each.high <= 1 for each in (arm, *arm.others))
        for each in (line, *line.others):
            assert each.baseline in WAYS[:6]
            assert each.synthetic_score - each.baseline_score == pytest.approx(each.gain)
            assert -1 <= each.gain_low <= each.gain <= each.gain_high <= 1


def test_settings_are_chosen_by_every_measure_before_any_test_row_is_asked_about(finished):
    happened = finished[2]
    before = happened[: happened.index(("asked", "test"))]
    assert [what for event, what in before if event == "chosen"] == ["balanced accuracy", F1, AUC]
    assert before.count(("asked", "validation")) > 20


def test_the_generators_of_a_repeat_know_its_real_rows_alone(finished, table):
    splits, learned_from = split(table), finished[3]
    assert learned_from
    assert all(np.array_equal(real, splits.train) for real in learned_from)


def test_recommendation_is_that_of_the_classifier_which_people_use_most(finished):
    outcome = finished[1][-1]
    assert outcome.line.classifier == "gradient boosting"
    assert len(outcome.classes) == 2
    assert all(each.synthetic_per_real >= 0 for each in outcome.classes)


def test_a_stopped_study_comes_to_the_same_numbers(finished, table, tmp_path, monkeypatch):
    folder, outcomes, _, _ = finished
    lines = (folder / journal.NAME).read_bytes().splitlines(keepends=True)
    (tmp_path / "plan.json").write_bytes((folder / "plan.json").read_bytes())
    (tmp_path / journal.NAME).write_bytes(b"".join(lines[: len(lines) * 3 // 4]) + lines[-1][:30])
    again = study(table, made, tmp_path, monkeypatch)[0].run()
    assert [outcome.line for outcome in again] == [outcome.line for outcome in outcomes]
    assert [outcome.classes for outcome in again] == [outcome.classes for outcome in outcomes]


def test_a_finished_study_is_only_read(finished, table, monkeypatch):
    for pupil in (Boosting, Logistic):
        monkeypatch.setattr(pupil, "fit", lambda *arguments: pytest.fail("taught again"))
    again = study(table, made, finished[0], monkeypatch)[0].run()
    assert [outcome.line for outcome in again] == [outcome.line for outcome in finished[1]]


def test_what_was_only_tried_has_no_test_score(finished):
    cells = [json.loads(line) for line in (finished[0] / journal.NAME).read_text().splitlines()]
    tried = [cell for cell in cells if cell["test"] is None]
    assert tried
    assert all(cell["replicate"] == 0 for cell in tried)
    assert all(set(cell["others_test"]) == {F1, AUC} for cell in cells if cell["test"] is not None)


# -- what a classifier is given ----------------------------------------------------------------------------


class Listener:
    """Remembers its only lesson."""

    def fit(self, samples, labels, weights=None):
        self.samples, self.labels, self.weights = samples, labels, weights


def given(table, trial, monkeypatch, n_made=0):
    monkeypatch.setattr(Table, "pupils", lambda *arguments: {"any": Listener()})
    rows = np.array([made(1, number) for number in range(n_made)], np.float32).reshape(-1, 2)
    lesson = taught.Lesson(table.samples, table.labels, rows, np.ones(n_made, np.int64), 0, 0)
    return taught.PupilLearner(table.kind, 2, "any").learn(trial, lesson)


def trial(table, **changes):
    return arms.Trial(arms.unvaried(table.kind).recipe, **changes)


def test_real_rows_alone_are_given_as_they_are(table, monkeypatch):
    heard = given(table, trial(table), monkeypatch)
    assert np.array_equal(heard.samples, table.samples, equal_nan=True)
    assert heard.weights is None


def test_weights_make_classes_count_alike(table, monkeypatch):
    heard = given(table, trial(table, weighted=True), monkeypatch)
    sums = np.bincount(heard.labels, heard.weights)
    assert sums[0] == pytest.approx(sums[1])
    assert heard.weights.mean() == pytest.approx(1)


def test_oversampling_repeats_rows_of_the_scarce_class_and_loses_none(table, monkeypatch):
    heard = given(table, trial(table, draw="even"), monkeypatch)
    assert np.bincount(heard.labels).tolist() == [120, 120]
    assert {row.tobytes() for row in heard.samples} == {row.tobytes() for row in table.samples}


def test_smote_fills_up_the_scarce_class(table, monkeypatch):
    heard = given(table, trial(table, resampler=Smote(table.kind.columns)), monkeypatch)
    assert np.bincount(heard.labels).tolist() == [120, 120]
    assert np.array_equal(heard.samples[:160], table.samples, equal_nan=True)


def test_synthetic_rows_stand_beside_real_ones_or_alone(table, monkeypatch):
    heard = given(table, trial(table, share=0.2), monkeypatch, n_made=40)
    assert np.bincount(heard.labels).tolist() == [120, 80]
    alone = given(table, trial(table, share=1.0), monkeypatch, n_made=40)
    assert np.bincount(alone.labels).tolist() == [0, 40]


def test_a_share_is_of_all_rows_that_are_given(table):
    pupil, counts = taught.PupilLearner(table.kind, 2, "gradient boosting"), np.array([120, 40])
    assert pupil.wanted(trial(table, share=0.5), counts) == 160
    assert pupil.wanted(trial(table, share=0.5, draw="even"), counts) == 240
    assert pupil.wanted(trial(table), counts) == 0


def test_scarce_classes_are_filled_up_by_as_many_as_they_lack(table):
    pupil, counts = taught.PupilLearner(table.kind, 2, "gradient boosting"), np.array([120, 40])
    for published in (False, True):
        trials = pupil.raw(trial(table, weighted=True), counts, published)
        (filled,) = [each for each in trials if each.toward == "scarce"]
        assert pupil.wanted(filled, counts) == 80
        assert not filled.weighted
        assert len(trials) <= 8
    assert not [each for each in pupil.raw(trial(table), np.array([9, 9]), False) if each.toward == "scarce"]


def test_no_more_synthetic_rows_are_tried_than_can_be_taught(table):
    counts = np.array([60_000, 1_000])
    trials = arms.raw_at_once(trial(table), counts, 50_000, published=True)
    shares = {each.share for each in trials if each.toward == "even"}
    assert shares == {0.5}  # the least, though it is too many
    assert {each.share for each in arms.raw_at_once(trial(table), counts // 100, 50_000, True)} >= {0.5, 0.75, 0.9}
