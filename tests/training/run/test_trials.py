"""Trials of `auto`: they end, they are measured on the validation split, and what was tried is not tried again."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.training import mixed
from training.config import auto
from training.config.presets import AUTO, resolve
from training.data import Dataset
from training.data.splits import Splits, split
from training.fit import _chosen
from training.run import trials
from training.run.folder import Order, Run, RunError
from training.run.processes import Processes
from training.run.progress import bar

SMALL = {"width": 16, "latent_size": 16, "batch_size": 32, "passes": 2}


@pytest.fixture(scope="module")
def data() -> tuple[Dataset, Splits]:
    dataset = mixed.dataset()
    return dataset, split(dataset)


def order(folder: Path, **budget: float | int | None) -> Order:
    kept = {"budget_seconds": None, "steps": None, **budget}
    return Order(
        data="mixed", size=None, preset=AUTO, config=resolve(AUTO), seed=4, out=str(folder), name="mixed", **kept
    )


def tried(run: Run, data: tuple[Dataset, Splits], clock=lambda: 0.0) -> tuple[list[trials.CandidateScore], list[str]]:
    dataset, splits = data
    facts = auto.Facts(dataset.counts(splits.train), dataset.kind, False)
    candidates, _ = auto.candidates(facts, SMALL)
    told: list[str] = []
    return trials.run_all(
        run, candidates, Processes(), dataset, splits, clock, lambda name, share: told.append(name)
    ), told


def test_every_candidate_has_its_part_of_the_steps_and_a_score(tmp_path: Path, data: tuple[Dataset, Splits]) -> None:
    run = Run.start(tmp_path, order(tmp_path, steps=160))
    found, told = tried(run, data)
    assert [(trial.preset, trial.steps) for trial in found] == [("tabgan", 20), ("tvae", 20)]
    assert all(0 < trial.score <= 1 for trial in found)
    assert set(told) == {"tabgan", "tvae"}
    assert trials.left(found, run.order).steps == 120
    assert trials.in_words(run.order, found) == "20 steps (40 of 160 steps went into trials)"

    # The same again, from nothing; and from the journal without a step.
    again, _ = tried(Run.start(tmp_path, run.order), data)
    assert [(trial.preset, trial.score) for trial in again] == [(trial.preset, trial.score) for trial in found]
    resumed, told = tried(Run.resume(run.folder), data)
    assert resumed == found
    assert told == []


def test_a_stopped_run_tries_only_what_is_left(tmp_path: Path, data: tuple[Dataset, Splits]) -> None:
    run = Run.start(tmp_path, order(tmp_path, steps=16))
    with pytest.raises(RunError, match="stopped before the first one"):
        Run.resume(run.folder)
    (run.folder / "trials.json").write_text(json.dumps([{"preset": "tvae", "score": 0.5, "steps": 2, "seconds": 1.0}]))
    found, told = tried(Run.resume(run.folder), data)
    assert set(told) == {"tabgan"}
    assert [trial.preset for trial in found] == ["tabgan", "tvae"]
    assert found[1].score == 0.5


def test_a_budget_of_seconds_is_shared_out_by_the_clock(tmp_path: Path, data: tuple[Dataset, Splits]) -> None:
    now = iter(np.arange(0.0, 1000.0))
    run = Run.start(tmp_path, order(tmp_path, budget_seconds=40.0))
    found, _ = tried(run, data, lambda: float(next(now)))
    assert [(trial.steps, trial.seconds) for trial in found] == [(5, 5.0), (5, 5.0)]  # a second each
    assert trials.left(found, run.order).budget_seconds == 30
    assert trials.in_words(run.order, found) == "5 s (10 of 40 s went into trials)"


def test_an_order_is_decided_by_its_trials_and_says_so(tmp_path: Path, data: tuple[Dataset, Splits]) -> None:
    asked = order(tmp_path, steps=40).model_copy(update={"settings": SMALL})
    run = Run.start(tmp_path, asked)
    with bar(Console(file=io.StringIO())) as progress:
        decided = _chosen(run, *data, Processes(), progress)
    assert decided.preset in ("tabgan", "tvae")
    assert (decided.config.width, decided.steps) == (16, 30)
    assert decided.reasons[0].startswith(f"{decided.preset}: a classifier that learned from its samples alone has")
    assert "after a trial of 5 steps (10 of 40 steps went into trials); the others:" in decided.reasons[0]
    assert run.decide(decided) == Run.resume(run.folder).order
