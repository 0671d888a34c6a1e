"""The loop: what is lost is found, named and left; what is killed goes on as if it had not been.

What networks come to in a few steps differs between processors. So what a look shows is played where something depends
on it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from rich.progress import Progress

from training.config.presets import resolve
from training.data import Dataset
from training.data.splits import split
from training.gan.losses import Diverged, Losses
from training.gan.trainer import Trainer
from training.judge.classifier import Classifier
from training.quality.findings.finding import FindingKind, Severity
from training.quality.findings.training import Look
from training.run import snapshot
from training.run.events import Events, Occasion
from training.run.folder import Order, Run
from training.run.loop import Interrupted, Loop
from training.run.processes import Processes

SMALL = {"width": 8, "latent_size": 16, "embedding_size": 8, "batch_size": 32}


class Bench:
    """Makes loops over one data set, in folders of their own."""

    def __init__(self, folder: Path, dataset: Dataset, judge: Classifier) -> None:
        self._folder, self._dataset, self._judge = folder, dataset, judge
        self.run: Run

    def order(self, steps: int, preset: str = "rpgan", retries: int = 3, **settings: Any) -> None:
        config = resolve(preset, {**SMALL, **settings})
        order = Order(
            data="stripes",
            size=None,
            preset=preset,
            config=config,
            seed=0,
            budget_seconds=None,
            steps=steps,
            retries=retries,
            out="models",
            name="stripes",
        )
        self.run = Run.start(self._folder, order)

    @classmethod
    def of(cls, folder: Path, other: Bench) -> Bench:
        """The run in another folder, with the same data."""
        bench = cls(folder.parent, other._dataset, other._judge)
        bench.run = Run.resume(folder)
        return bench

    def loop(self, resume: bool = False) -> Loop:
        progress = Progress(console=Console(quiet=True))
        loop = Loop(self.run, Processes(), self._dataset, split(self._dataset), self._judge, progress)
        if resume:
            loop.resume(self.run.load())
        return loop

    def events(self) -> list[tuple[Occasion, str]]:
        return [(event.kind, event.text) for event in Events(self.run.folder).read()]


@pytest.fixture
def bench(tmp_path: Path, stripes: Dataset, judge: Classifier) -> Bench:
    return Bench(tmp_path, stripes, judge)


def result(loop: Loop) -> dict[str, np.ndarray]:
    """All that a run ends with."""
    state = loop.trainer.state_dict()
    tensors = {
        f"{network}.{name}": value.numpy()
        for network in ("generator", "discriminator", "average")
        for name, value in state[network].items()
    }
    for optimizer in ("generator_optimizer", "discriminator_optimizer"):
        for number, values in state[optimizer]["state"].items():
            tensors.update({f"{optimizer}.{number}.{name}": value.numpy() for name, value in values.items()})
    return {**tensors, "settled": torch.cat([p.flatten() for p in loop.trainer.settle().parameters()]).numpy()}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


HEALTHY = {"class_fidelity": [1.0] * 3, "spread_ratio": [1.0] * 3, "kernel_distance": 0.1, "moved": 1.0}
HEALTHY |= {"ahead_train": 0.7, "ahead_held_out": 0.7}
COLLAPSED = {**HEALTHY, "spread_ratio": [0.1] * 3}


def show(monkeypatch: pytest.MonkeyPatch, shown: Callable[[Trainer], dict[str, Any]]) -> None:
    """Looks show what is passed, whatever the generator has come to."""
    take = snapshot.take

    def played(run: Run, trainer: Trainer, *rest: Any) -> Look | None:
        seen = take(run, trainer, *rest)
        return seen and dataclasses.replace(seen, **shown(trainer))

    monkeypatch.setattr(snapshot, "take", played)


class Killed(BaseException):
    """Nothing in the application expects it, as nothing expects SIGKILL."""


def kill_at(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends in the midst of the step that follows so many, the first time that it comes there."""
    step, left = Trainer.step, [1]

    def dying(self: Trainer, share: float) -> Losses:
        losses = step(self, share)
        if self.steps == steps - 1:
            monkeypatch.setattr("training.run.loop.CHECKPOINT_SECONDS", 0.0)
        if self.steps > steps and left:
            left.pop()
            raise Killed
        return losses

    monkeypatch.setattr(Trainer, "step", dying)


def test_collapse_is_recovered_from_without_a_person_and_a_kill_on_the_way_changes_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.run.snapshot_times.FEWEST_STEPS", 20)
    show(monkeypatch, lambda trainer: COLLAPSED if trainer.config.learning_rate > 0.0005 else HEALTHY)
    bench.order(100, learning_rate=0.001)
    whole, killed, step = bench.loop(), tmp_path / "killed", Trainer.step

    def watching(self: Trainer, share: float) -> Losses:
        if whole._attempt == 1 and self.steps in (36, 37):
            monkeypatch.setattr("training.run.loop.CHECKPOINT_SECONDS", 0.0 if self.steps == 36 else 1e9)
            if self.steps == 37:
                shutil.copytree(bench.run.folder, killed)
        return step(self, share)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "step", watching)
        whole.train()
    (restored,) = [text for kind, text in bench.events() if kind == Occasion.RESTORED]
    assert "Went back from step 60 to fresh weights with learning_rate 0.00025 instead of 0.001 (attempt 1" in restored
    assert [text for kind, text in bench.events() if kind == Occasion.FOUND and "have collapsed" in text]
    assert whole.trainer.steps == 100
    assert whole.config != bench.run.order.config
    assert not [finding for finding in whole.findings if finding.severity == Severity.FAILURE]
    assert [finding for finding in whole.findings if finding.severity == Severity.NOTE]

    # What a kill in the midst of the second attempt leaves behind
    resumed = Bench.of(killed, bench).loop(resume=True)
    assert (resumed._attempt, resumed.trainer.steps) == (1, 37)
    resumed.train()
    assert same(result(resumed), result(whole))
    assert resumed.findings == whole.findings


