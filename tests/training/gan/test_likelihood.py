"""Training by likelihood: without an opponent, resumed exactly, and stopped before samples are known by heart."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from tests.training.choosing import COLUMNS, Plain, rows
from training.config.presets import resolve
from training.data.subset import Samples, Subset
from training.gan import held
from training.gan.losses import Diverged
from training.gan.trainer import Trainer
from training.run.snapshot import draw_samples

CPU = torch.device("cpu")


def trainer(count: int = 300, on_disk: bool = False, **overrides: object) -> Trainer:
    raw, labels = rows(count)
    samples: Samples = Subset(raw, np.arange(count)) if on_disk else raw
    config = resolve("argn", {"width": 16, "embedding_size": 8, "batch_size": 32, **overrides})
    fabric = Fabric(accelerator="cpu", devices=1)
    return Trainer(fabric, config, Plain.of(COLUMNS, raw), samples, labels, 2, seed=5)


def weights(module: nn.Module) -> np.ndarray:
    return np.concatenate([value.numpy().ravel() for value in module.state_dict().values()])


def advance(run: Trainer, start: int, stop: int, of: int = 60) -> None:
    for number in range(start, stop):
        run.check_finite(run.step(number / of))


def test_there_is_no_discriminator_and_nothing_is_said_of_one() -> None:
    run = trainer()
    advance(run, 0, 25)
    losses = run.step(0.5)
    assert run.discriminator is None
    assert not any("discriminator" in name for name in run.state_dict())
    assert float(losses.discriminator) == float(losses.penalty) == 0
    assert float(losses.generator) > 0
    assert np.isnan(run.logits(*rows(8))).all()
    assert run.samples_seen == 26 * 32


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_resumed_run_continues_the_same_run(on_disk: bool) -> None:
    whole, first, second = (trainer(on_disk=on_disk) for _ in range(3))
    advance(whole, 0, 32)
    advance(first, 0, 26)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert second.held_out_loss == first.held_out_loss
    advance(second, 26, 32)
    assert np.array_equal(weights(second.generator.module), weights(whole.generator.module))
    assert np.array_equal(weights(second.settle()), weights(whole.settle()))
    assert second.held_out_loss == whole.held_out_loss


def test_looking_at_samples_does_not_change_the_run() -> None:
    watched, unwatched = trainer(), trainer()
    for number in range(24):
        watched.step(number / 24)
        watched.settle()
        unwatched.step(number / 24)
    assert np.array_equal(weights(watched.settle()), weights(unwatched.settle()))
    assert watched.held_out_loss == unwatched.held_out_loss


def test_what_depends_on_the_class_is_learned() -> None:
    run = trainer(learning_rate=0.02, batch_size=64)
    advance(run, 0, 60)
    labels = np.repeat([0, 1], 200)
    made = draw_samples(run.settle(), run.kind, labels, 0, seed=1, device=CPU)
    assert (made[:, 1] == 7).all()
    for label in (0, 1):
        shapes = made[labels == label, 0]
        assert (shapes == label).mean() > 0.6  # 0.86 in the data
        assert abs(np.nanmean(made[labels == label, 3]) - (20 + 100 * label)) < 25


def test_of_samples_known_by_heart_the_average_from_before_is_kept() -> None:
    run = trainer(count=60, learning_rate=0.02, dropout=0.0, weight_decay=0.0, learning_rate_schedule="constant")
    advance(run, 0, 200)
    best, last = run.settle(), run.average.module
    assert run._best is not None
    assert run._best._loss(best) == run.held_out_loss
    assert run._best._loss(last) > 1.05 * run.held_out_loss


def test_a_class_of_one_sample_is_learned_from() -> None:
    labels = np.array([0] * 50 + [1] + [2] * 20)
    learned, compared = held.positions(labels)
    assert sorted([*learned, *compared]) == list(range(71))
    assert [int((labels[compared] == label).sum()) for label in range(3)] == [5, 0, 2]
    assert len(held.positions(np.zeros(10**6, np.int64))[1]) == held.MOST
    assert len(held.positions(np.arange(3))[1]) == 0


def test_without_held_out_samples_the_last_average_is_the_result() -> None:
    run = trainer(count=8)
    advance(run, 0, 25)
    assert run.held_out_loss is None
    assert run.settle() is run.average.module


def test_averages_are_compared_often_at_first_and_ever_more_rarely() -> None:
    steps = [step for step in range(10_000) if held.due(step)]
    assert steps[:4] == [20, 22, 25, 27]
    assert all(later / earlier < 1.16 for earlier, later in itertools.pairwise(steps))
    assert len(steps) < 70


def test_divergence_is_named() -> None:
    run = trainer()
    run.generator.module.middle.weight.data.fill_(float("nan"))
    losses = run.step(0.0)
    with pytest.raises(Diverged, match="the generator's loss is nan"):
        run.check_finite(losses)
