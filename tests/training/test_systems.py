"""Every preset on real digits: trained for a few steps, it resumes exactly, and its export equals what was trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from training.config.presets import PRESETS, resolve
from training.data import Dataset
from training.data.splits import Splits, split
from training.export import graph, parity
from training.gan.trainer import Trainer
from training.kinds import load

STEPS = 6
LATENT = 16


@pytest.fixture(scope="module")
def digits() -> tuple[Dataset, Splits]:
    dataset = load("digits")
    return dataset, split(dataset)


@pytest.fixture(scope="module")
def exported() -> set[str]:
    """Generators whose export was proven, as PyTorch prints them: many presets differ in their objective only."""
    return set()


def trainer(preset: str, digits: tuple[Dataset, Splits]) -> Trainer:
    dataset, splits = digits
    # A batch that is no multiple of 3, so that critic steps do not hide an offset in the draw.
    config = resolve(preset, {"latent_size": LATENT, "width": min(32, resolve(preset).width), "batch_size": 32})
    fabric = Fabric(accelerator="cpu", devices=1)
    return Trainer(
        fabric,
        config,
        dataset.kind,
        dataset.samples[splits.train],
        dataset.labels[splits.train],
        dataset.classes,
        seed=3,
    )


def weights(*modules: nn.Module) -> np.ndarray:
    return np.concatenate([value.detach().numpy().ravel() for m in modules for value in m.state_dict().values()])


@pytest.mark.parametrize("preset", [name for name in PRESETS if resolve(name).objective != "likelihood"])
def test_system_trains_resumes_and_exports(preset: str, digits: tuple[Dataset, Splits], exported: set[str]) -> None:
    whole = trainer(preset, digits)
    for number in range(STEPS):
        losses = whole.step(number / STEPS)
        if number == STEPS // 2 - 1:
            state = {key: _copied(value) for key, value in whole.state_dict().items()}
    whole.check_finite(losses)

    resumed = trainer(preset, digits)
    resumed.load_state_dict(state)
    for number in range(STEPS // 2, STEPS):
        resumed.step(number / STEPS)
    generator = whole.settle(batches=2)
    networks = (whole.generator.module, whole.discriminator.module, generator)
    resumed_networks = (resumed.generator.module, resumed.discriminator.module, resumed.settle(batches=2))
    assert np.array_equal(weights(*networks), weights(*resumed_networks))

    if repr(generator) not in exported:
        exported.add(repr(generator))
        model = graph.to_onnx(generator, digits[0].kind, LATENT, 10)
        parity.prove_parity(generator, model, digits[0].kind, LATENT, 10)  # also: no sample depends on its batch


def _copied(value: object) -> object:
    """A state as a file would hold it: optimisers change their tensors in place."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _copied(entry) for key, entry in value.items()}
    return [_copied(entry) for entry in value] if isinstance(value, list) else value
