"""A generator that is shown parts of real samples: warming up, and what a discriminator of packs says of samples."""

from __future__ import annotations

import numpy as np
import pytest
from lightning_fabric import Fabric

from tests.training import mixed
from training.config.presets import resolve
from training.gan.trainer import Trainer


def trainer(preset: str, **settings: object) -> Trainer:
    raw, labels = mixed.samples()
    small = {"width": 16, "latent_size": 16, "embedding_size": 4, "batch_size": 40, **settings}
    fabric = Fabric(accelerator="cpu", devices=1)
    return Trainer(fabric, resolve(preset, small), mixed.Mixed(raw), raw, labels, 2, seed=1)


def weights(network: object) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in network.parameters()])  # type: ignore[attr-defined]


def test_the_discriminator_waits_while_the_generator_warms_up() -> None:
    run = trainer("tabgan", warmup=0.5, passes=2)
    generator, discriminator = weights(run.generator), weights(run.discriminator)
    losses = run.step(0.0)
    run.check_finite(losses)
    assert float(losses.real_ahead) == 0.5
    assert not np.array_equal(generator, weights(run.generator))
    assert np.array_equal(discriminator, weights(run.discriminator))
    run.step(0.5)
    assert not np.array_equal(discriminator, weights(run.discriminator))


@pytest.mark.parametrize(("preset", "pack"), [("ctgan", 10), ("tabgan", 1)])
def test_every_sample_has_the_logit_of_its_pack(preset: str, pack: int) -> None:
    run = trainer(preset)
    run.step(0.9)
    raw, labels = mixed.samples(64)
    logits = run.logits(raw, labels)
    assert logits.shape == (64,)
    assert np.isfinite(logits).all()
    assert np.array_equal(logits, run.logits(raw, labels))
    assert np.array_equal(logits[:40].reshape(-1, pack), np.repeat(logits[:40:pack, None], pack, 1))
    assert len(np.unique(logits[:40])) > 40 // pack - 2


def test_one_slope_is_measured_of_samples_that_are_judged_together() -> None:
    losses = trainer("ctgan").step(0.0)
    assert np.isfinite(float(losses.penalty))
    assert float(losses.penalty) > 0
