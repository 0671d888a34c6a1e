"""A running server that is not ours, or ours, and its readers."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import processes
from benchmarks.peers.environment import PeerError, last_line
from benchmarks.serving.readers import Readers

START_SECONDS = 120


class Server:
    """A running server, its whole family of processes, and its readers."""

    def __init__(self, title: str, command: list[str], port: int, protocol: str, log: Path) -> None:
        """Start it and wait until it listens.

        Raises PeerError if it ends or does not listen in time.
        """
        self.title = title
        started = time.perf_counter()
        # A short name: Ray makes sockets in it, whose paths may have no more than 107 bytes.
        self._scratch = tempfile.TemporaryDirectory(prefix="peer-", ignore_cleanup_errors=True)
        with log.open("w") as file:
            self.family = processes.Family(command, file, Path(self._scratch.name))
        try:
            while not listens(port):
                if not self.family.alive():
                    raise PeerError(f"does not start: {last_line(log.read_text())}")
                if time.perf_counter() > started + START_SECONDS:
                    raise PeerError(f"does not listen within {START_SECONDS} s: {last_line(log.read_text())}")
                time.sleep(0.05)
            self.readers = Readers(f"127.0.0.1:{port}", protocol)
        except BaseException:
            self._end()
            raise

    def ask(self, line: str) -> dict[str, float]:
        """As `Readers.ask`, with the seconds of CPU time that the server took meanwhile.

        Raises PeerError if the readers got no samples.
        """
        before = self.family.cpu_seconds()
        try:
            answer = self.readers.ask(line)
        except EOFError as error:
            raise PeerError(f"fails under `{line}`: {error}") from error
        return answer | {"server_cpu": self.family.cpu_seconds() - before}

    def stop(self) -> None:
        self.readers.stop()
        self._end()

    def _end(self) -> None:
        self.family.stop()
        self._scratch.cleanup()


@contextmanager
def running(title: str, command: list[str], port: int, protocol: str, log: Path) -> Iterator[Server]:
    server = Server(title, command, port, protocol, log)
    try:
        yield server
    finally:
        server.stop()


def listens(port: int) -> bool:
    """Whether a server does, on loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
