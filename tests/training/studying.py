"""Studies without a trained generator: a session that makes samples up, and what a study says on its way."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lightning_fabric import Fabric

from training.config.presets import resolve
from training.data import Dataset
from training.data.splits import split
from training.study import Plan, Scenario, Shared, Study
from training.study import generators as trained


class MadeUp:
    """A session: `make` gives the sample of a label and an address, so that the same address gives the same one."""

    def __init__(self, make: Callable[[int, int], np.ndarray]) -> None:
        self._make = make

    def run(self, rows) -> np.ndarray:
        pairs = zip(rows.label, rows.index, strict=True)
        return np.stack([self._make(int(label), int(index)) for label, index in pairs])


def study(
    dataset: Dataset, make: Callable[[int, int], np.ndarray], folder: Path, patch: pytest.MonkeyPatch, **changes
) -> tuple[Study, list[np.ndarray]]:
    """A study whose generators make samples up, and the positions that each of them was trained on."""
    learned_from: list[np.ndarray] = []

    def stand_in(self, scenario, replicate, real, arm):
        learned_from.append(real)
        return self.published

    patch.setattr(trained.Generators, "trained", stand_in)
    plan = Plan(**{"scenarios": (Scenario.parse("all"),), "repeats": 2, "seeds": 1, "generator_steps": 1, **changes})
    shared = Shared(MadeUp(make), samples=10_000, digest="d" * 64, scored=False)
    fabric = Fabric(accelerator="cpu", devices=1)
    args = (dataset, split(dataset), resolve("rpgan"), shared, fabric, folder, plan, lambda *words: None)
    return Study(*args), learned_from
