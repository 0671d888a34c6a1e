"""Learning to carry: what is learned, what stays as it is, and what a stop leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from tests.training import mixed
from training import networks
from training.config.presets import PresetError, prove, resolve
from training.data import Dataset
from training.data.splits import split
from training.judge.classifier import Classifier
from training.run.folder import Order, Run
from training.run.loop import Interrupted
from training.run.progress import Stages
from training.transform import learning
from training.transform.deviations import Deviations, coarse
from training.transform.teacher import Teacher

SMALL: dict[str, Any] = {"width": 8, "latent_size": 8, "batch_size": 16}


@pytest.fixture(scope="module")
def make(stripes: Dataset, judge: Classifier) -> Any:
    """New teachers of one generator, in the same state each time."""
    config, train = resolve("rpgan", SMALL), split(stripes).train
    torch.manual_seed(1)
    generator = networks.build(stripes.kind.form, 3, config)[0]
    generator(torch.randn(64, 8), torch.arange(64) % 3)
    generator.eval()

    def teacher() -> Teacher:
        given = stripes.samples[train], stripes.labels[train], 3, 0, judge.network(), None, torch.device("cpu")
        return Teacher(generator, config, stripes.kind, *given)

    return teacher


def run(folder: Path, steps: int) -> Run:
    order = Order(
        data="stripes",
        preset="rpgan",
        config=resolve("rpgan", SMALL),
        seed=0,
        budget_seconds=None,
        steps=2 * steps,
        transform=True,
        out=str(folder / "models"),
        name="stripes",
    )
    return Run.start(folder / "runs", order)


def test_samples_are_missed_by_less_and_the_generator_stays(make: Any) -> None:
    teacher = make()
    before = learning.digest(teacher.carrier.generator)
    losses = [teacher.step(step / 60) for step in range(60)]
    first, last = (
        [float(np.mean([float(getattr(each, name)) for each in some])) for name in ("form", "kept")]
        for some in (losses[:5], losses[-5:])
    )
    assert last[0] < first[0]
    assert last[1] < first[1]
    assert learning.digest(teacher.carrier.generator) == before
    assert all(parameter.grad is None for parameter in teacher.carrier.generator.parameters())


def test_a_stopped_run_goes_on_to_the_same_weights(make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = learning.learn(run(tmp_path / "whole", 8), make(), Stages(Console(quiet=True)))
    parted, stopped = run(tmp_path / "parted", 8), make()
    step = stopped.step

    def stop_at_3(share: float) -> Any:
        if stopped.steps == 2:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGINT)
        return step(share)

    monkeypatch.setattr(stopped, "step", stop_at_3)
    with pytest.raises(Interrupted):
        learning.learn(parted, stopped, Stages(Console(quiet=True)))
    assert parted.load(learning.CHECKPOINT)["teacher"]["steps"] == 3
    resumed = learning.learn(parted, make(), Stages(Console(quiet=True)))
    assert learning.digest(resumed.encoder) == learning.digest(whole.encoder)


def test_what_another_generator_has_left_is_not_taken(make: Any, tmp_path: Path) -> None:
    folder = run(tmp_path, 2)
    learning.learn(folder, make(), Stages(Console(quiet=True)))
    other = make()
    state = folder.load(learning.CHECKPOINT)
    folder.save(state | {"generator": "another"}, learning.CHECKPOINT)
    learning.learn(folder, other, Stages(Console(quiet=True)))
    assert other.steps == 2  # learned from the beginning


def test_a_generator_without_a_latent_is_refused_with_those_that_have_one() -> None:
    raw, _ = mixed.samples(64)
    likelihood = resolve("argn")

    class Tokens(mixed.Mixed):
        tokens = type("T", (), {"sizes": [2, 2]})()

    with pytest.raises(PresetError, match=r"no latent .* that have one: tabgan, tvae$"):
        prove(likelihood, Tokens(raw), transform=True)
    prove(likelihood, Tokens(raw))


def test_deviations_are_kept_by_the_sample_and_lost_by_another() -> None:
    random = torch.Generator().manual_seed(0)
    label = torch.arange(200) % 2
    sample = torch.rand(200, 1, 8, 8, generator=random) * (1 + label[:, None, None, None])
    deviations = Deviations([(sample[:100], label[:100]), (sample[100:], label[100:])], 2, torch.device("cpu"))
    assert float(deviations.lost(sample, label, sample, label)) == pytest.approx(0, abs=1e-9)
    other = sample[torch.randperm(100, generator=random).repeat_interleave(2) * 2 + label]
    assert float(deviations.lost(sample, label, other, label)) == pytest.approx(2, abs=0.3)
    # In units of each class: twice as far from its mean is as far in a class that varies twice as much
    doubled = sample[::2] * 2
    assert float(deviations.lost(sample[::2], label[::2], doubled, label[1::2])) < 0.4


def test_means_over_neighbours_are_coarse_to_fine() -> None:
    assert [each.shape[1] for each in coarse(torch.zeros(2, 3, 8, 8))] == [3, 12, 48, 192]
    assert [each.shape[1] for each in coarse(torch.zeros(2, 1, 16))] == [1, 2, 4, 8]
    assert [each.shape[1] for each in coarse(torch.zeros(2, 5))] == [5]
