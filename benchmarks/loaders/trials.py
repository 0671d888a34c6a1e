"""The same bytes in the same order, whatever happens: random trials of `SyntheticStream` that kill processes.

Each trial draws a number of ranks and of workers, lets them read from a replica, adds a second replica, kills the first
one with -9, kills all ranks with -9 at a random step, resumes from the last state that all of them had saved with other
numbers of ranks and workers, and compares every sample with what the file alone gives in bare ONNX Runtime. The two
kills come in random order.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from augmint import Client
from augmint.torch import SyntheticStream
from service import artifact
from tests.generators import publish

SEED = 7
GLOBAL_BATCH = 24  # divides among 1, 2 and 3 ranks
STEPS = 50
LENGTH = GLOBAL_BATCH * STEPS
RANKS = (1, 2, 3)
WORKERS = (0, 1, 2, 4)
# Long enough to sit out a pause of the whole trial.
DEADLINE_S = 1800.0
# Fork, because importing PyTorch in every reader would be most of the work; this process itself never opens a channel.
FORK = multiprocessing.get_context("fork")


def run(trials: int, seed: int) -> tuple[int, int]:
    """Print a line per trial; the number of samples and of those that differed."""
    draw = random.Random(seed)
    differences = samples = 0
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        publish(models, "tiny")
        reference = FORK.Process(target=_reference, args=(models,))
        reference.start()
        reference.join()
        wanted = (models / "reference").read_text().split()
        replica = Replica(models)
        try:
            replica.wait()
            for number in range(1, trials + 1):
                began = time.monotonic()
                scratch = Path(folder) / str(number)
                scratch.mkdir()
                trial = Trial(draw, replica, Replica(models), scratch)
                try:
                    got = trial.run()
                finally:
                    replica = trial.added
                    trial.end()
                wrong = sum(a != b for a, b in zip(got, wanted, strict=False)) + abs(len(got) - len(wanted))
                differences += wrong
                samples += len(got)
                print(f"{number:4} {trial.story}: {wrong} differences, {time.monotonic() - began:.1f} s", flush=True)
        finally:
            replica.kill()
    return samples, differences


class Replica:
    """A service in a process of its own, on a port that is known before it listens."""

    def __init__(self, models: Path) -> None:
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            port = chosen.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        command = [sys.executable, "-m", "service", "--models", str(models), "--port", str(port), "--metrics-port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self._ready = False

    def ready(self) -> bool:
        """Whether it has said so."""
        assert self.process.stdout is not None
        self._ready = self._ready or "grpc=" in (self.process.stdout.readline() or "")
        return self._ready

    def wait(self) -> None:
        end = time.monotonic() + DEADLINE_S
        while not self.ready():
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit("a service did not start")
            time.sleep(0.01)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


class Trial:
    """One random course of events."""

    def __init__(self, draw: random.Random, first: Replica, added: Replica, scratch: Path) -> None:
        self._first, self.added = first, added
        self._scratch = scratch
        self._target = f"ipv4:{first.address},{added.address}"
        self._shapes = [(draw.choice(RANKS), draw.choice(WORKERS)) for _ in range(2)]
        self._replica_dies = draw.randint(2, STEPS * 3 // 4)
        self._readers_die = draw.randint(2, STEPS * 3 // 4)
        self._died: list[str] = []
        self._readers: list[Any] = []

    @property
    def story(self) -> str:
        """What happened, in a few words."""
        shapes = " then ".join(f"{ranks} ranks x {workers} workers" for ranks, workers in self._shapes)
        return f"{shapes}; killed {', '.join(self._died)}"

    def run(self) -> list[str]:
        """Digests of all samples in global order, as the readers got them."""
        self._start(0, None)
        before: list[list[dict[str, Any]]] = []
        end = time.monotonic() + DEADLINE_S
        while any(reader.is_alive() for reader in self._readers):
            if time.monotonic() > end:
                raise SystemExit(f"a trial did not end within {DEADLINE_S:.0f} s: {self.story}")
            step = self._step(before)
            if "replica" not in " ".join(self._died) and step >= self._replica_dies and self.added.ready():
                self._first.kill()
                self._died.append(f"a replica at step {step}")
                (self._scratch / "go").touch()
            if not before and step >= self._readers_die:
                self._kill_readers()
                self._died.append(f"the readers at step {step}")
                before = self._records(0)
                common = min(len(lines) for lines in before)
                before = [lines[:common] for lines in before]
                self._start(1, before[0][-1]["state"] if common else None)
            time.sleep(0.01)
        failed = [reader.exitcode for reader in self._readers if reader.exitcode]
        if failed or len(self._died) < 2:
            errors = (self._scratch / "errors").read_text()[-2000:]
            raise SystemExit(f"a reader failed or nothing was killed: {self.story}, exit status {failed}\n{errors}")
        return [*_in_order(before), *_in_order(self._records(1))]

    def end(self) -> None:
        """Stop whatever is left, save the added replica."""
        self._kill_readers()
        self._first.kill()

    def _start(self, phase: int, state: dict[str, Any] | None) -> None:
        ranks, workers = self._shapes[phase]
        self._readers = [
            FORK.Process(target=_read, args=(self._target, rank, ranks, workers, state, self._path(phase, rank)))
            for rank in range(ranks)
        ]
        for reader in self._readers:
            reader.start()

    def _kill_readers(self) -> None:
        for reader in self._readers:
            reader.kill()
        for reader in self._readers:
            reader.join(30)

    def _path(self, phase: int, rank: int) -> Path:
        return self._scratch / f"{phase}-{rank}"

    def _records(self, phase: int) -> list[list[dict[str, Any]]]:
        """What each rank wrote, step by step; a line that was cut off by the kill does not count."""
        found = []
        for rank in range(self._shapes[phase][0]):
            path = self._path(phase, rank)
            text = path.read_text() if path.exists() else ""
            found.append([json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()])
        return found

    def _step(self, before: list[list[dict[str, Any]]]) -> int:
        path = self._path(1 if before else 0, 0)
        lines = path.read_bytes().count(b"\n") if path.exists() else 0
        return lines + (len(before[0]) if before else 0)


def _in_order(ranks: list[list[dict[str, Any]]]) -> list[str]:
    return [digest for step in zip(*ranks, strict=True) for record in step for digest in record["samples"]]


def _read(target: str, rank: int, ranks: int, workers: int, state: dict[str, Any] | None, path: Path) -> None:
    """One rank's training loop: its steps are writing down what it was given, and its state."""
    # Workers whose rank is killed complain, which is not the trial's result.
    os.dup2(os.open(path.parent / "errors", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    stream = SyntheticStream(
        Client(target, timeout=DEADLINE_S),
        batch_size=GLOBAL_BATCH // ranks,
        length=LENGTH,
        seed=SEED,
        transform=None,
        rank=rank,
        world_size=ranks,
    )
    if state is not None:
        stream.load_state_dict(state)
    go = path.parent / "go"
    options = {"multiprocessing_context": FORK} if workers else {}
    loader = stream.loader(workers, **options)
    with path.open("w") as file:
        for images, labels in loader:
            digests = [_digest(image.numpy(), label) for image, label in zip(images, labels.tolist(), strict=True)]
            file.write(json.dumps({"state": loader.state_dict(), "samples": digests}) + "\n")
            file.flush()
            # Slowly, so that replicas come and go in the middle; the last part only when that has happened.
            end = time.monotonic() + DEADLINE_S
            late = stream.position > LENGTH * 4 // 5
            time.sleep(0 if go.exists() else 0.03)
            while late and not go.exists() and time.monotonic() < end:
                time.sleep(0.01)
    stream.close()


def _digest(image: np.ndarray, label: int) -> str:
    return hashlib.sha256(image.tobytes() + bytes([label])).hexdigest()[:32]


def _reference(models: Path) -> None:
    """Digests of all samples in order, from the file alone; in a process of its own, for ONNX Runtime has threads."""
    from service.runtime.session import Session

    content = next(models.glob(f"*/*/{artifact.FILE_NAME}")).read_bytes()
    where = np.arange(LENGTH, dtype=np.uint64)
    labels = (where % 10).astype(np.int64)
    ones = np.ones(LENGTH, np.float32)
    made = Session(content).run(artifact.Rows(np.full(LENGTH, artifact.mix_seed(SEED), np.uint64), where, labels, ones))
    digests = [_digest(image.transpose(2, 0, 1), label) for image, label in zip(made, labels.tolist(), strict=True)]
    (models / "reference").write_text("\n".join(digests))
