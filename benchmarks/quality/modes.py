"""Mixtures of 25 normal distributions in the plane: which systems find all of them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch

from benchmarks.quality.cells import new_trainer, train
from training.config.config import Config
from training.config.presets import resolve
from training.data.kind import Kind

# Mixtures of 25 normal distributions in the plane, as the literature has them (Srivastava et al. 2017, VEEGAN; Lin et
# al. 2018, PacGAN: a grid of spacing 2 with deviation 0.05), scaled into [-1, 1].
SHAPES = ["ring", "grid"]
MODES = 25
DEVIATION = 0.01
SAMPLES = 100_000
DRAWN = 2_500  # as in PacGAN
# Deviations from its mode within which a sample is of high quality; a mode is found if it has one such sample.
REACH = 3.0

# One small pair of perceptrons for all, without norms, so that objectives and what bounds them are compared. Systems
# that differ in something else (classes, convolutions, resolutions) are left out, and so is the autoencoder, whose
# likelihood is not one of coordinates.
SYSTEMS = ("rpgan", "vanilla", "lsgan", "wgan", "wgan-gp", "sngan")
SETTINGS: dict[str, Any] = {
    "architecture": "mlp",
    "width": 32,
    "latent_size": 16,
    "embedding_size": 1,
    "generator_norm": "none",
    "discriminator_norm": "none",
    "discriminator_conditioning": "none",
    "minibatch_deviation": False,
    "dropout": 0.0,
    "augmentation": 0.0,
    "output": "linear",
    "batch_size": 256,
}
# The weight of R1 and R2 is scaled by a sample's elements, of which a point has 2.
GAMMA = 0.1 * 32**2 / 2


class Points:
    """Points of the plane, as far as training asks for a kind: raw samples are the form itself, float32 [n, 2]."""

    form = (2,)
    augmentation = None
    blocks = ()
    tokens = None

    def head(self) -> None:
        return None

    def encode(self, raw: torch.Tensor) -> torch.Tensor:
        return raw


def centres(shape: str) -> np.ndarray:
    """The modes of a mixture: float64 [25, 2] in [-0.8, 0.8]."""
    if shape == "grid":
        line = np.linspace(-0.8, 0.8, 5)
        return np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    angle = 2 * np.pi * np.arange(MODES) / MODES
    return 0.8 * np.stack([np.cos(angle), np.sin(angle)], 1)


def count(points: np.ndarray, shape: str) -> tuple[int, float]:
    """Modes found and the share of samples of high quality. points: float [n, 2]."""
    distance = np.linalg.norm(points[:, None] - centres(shape)[None], axis=2)
    nearest = distance.argmin(1)
    good = distance.min(1) <= REACH * DEVIATION
    return len(set(nearest[good].tolist())), float(good.mean())


def cell(shape: str, config: Config, seconds: float, seed: int, quick: bool = False) -> dict[str, Any]:
    """One system on one mixture: how far it came, modes found, and the share of samples of high quality."""
    random = np.random.default_rng(seed)
    points = centres(shape)[random.integers(MODES, size=SAMPLES)]
    points = (points + DEVIATION * random.standard_normal(points.shape)).astype(np.float32)
    trainer = new_trainer(config, cast(Kind, Points()), points, np.zeros(len(points), np.int64), 1, seed)
    result = train(trainer, seconds)
    generator = trainer.settle()
    latent = torch.randn(DRAWN, config.latent_size, generator=torch.Generator().manual_seed(seed))
    made = generator(latent, torch.zeros(DRAWN, dtype=torch.int64)).flatten(1).numpy()
    found, share = count(made, shape)
    return {**result, "modes": found, "high_quality": share}


def config_of(preset: str) -> Config:
    """A preset's objective and optimiser on the networks for points."""
    gamma = {"gamma": GAMMA} if resolve(preset).gamma else {}
    return resolve(preset, {**SETTINGS, **gamma})


def row(result: dict[str, Any]) -> dict[str, Any]:
    """What is shown of a cell."""
    if "failure" in result:
        return {"system": result["preset"], "findings": result["failure"]}
    share = 100 * result["high_quality"]
    return {
        "system": result["preset"],
        "modes of 25": result["modes"],
        "high-quality, %": share,
        "steps": result["steps"],
    }
