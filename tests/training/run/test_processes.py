"""One run in two processes: started by torchrun as a user starts them, and in pairs in which something fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.distributed import TCPStore

from training.config.presets import resolve
from training.data import Dataset
from training.run.events import Events, Occasion
from training.run.folder import Order, Run
from training.run.processes import Processes

ROOT = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("two_processes.py")
PAIRS = Path(__file__).with_name("pairs.py")


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


def torchrun(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_two_processes_end_with_the_same_weights_and_only_the_first_one_writes(data: Path, tmp_path: Path) -> None:
    run = order(data, tmp_path)
    done = torchrun(SCRIPT, data, run.folder)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (json.loads((run.folder / f"rank-{rank}.json").read_text()) for rank in (0, 1))
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
    assert processes.agree([1.0, 2.0]) == ([1.0, 2.0], False)
    assert processes.agree([], stop=True) == ([], True)
    assert processes.speaks()
    processes.close()
    assert processes.agree_on("anything") == "anything"


@dataclass(frozen=True)
class Case:
    """Something happens to one of two processes; what they end with: statuses, and what they print together."""

    rank: int
    at: str
    how: str
    statuses: tuple[int, int]
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.how}, process {self.rank}, {self.at}"


FIRE = ("error: the disk is on fire",)
LOST = ("error: another process of this run has ended",)
STOPPED = ("stopped; nothing was published",)
GO_ON = ("go on with: torchrun --standalone --nproc-per-node 2 -m training fit --resume",)
CASES = [
    Case(2, "export", "nothing", (0, 0), ("published",)),
    Case(1, "data", "error", (2, 2), FIRE),
    Case(0, "judge", "error", (2, 2), FIRE),
    Case(0, "step", "error", (2, 2), FIRE),
    Case(1, "step", "error", (2, 2), FIRE),
    Case(0, "export", "error", (2, 0), FIRE),
    Case(0, "data", "kill", (-signal.SIGKILL, 2), LOST),
    Case(1, "step", "kill", (2, -signal.SIGKILL), LOST),
    Case(1, "step", "bug", (2, 1), ("ZeroDivisionError: nobody expects this",)),
    Case(0, "judge", "interrupt", (130, 130), STOPPED),
    Case(0, "step", "interrupt", (130, 130), STOPPED + GO_ON),
    Case(1, "step", "interrupt one", (130, 130), STOPPED + GO_ON),
    Case(0, "export", "interrupt one", (130, 0), STOPPED + GO_ON),
]


@pytest.fixture(scope="module")
def played(stripes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[Case, Path]:
    """The folder of each case, after all of them were run."""
    folder = tmp_path_factory.mktemp("pairs")
    np.savez(folder / "stripes.npz", images=stripes.samples, labels=stripes.labels)
    small = {"width": 4, "latent_size": 16, "embedding_size": 8, "batch_size": 16}
    settings = [word for name, value in small.items() for word in ("--set", f"{name}={value}")]
    stores, entries, folders = [], [], {}
    for number, case in enumerate(CASES):
        own = folders[case] = folder / str(number)
        own.mkdir()
        where = ["--runs", str(own / "runs"), "--out", str(own / "models"), "--steps", "6", "--force"]
        store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        stores.append(store)
        arguments = ["fit", str(folder / "stripes.npz"), "--preset", "rpgan", *where, *settings]
        entry = {"folder": str(own), "port": store.port, "rank": case.rank, "at": case.at, "how": case.how}
        entries.append({**entry, "arguments": arguments})
    (folder / "cases.json").write_text(json.dumps(entries))
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"}  # no threads before the forks
    subprocess.run([sys.executable, str(PAIRS), str(folder / "cases.json")], cwd=ROOT, env=environment, check=True)
    return folders


@pytest.mark.parametrize("case", CASES, ids=str)
def test_two_processes_end_together_whatever_happens_to_one(case: Case, played: dict[Case, Path]) -> None:
    folder = played[case]
    printed = [(folder / f"{rank}.txt").read_text() for rank in (0, 1)]
    both = "\n".join(printed)
    assert json.loads((folder / "statuses.json").read_text()) == list(case.statuses), both
    for words in case.words:
        assert both.count(words) == 1, both
    if case.how != "bug":
        assert "Traceback" not in both
        assert both.count("error:") == sum(words.startswith("error:") for words in case.words), both
    assert "terminate called" not in both
    assert (folder / "models").exists() == (case.how == "nothing")
