"""Every preset: trained for a few steps, it resumes exactly, and its export equals what was trained."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from tests.training import mixed
from tests.training.kinds.music.made import arpeggios
from training.config.presets import PRESETS, resolve
from training.data.kind import Kind
from training.data.splits import split
from training.export import graph, parity
from training.gan.trainer import Trainer
from training.kinds import load

STEPS = 6
LATENT = 16


class Data(NamedTuple):
    """samples: raw, of the kind, [n, *shape]; labels: int64 [n]."""

    kind: Kind
    samples: np.ndarray
    labels: np.ndarray
    classes: int


@pytest.fixture(scope="module")
def data() -> dict[str, Data]:
    digits = load("digits")
    train = split(digits).train
    raw, labels = mixed.samples()
    return {
        "digits": Data(digits.kind, digits.samples[train], digits.labels[train], 10),
        "mixed": Data(mixed.Mixed(raw), raw, labels, 2),
        "music": Data(*arpeggios(), 2),
    }


# Real digits; choices and values for what is made for them, and for all that takes any form; music for its own.
_OF_OTHERS = ("blocks", "autoregressive", "recurrent", "segments", "wave")
SYSTEMS = [(name, "digits") for name in PRESETS if resolve(name).architecture not in _OF_OTHERS]
SYSTEMS += [(name, "mixed") for name in PRESETS if resolve(name).architecture in ("blocks", "mlp")]
SYSTEMS += [(name, "music") for name in ("musegan", "vae")]


@pytest.fixture(scope="module")
def exported() -> set[str]:
    """Generators whose export was proven, as PyTorch prints them: many presets differ in their objective only."""
    return set()


def trainer(preset: str, data: Data) -> Trainer:
    # A batch that is no multiple of 3, so that critic steps do not hide an offset in the draw.
    settings = {"latent_size": LATENT, "width": min(32, resolve(preset).width), "batch_size": 8 * resolve(preset).pack}
    config = resolve(preset, {**settings, "batch_size": max(32, settings["batch_size"])})
    return Trainer(Fabric(accelerator="cpu", devices=1), config, data.kind, *data[1:], seed=3)


def weights(*modules: nn.Module) -> np.ndarray:
    return np.concatenate([value.detach().numpy().ravel() for m in modules for value in m.state_dict().values()])


@pytest.mark.parametrize(("preset", "name"), SYSTEMS)
def test_system_trains_resumes_and_exports(preset: str, name: str, data: dict[str, Data], exported: set[str]) -> None:
    used = data[name]
    whole = trainer(preset, used)
    for number in range(STEPS):
        losses = whole.step(number / STEPS)
        if number == STEPS // 2 - 1:
            state = {key: _copied(value) for key, value in whole.state_dict().items()}
    whole.check_finite(losses)

    resumed = trainer(preset, used)
    resumed.load_state_dict(state)
    for number in range(STEPS // 2, STEPS):
        resumed.step(number / STEPS)
    generator = whole.settle(batches=2)
    networks = (whole.generator.module, whole.discriminator.module, generator)
    resumed_networks = (resumed.generator.module, resumed.discriminator.module, resumed.settle(batches=2))
    assert np.array_equal(weights(*networks), weights(*resumed_networks))

    if repr(generator) not in exported:
        exported.add(repr(generator))
        model = graph.to_onnx(generator, used.kind, LATENT, used.classes)
        parity.prove_parity(generator, model, used.kind, LATENT, used.classes)  # also: no sample depends on its batch


def _copied(value: object) -> object:
    """A state as a file would hold it: optimisers change their tensors in place."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _copied(entry) for key, entry in value.items()}
    return [_copied(entry) for entry in value] if isinstance(value, list) else value
