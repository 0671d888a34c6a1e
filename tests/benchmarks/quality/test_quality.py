"""The comparison of presets: modes are counted as the literature counts them, and finished cells are kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.quality import __main__ as quality
from benchmarks.quality import modes
from training.config.presets import PRESETS


@pytest.mark.parametrize("shape", ["ring", "grid"])
def test_modes_are_25_apart_and_within_range(shape: str) -> None:
    centres = modes.centres(shape)
    assert centres.shape == (25, 2)
    assert np.abs(centres).max() <= 0.8 + 1e-9
    distance = np.linalg.norm(centres[:, None] - centres[None], axis=2) + 9 * np.eye(25)
    assert distance.min() > 6 * modes.DEVIATION  # no sample is near two


def test_samples_within_three_deviations_count_and_find_their_mode() -> None:
    centres = modes.centres("grid")
    assert modes.count(centres, "grid") == (25, 1.0)
    near, far = centres[:5] + np.array([0.029, 0]), centres[5:10] + np.array([0.031, 0])
    assert modes.count(np.concatenate([near, far]), "grid") == (5, 0.5)
    real = centres[3] + modes.DEVIATION * np.random.default_rng(0).standard_normal((10_000, 2))
    found, share = modes.count(real, "grid")
    assert found == 1
    assert share == pytest.approx(1 - np.exp(-4.5), abs=0.003)  # Rayleigh


@pytest.mark.parametrize("system", modes.SYSTEMS)
def test_systems_for_points_keep_their_objective(system: str) -> None:
    config, preset = modes.config_of(system), PRESETS[system].config
    assert (config.objective, config.optimizer, config.critic_steps) == (
        preset.objective,
        preset.optimizer,
        preset.critic_steps,
    )
    assert config.architecture == "mlp"


@pytest.fixture(autouse=True)
def _numbers_as_they_were():
    yield
    torch.set_flush_denormal(False)


def run(monkeypatch: pytest.MonkeyPatch, cells: Path, *arguments: str) -> None:
    words = ["quality", "--data", "--modes", "ring", "--seconds", "0.05", "--cells", str(cells), *arguments]
    monkeypatch.setattr(sys, "argv", words)
    quality.main()


def test_finished_cells_are_kept_and_changed_ones_measured_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = tmp_path / "cells.jsonl"
    run(monkeypatch, cells, "--presets", "vanilla")
    first = cells.read_text()
    assert json.loads(first)["steps"] >= 1
    with cells.open("a") as file:
        file.write('\n{"data": "ring", "pres')  # cut off while it was written
    capsys.readouterr()
    run(monkeypatch, cells, "--presets", "vanilla", "lsgan")
    lines = cells.read_text().splitlines()
    assert lines[0] == first.strip()
    printed = capsys.readouterr().out
    assert "2 of 2: lsgan on ring" in printed
    assert "1 of 2" not in printed
    assert "\n25 modes, ring" in printed
    assert [cell["preset"] for cell in quality.read(cells)] == ["vanilla", "lsgan"]
    run(monkeypatch, cells, "--presets", "vanilla", "--seed", "1")
    assert len(quality.read(cells)) == 3
