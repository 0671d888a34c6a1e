"""One run in two processes, started by torchrun as a user starts them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data import Dataset
from training.events import Events, Occasion
from training.presets import resolve
from training.processes import Processes
from training.run import Order, Run

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("two_processes.py")


@pytest.fixture
def data(stripes: Dataset, tmp_path: Path) -> Path:
    path = tmp_path / "stripes.npz"
    np.savez(path, images=stripes.samples, labels=stripes.labels)
    return path


def order(data: Path, tmp_path: Path, **settings: Any) -> Run:
    config = resolve("progan", {"width": 4, "latent_size": 16, "embedding_size": 8, "batch_size": 16, **settings})
    order = Order(
        data=str(data),
        size=None,
        preset="progan",
        config=config,
        seed=0,
        budget_seconds=None,
        steps=12,
        out=str(tmp_path / "models"),
        name="stripes",
    )
    return Run.start(tmp_path / "runs", order)


def torchrun(data: Path, run: Run) -> list[dict[str, Any]]:
    """What both processes say at the end."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, str(SCRIPT), str(data), str(run.folder)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((run.folder / f"rank-{rank}.json").read_text()) for rank in (0, 1)]


def test_two_processes_end_with_the_same_weights_and_only_the_first_one_writes(data: Path, tmp_path: Path) -> None:
    run = order(data, tmp_path)
    first, second = torchrun(data, run)
    assert first["count"] == second["count"] == 2
    assert first["digest"] == second["digest"]
    assert first["steps"] == second["steps"] == 12
    assert first["seen"] == 12 * 16 * 2
    sheets = [path.name for path in (run.folder / "samples").iterdir()]
    assert sheets == ["step-0000012.png"]
    assert run.load()["trainer"]["steps"] == 12
    assert [event.kind for event in Events(run.folder).read() if event.kind == Occasion.RESTORED] == []


def test_one_process_agrees_with_itself() -> None:
    processes = Processes()
    assert (processes.count, processes.first, processes.command) == (1, True, "python -m")
    assert processes.agree([1.0, 2.0]) == [1.0, 2.0]
    assert processes.agree_on("anything") == "anything"
