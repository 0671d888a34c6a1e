"""Training by processor time, and nothing else: what cells of the comparison begin with."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from lightning_fabric import Fabric

from training.config.config import Config
from training.data.kind import Kind
from training.gan.trainer import Trainer

LOOK = 50  # steps between looks at whether the losses are finite


def train(trainer: Trainer, seconds: float) -> dict[str, Any]:
    """Train for `seconds` of processor time; returns how far it came. Raises Diverged."""
    began, share = time.process_time(), 0.0
    while share < 1:
        losses = trainer.step(share)
        share = (time.process_time() - began) / seconds
        if share >= 1 or trainer.steps % LOOK == 0:
            trainer.check_finite(losses)
    return {"steps": trainer.steps, "trained_per_second": trainer.samples_seen / (time.process_time() - began)}


def new_trainer(
    config: Config, kind: Kind, samples: np.ndarray, labels: np.ndarray, classes: int, seed: int
) -> Trainer:
    return Trainer(Fabric(accelerator="cpu", devices=1), config, kind, samples, labels, classes, seed)
