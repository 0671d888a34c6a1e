"""One service in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import grpc

from augmint.v1 import generator_pb2 as pb

SERVICE = "/augmint.v1.GeneratorService/"
GENERATE = SERVICE + "Generate"
# Flags of a service that notices a new file at once.
WATCH = ("--watch-seconds", "0.1")
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]


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
        text = urllib.request.urlopen(f"{self.metrics_url}?name[]={name}", timeout=60).read().decode()
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
