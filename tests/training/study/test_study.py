"""A whole study in small: every arm on a few images, stopped and gone on with."""

import itertools
import json
import shutil

import numpy as np
import onnx
import pytest
from lightning_fabric import Fabric

from service.runtime.engine import Session
from tests import generators
from training.config.presets import resolve
from training.data import Dataset
from training.data.kind import Unvaried
from training.data.splits import split
from training.export import graph
from training.judge import fitting
from training.kinds.image import Image
from training.study import Plan, Scenario, ScenarioError, Shared, Study, arms, journal, learners, recommending
from training.study import generators as trained
from training.study.arms import Trial
from training.study.carried import Carried
from training.study.stream import Stream

SMALL = {"width": 4, "latent_size": 8, "batch_size": 16}


@pytest.fixture(scope="module", autouse=True)
def _quickly():
    """What is drawn from is not what was trained, for an export takes seconds: test_command.py has some."""
    made = itertools.count()

    def stand_in(generator, kind, latent_size, classes):
        return onnx.load_from_string(generators.build(labels=("a", "b", "c"), seed=next(made)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "to_onnx", stand_in)
        yield


@pytest.fixture(scope="module")
def bands() -> Dataset:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [80, 40, 20])
    images = random.integers(0, 120, (140, 8, 8, 1), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[label * 2 : label * 2 + 3] += 60
    return Dataset("bands", images, labels, ("top", "middle", "bottom"), "0" * 64, None, (), Image(*images.shape[1:]))


@pytest.fixture(scope="module")
def shared() -> Shared:
    """A random generator that is said to have learnt from 98 samples."""
    content = generators.build(labels=("a", "b", "c"), seed=99)
    return Shared(Session(content, threads=1), samples=98, digest="d" * 64, scored=False)


def study(bands, shared, folder, report=lambda *words: None, **changes):
    plan = Plan(
        **{
            "scenarios": (Scenario.parse("all"),),
            "repeats": 2,
            "seeds": 1,
            "generator_steps": 3,
            "classifier_steps": 10,
            **changes,
        }
    )
    fabric = Fabric(accelerator="cpu", devices=1)
    return Study(bands, split(bands), resolve("rpgan", SMALL), shared, fabric, folder, plan, report)


@pytest.fixture(scope="module")
def finished(bands, shared, tmp_path_factory):
    """(folder, outcome, everything that a classifier or a generator learnt from)"""
    folder = tmp_path_factory.mktemp("study")
    seen = []
    fit, trainer = fitting.fit, trained.Trainer

    def spied_fit(kind, samples, *rest, **options):
        seen.append(samples)
        return fit(kind, samples, *rest, **options)

    def spied_trainer(fabric, config, kind, samples, *rest, **options):
        seen.append(samples)
        return trainer(fabric, config, kind, samples, *rest, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "fit", spied_fit)
        patch.setattr(trained, "Trainer", spied_trainer)
        return folder, study(bands, shared, folder).run()[0], seen


def test_every_arm_is_measured_in_every_repeat(finished):
    line = finished[1].line
    assert [arm.name for arm in line.arms] == [
        *(arms.REAL, arms.STANDARD, arms.WEIGHTED, arms.OVERSAMPLED, arms.MIXED, arms.VAE, arms.RAW, arms.CHOSEN),
        arms.ONLY,
    ]
    assert line.repeats == 2
    assert line.baseline not in (arms.REAL, *arms.SYNTHETIC)
    assert line.synthetic_score - line.baseline_score == pytest.approx(line.gain)
    assert all(0 <= arm.low <= arm.score <= arm.high <= 1 for arm in line.arms)


def test_recommendation_is_what_was_chosen_on_validation(finished):
    outcome = finished[1]
    assert len(outcome.classes) == 3
    for each in [outcome.recommendation, *outcome.classes]:
        assert each.scenario == "all"
        assert each.truncation in (1.0, pytest.approx(0.8))
        assert each.synthetic_per_real >= 0
        assert (each.keep, each.of) == (0, 0)  # without scores a service cannot select


def test_nothing_but_the_scenarios_real_samples_is_learnt_from(bands, finished):
    splits = split(bands)
    held = {bands.samples[position].tobytes() for position in (*splits.validation, *splits.test)}
    seen = finished[2]
    assert len(seen) > 30
    assert not held & {sample.tobytes() for samples in seen for sample in samples}


def test_samples_of_other_classes_are_carried_where_the_generator_can(bands, tmp_path, monkeypatch):
    content = generators.build(labels=("a", "b", "c"), seed=99, transforms=True)
    able = Shared(Session(content, threads=1), samples=98, digest="d" * 64, scored=False, transforms=True)
    taught = []
    learn = learners.JudgeLearner.learn
    monkeypatch.setattr(
        learners.JudgeLearner,
        "learn",
        lambda self, trial, lesson: taught.append((trial, lesson)) or learn(self, trial, lesson),
    )
    found = study(bands, able, tmp_path, retrained=(False,), repeats=1).run()[0]
    assert arms.TRANSFORMED in [arm.name for arm in found.line.arms]
    splits = split(bands)
    # What the stand-in makes of a sample: a level more for every class further
    possible = {
        (np.clip(bands.samples[at].astype(int) + label - bands.labels[at], 0, 255).astype(np.uint8).tobytes(), label)
        for at in splits.train
        for label in {0, 1, 2} - {int(bands.labels[at])}
    }
    lessons = [lesson for trial, lesson in taught if trial.transformed]
    assert lessons
    for lesson in lessons:
        pairs = zip(lesson.made, lesson.made_labels, strict=True)
        assert {(sample.tobytes(), int(label)) for sample, label in pairs} <= possible
    for each in [found.recommendation, *found.classes]:
        assert not each.transformed or each.synthetic_per_real > 0


def test_each_class_gets_what_it_is_recognised_better_by():
    drawn, carried = (
        recommending.of(Trial(Unvaried(None), share=0.5, transformed=transformed), np.array([1.0, 0.0, 2.0]), "all")[1]
        for transformed in (False, True)
    )
    chosen = recommending.better(drawn, carried, np.array([0.5, 0.9, 0.7]), np.array([0.6, 0.95, 0.7]))
    assert [each.transformed for each in chosen] == [True, False, False]  # of the second none is to be added
    assert [each.synthetic_per_real for each in chosen] == [1.0, 0.0, 2.0]


def test_nothing_is_carried_twice_before_all_others_have_been():
    random = np.random.default_rng(0)
    samples = random.integers(0, 200, (30, 8, 8, 1), dtype=np.uint8)
    labels = np.arange(30) % 3
    session = Session(generators.build(labels=("a", "b", "c"), transforms=True), threads=1)
    made = Carried(session, samples, labels, seed=1).draw(np.full(50, 2))
    first = {sample.tobytes() for sample in made[:20]}
    assert len(first) == 20
    assert {sample.tobytes() for sample in made[20:40]} == first
    again = Carried(session, samples, labels, seed=1)
    again.draw(np.full(5, 2))
    assert np.array_equal(again.draw(np.full(50, 2)), made)


def test_a_finished_study_is_only_read(finished, bands, shared, monkeypatch):
    folder, outcome, _ = finished
    monkeypatch.setattr(fitting, "fit", lambda *arguments, **options: pytest.fail("trained again"))
    again = study(bands, shared, folder).run()[0]
    assert again.line == outcome.line
    assert again.recommendation == outcome.recommendation


def test_a_killed_study_does_the_rest_and_comes_to_the_same(finished, bands, shared, tmp_path):
    folder, outcome, _ = finished
    shutil.copytree(folder / "generators", tmp_path / "generators")
    shutil.copy(folder / "plan.json", tmp_path)
    lines = (folder / journal.NAME).read_bytes().splitlines(keepends=True)
    (tmp_path / journal.NAME).write_bytes(b"".join(lines[:-3]) + lines[-3][:20])
    told = []
    again = study(bands, shared, tmp_path, lambda *words: told.append(words)).run()[0]
    assert again.line == outcome.line
    redone = (tmp_path / journal.NAME).read_bytes().splitlines()[len(lines) - 2 :]
    assert {json.loads(line)["arm"] for line in redone} <= {json.loads(line)["arm"] for line in lines}
    assert told[-1][1] <= told[-1][2]


def test_progress_counts_the_cells_of_the_plan_alone(finished, bands, shared, tmp_path):
    folder, _, _ = finished
    shutil.copytree(folder / "generators", tmp_path / "generators")
    shutil.copy(folder / "plan.json", tmp_path)
    lines = (folder / journal.NAME).read_text().splitlines()
    others = [json.dumps(json.loads(line) | {"scenario": "another"}) for line in lines]
    (tmp_path / journal.NAME).write_text("\n".join([*others, *lines[:-1]]) + "\n")
    told = []
    study(bands, shared, tmp_path, lambda *words: told.append(words)).run()
    assert len(lines) - 1 >= told[0][1]  # the cell that is missing is told of when all others of the plan are counted
    assert told[0][1] <= told[0][2]


def test_a_folder_of_another_plan_is_refused(finished, bands, shared):
    with pytest.raises(ScenarioError, match=r"holds a study with other settings \(generator_steps 3, now 4\)"):
        study(bands, shared, finished[0], generator_steps=4)
    assert study(bands, shared, finished[0], repeats=3)  # more of the same is not another plan


def test_the_published_generator_is_another_question_with_the_same_baselines(finished, bands, shared, tmp_path):
    folder, outcome, _ = finished
    shutil.copytree(folder, tmp_path / "study")
    before = len((tmp_path / "study" / journal.NAME).read_bytes().splitlines())
    few = {"scenarios": (Scenario.parse("all"),), "selection": False}
    (of_published,) = study(bands, shared, tmp_path / "study", retrained=(False,), **few).run()
    added = (tmp_path / "study" / journal.NAME).read_bytes().splitlines()[before:]
    assert {json.loads(line)["arm"] for line in added} == {arms.RAW, arms.ONLY}
    assert all("published" in json.loads(line)["setting"] for line in added)
    (again,) = study(bands, shared, tmp_path / "study", **few).run()
    assert (of_published.line.real_samples, of_published.line.generator_samples) == (98, 98)
    assert again.line.baseline == of_published.line.baseline == outcome.line.baseline


def test_a_stream_repeats_no_sample_and_gives_a_trial_the_same_again(shared):
    stream = Stream(shared.session, 5, 1.0)
    labels = np.array([2, 0, 2, 2, 0])
    drawn = stream.draw(labels)
    assert len({sample.tobytes() for sample in drawn}) == 5
    assert np.array_equal(stream.draw(np.tile(labels, 60))[:5], drawn)  # it grew, from the same beginning
    assert np.array_equal(Stream(shared.session, 5, 1.0).draw(labels), drawn)


def test_of_every_block_of_candidates_the_favourite_is_drawn(shared):
    class Judge:
        """Is surest of the third candidate of each block of four."""

        def predict_proba(self, samples):
            return np.tile(np.eye(4)[2], len(samples) // 4)[:, None].repeat(3, 1)

    stream = Stream(shared.session, 5, 1.0)
    every = stream.draw(np.full(12, 1))
    assert np.array_equal(stream.draw(np.full(3, 1), 4, Judge()), every[2::4])
