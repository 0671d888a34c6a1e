"""One service in a process of its own, and readers that check every answer: for the runs under faults."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import grpc
import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.session import Session

SERVICE = "/augmint.v1.GeneratorService/"
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
WAIT_SECONDS = 120.0


class Replica:
    """`python -m service` on loopback."""

    def __init__(
        self, models: str, *flags: str, port: int = 0, program: Sequence[str] = (sys.executable, "-m", "service")
    ) -> None:
        """Start, and wait until it is ready. program: what runs it."""
        self._command = [*program, "--models", models, "--metrics-port", "0", "--log-level", "error", *flags]
        self.port = port
        self.start()

    def start(self) -> None:
        """Start again, on the same port."""
        self.process = subprocess.Popen(
            [*self._command, "--port", str(self.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("AUGMINT_")},
        )
        assert self.process.stdout is not None
        facts = dict(part.split("=", 1) for part in self.process.stdout.readline().split()[1:])
        if not facts:
            sys.exit(f"error: the service did not start: {' '.join(self._command)}")
        self.target, self.metrics_url = facts["grpc"], facts["metrics"]
        self.port = int(self.target.rpartition(":")[2])

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def channel(self) -> grpc.Channel:
        """A connection of its own."""
        return grpc.insecure_channel(self.target, OPTIONS)

    def metric(self, name: str, labels: str = "") -> float:
        """Sum of a metric's series that contain `labels`."""
        text = urllib.request.urlopen(self.metrics_url, timeout=60).read().decode()
        lines = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{")) and labels in line]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def resident(self) -> float:
        """MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def descriptors(self) -> int:
        """Open files and sockets."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def statuses(self) -> list[pb.GeneratorStatus]:
        """What ListGenerators says."""
        with self.channel() as channel:
            raw = channel.unary_unary(SERVICE + "ListGenerators")(b"", timeout=60)
        return list(pb.ListGeneratorsResponse.FromString(raw).generators)

    def __enter__(self) -> Replica:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class Truth:
    """What the files themselves give, by ONNX Runtime alone."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self._sessions: dict[str, Session] = {}

    def add(self, content: bytes) -> str:
        """Know one more file; returns its digest."""
        digest = artifact.digest(content)
        self._contents[digest] = content
        return digest

    def samples(self, digest: str, seed: int, start: int, classes: Sequence[int]) -> bytes:
        """The bytes of samples that follow `start`, truncation 1."""
        n = len(classes)
        columns = (np.full(n, artifact.mix_seed(seed)), np.arange(start, start + n), np.array(classes), np.ones(n))
        kinds = artifact.INPUTS.values()
        rows = artifact.Rows(*(column.astype(kind) for column, kind in zip(columns, kinds, strict=True)))
        if digest not in self._sessions:
            self._sessions[digest] = Session(self._contents[digest])
        return self._sessions[digest].run(rows).tobytes()

    def holds(self, response: pb.GenerateResponse) -> bool:
        """Whether a response is wholly what the file that it names gives."""
        if response.digest not in self._contents:
            return False
        wanted = self.samples(response.digest, response.seed, response.start_index, response.class_indices)
        return response.data == wanted


class Readers:
    """Threads that call again and again, while the block lasts."""

    def __init__(self, count: int, call: Callable[[int], object], pause: float = 0.0) -> None:
        """call: with the thread's number; an exception is a failure. pause: seconds between calls."""
        self.times: list[float] = []
        self.failures: list[str] = []
        self._call = call
        self._pause = pause
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(number,)) for number in range(count)]

    def _read(self, number: int) -> None:
        while not self._done.wait(self._pause):
            start = time.perf_counter()
            try:
                self._call(number)
            except Exception as error:  # counted, whatever it is
                self.failures.append(" ".join(f"{type(error).__name__}: {error}".split())[:200])
            self.times.append(time.perf_counter() - start)

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def quantile(self, share: float) -> float:
        """Of the seconds that calls took."""
        return float(np.quantile(self.times, share)) if self.times else float("nan")


def until(holds: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Wait for something to become true; ends the program if it does not."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"error: waited {seconds:g} s in vain until {what}")
        time.sleep(0.02)
