"""Runs of a few steps, published whatever they have reached."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from training import fit as whole
from training.config.presets import resolve
from training.data import Dataset
from training.judge import fitting
from training.run.folder import Order, Run


def published(
    folder: Path,
    data: Dataset | Path,
    preset: str,
    settings: dict[str, Any],
    *,
    name: str,
    steps: int = 20,
    judge_steps: int = 20,
    **order: Any,
) -> tuple[Path, Run]:
    """(model.onnx below folder/models, the run). data: already read, or where it lies. judge_steps: of classifiers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "default_steps", lambda samples: judge_steps)
        if isinstance(data, Dataset):
            patch.setattr(whole, "load", lambda *arguments, **options: data)
        asked = Order(
            data=str(data) if isinstance(data, Path) else data.name,
            preset=preset,
            config=resolve(preset, settings),
            seed=0,
            budget_seconds=None,
            steps=steps,
            retries=0,
            out=str(folder / "models"),
            name=name,
            **order,
        )
        run = Run.start(folder / "runs", asked)
        path = whole.fit(run, Console(file=io.StringIO()), force=True)
    assert path is not None
    return path, run