def test_a_discriminator_that_always_wins_is_found_overpowered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.run.snapshot_times.FEWEST_STEPS", 20)
    show(monkeypatch, lambda trainer: COLLAPSED)
    step = Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda *a: dataclasses.replace(step(*a), real_ahead=torch.tensor(0.995)))
    bench.order(60, retries=0)
    loop = bench.loop()
    loop.train()
    (finding,) = (finding for finding in loop.findings if finding.kind == FindingKind.OVERPOWERED_DISCRIMINATOR)
    assert finding.severity == Severity.FAILURE  # nothing has been learned from it
    assert "The discriminator nearly always wins" in finding.text
    assert [text for kind, text in bench.events() if kind == Occasion.FOUND]


@pytest.mark.parametrize(("preset", "steps", "at"), [("rpgan", 70, 53), ("cgan", 30, 7), ("progan", 24, 13)])
def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(
    preset: str, steps: int, at: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.order(steps, preset)
    whole = bench.loop()
    whole.train()
    bench.order(steps, preset)
    kill_at(at, monkeypatch)
    with pytest.raises(Killed):
        bench.loop().train()
    monkeypatch.undo()
    assert bench.run.load()["trainer"]["steps"] == at
    resumed = bench.loop(resume=True)
    resumed.train()
    assert same(result(resumed), result(whole))
    assert resumed.findings == whole.findings
    assert next(kind for kind, _ in bench.events()) == Occasion.RESUMED


def broken_at(
    steps: int, monkeypatch: pytest.MonkeyPatch, times: int = 99, then: Callable[[], None] | None = None
) -> None:
    """The generator's weights stop being numbers before the step that follows so many."""
    step, left = Trainer.step, [times]

    def breaking(self: Trainer, share: float) -> Losses:
        if self.steps == steps and left[0]:
            left[0] -= 1
            next(self.generator.parameters()).data.fill_(math.nan)
            if then:
                then()
        return step(self, share)

    monkeypatch.setattr(Trainer, "step", breaking)


def test_a_loss_that_is_not_a_number_sends_the_run_back_to_its_last_good_state(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.run.snapshot_times.FEWEST_STEPS", 20)
    show(monkeypatch, lambda trainer: HEALTHY)
    bench.order(60)
    broken_at(50, monkeypatch, times=1)
    loop = bench.loop()
    loop.train()
    texts = [text for kind, text in bench.events() if kind == Occasion.RESTORED]
    assert len(texts) == 1
    assert (
        "nan at step 60: the run has diverged. Went back from step 60 to step 40 with learning_rate 0.00025" in texts[0]
    )
    assert loop.trainer.steps == 60
    assert all(np.isfinite(value).all() for value in result(loop).values())
    assert any(
        finding.kind == FindingKind.DIVERGENCE and finding.severity == Severity.NOTE for finding in loop.findings
    )


@pytest.mark.parametrize("at", ["the end", "an interruption"])
def test_a_run_that_always_diverges_gives_up_after_three_attempts_and_saves_nothing_of_it(
    at: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.order(10 if at == "the end" else 100)
    interrupt = (lambda: signal.raise_signal(signal.SIGTERM)) if at == "an interruption" else None
    broken_at(9, monkeypatch, then=interrupt)
    with pytest.raises(Diverged if at == "the end" else Interrupted) as caught:
        bench.loop().train()
    kinds = [kind for kind, _ in bench.events()]
    if at == "the end":
        assert "nan at step 10: the run has diverged. After 3 attempts with other settings" in str(caught.value)
        assert kinds == [Occasion.RESTORED] * 3 + [Occasion.GAVE_UP]
        assert not bench.run.has_checkpoint
    else:  # what is saved is the state that the run went back to
        assert kinds == [Occasion.RESTORED, Occasion.INTERRUPTED]
        assert bench.run.load()["trainer"]["steps"] == 0


def test_without_retries_the_watchdog_only_tells(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.order(10, retries=0)
    broken_at(5, monkeypatch)
    with pytest.raises(Diverged, match="After 0 attempts"):
        bench.loop().train()
    assert [kind for kind, _ in bench.events()] == [Occasion.GAVE_UP]


def test_events_are_one_object_a_line(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.order(10, retries=0)
    broken_at(5, monkeypatch)
    with pytest.raises(Diverged):
        bench.loop().train()
    (line,) = (bench.run.folder / "events.jsonl").read_text().splitlines()
    event = json.loads(line)
    assert sorted(event) == ["findings", "kind", "step", "text", "time"]
    assert event["findings"][0]["kind"] == "divergence"
    assert event["findings"][0]["severity"] == "SEVERITY_FAILURE"


def test_steps_and_seconds_end_a_run_whichever_comes_first() -> None:
    order = Order(
        data="x",
        size=None,
        preset="rpgan",
        config=resolve("rpgan"),
        seed=0,
        budget_seconds=10,
        steps=100,
        out="m",
        name="x",
    )
    assert order.progress(50, 1) == 0.5
    assert order.progress(10, 7.5) == 0.75
    assert order.progress(100, 0) == order.progress(0, 11) == 1.0
