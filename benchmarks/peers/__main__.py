"""How does the service stand beside what a team would use instead?

    python -m benchmarks.peers [NAME ...] [--models DIR --generator NAME] [--rounds N] [--seconds S] [--keep FILE]
    python -m benchmarks.peers --install [NAME ...]
    python -m benchmarks.peers --table FILE

Each peer serves the same ONNX file on the same cores, by two sessions of one thread, with its dynamic batching and with
bytes for rows and samples (what each was given stands at the top of its file in benchmarks/peers/). It runs beside our
service, and both are measured in turns with in-process ONNX Runtime, the ceiling: 4 readers of 256 rows, 16 of 32, 32
of one row, and one row at a time beside a bulk reader. The readers are those of benchmarks/serving/readers.py, in C (h2load)
and in Python. Before that the peer's first samples are compared with those of the file, byte for byte.

A peer is installed when it is first asked for, into .peers/, with the versions that stand in benchmarks/peers/NAME.txt
(200 to 500 MB each). One that cannot be installed or started is a row that says why. About 2 minutes a peer; loopback
only; everything it starts it stops. --keep adds the numbers to a file, so that a table can be made of several runs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers import processes
from benchmarks.serving import __main__
from benchmarks.serving.ceiling import CORES, Ceiling
from benchmarks.serving.readers import Readers
from service import artifact

FOLDER = Path(__file__).parent
ENVIRONMENTS = Path(".peers")
INSTALL_SECONDS = 1200
START_SECONDS = 120
CHECKED_ROWS = 32


class Peer(NamedTuple):
    """A server that can be started as `python -m module FILE PORT`, and how it is spoken to (benchmarks/serving/readers.py)."""

    title: str
    module: str
    protocol: str


PEERS = {
    "triton": Peer("Triton", "benchmarks.peers.triton", "v2:generator"),
    "pytriton": Peer("PyTriton", "benchmarks.peers.pytriton", "v2:generator"),
    "ray": Peer("Ray Serve", "benchmarks.peers.ray", "http:/"),
    "mlserver": Peer("MLServer", "benchmarks.peers.mlserver", "v2-bytes:generator"),
    "litserve": Peer("LitServe", "benchmarks.peers.litserve", "http:/predict"),
    "bentoml": Peer("BentoML", "benchmarks.peers.bentoml", "json:/predict"),
    "plain": Peer("plain grpcio", "benchmarks.serving.plain", "augmint:"),
}


class PeerError(Exception):
    """The peer cannot be measured; the message says why, in one line."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PEERS)}; default: all")
    parser.add_argument("--models", type=Path, help="folder of generators; default: build a cheap one")
    parser.add_argument("--generator", default="", help="which of them; default: the only one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="length of each measurement")
    parser.add_argument("--keep", type=Path, help="add the numbers to this file of JSON lines")
    parser.add_argument("--install", action="store_true", help="install the peers and stop")
    parser.add_argument("--table", type=Path, help="print the table of a file that --keep wrote, and stop")
    options = parser.parse_args()
    names = options.names or list(PEERS)
    if unknown := set(names) - set(PEERS):
        parser.error(f"there is no peer {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    if options.table:
        print(table([json.loads(line) for line in options.table.read_text().splitlines()]))
        return
    if options.install:
        for name in names:
            print(_versions(install(name), name))
        return
    # So that a time limit ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        models = options.models or __main__.cheap(Path(scratch))
        generator = options.generator or __main__.only(models)
        file = models / generator / str(artifact.published_versions(models, generator)[-1]) / artifact.FILE_NAME
        for name in names:
            try:
                result = measure(name, models, generator, file, options.rounds, options.seconds)
            except PeerError as error:
                result = {"peer": name, "error": str(error)}
            results.append(result)
            if options.keep:
                with options.keep.open("a") as kept:
                    kept.write(json.dumps(result) + "\n")
    print(table(results))


# -- a peer's environment ---------------------------------------------------------------------------------


def install(name: str) -> Path:
    """The Python of the peer's own environment, which is made anew when its versions have changed.

    Raises PeerError if it cannot be installed.
    """
    wanted = FOLDER / f"{name}.txt"
    if not wanted.exists():
        return Path(sys.executable)
    home = ENVIRONMENTS / name
    python, installed = home / "bin" / "python", home / "installed.txt"
    if installed.exists() and installed.read_text() == wanted.read_text():
        return python
    print(f"installing {name} into {home}", file=sys.stderr)
    shutil.rmtree(home, ignore_errors=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted)]
    try:
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, capture_output=True, text=True)
        subprocess.run(pip, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise PeerError(f"does not install: {_last_line(str(error.stderr or error))}") from error
    installed.write_text(wanted.read_text())
    return python


def _versions(python: Path, name: str) -> str:
    told = subprocess.run([str(python), "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    names = [line.partition("==")[0].partition("[")[0] for line in _wanted(name)]
    found = dict(line.split("==", 1) for line in told.splitlines() if "==" in line)
    return ", ".join(f"{each} {found.get(each, '?')}" for each in names)


def _wanted(name: str) -> list[str]:
    file = FOLDER / f"{name}.txt"
    return file.read_text().split() if file.exists() else ["grpcio", "onnxruntime-gpu"]


# -- the run ----------------------------------------------------------------------------------------------


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
            while not _listens(port):
                if not self.family.alive():
                    raise PeerError(f"does not start: {_last_line(log.read_text())}")
                if time.perf_counter() > started + START_SECONDS:
                    raise PeerError(f"does not listen within {START_SECONDS} s: {_last_line(log.read_text())}")
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


def measure(name: str, models: Path, generator: str, file: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """The numbers of one peer and of our service beside it.

    returns: peer, ceiling [rounds], and under `servers` for each title and load the values of the rounds.

    Raises PeerError if the peer cannot be measured.
    """
    peer = PEERS[name]
    python = install(name)
    ENVIRONMENTS.mkdir(exist_ok=True)
    ceiling = Ceiling(file.read_bytes())
    ports = [_free_port() for _ in range(3)]
    ours = [sys.executable, "-m", "service", "--models", str(models), "--port", str(ports[0])]
    ours += ["--metrics-port", str(ports[1])]
    theirs = [str(python), "-m", peer.module, str(file.resolve()), str(ports[2])]
    with ExitStack() as stack:

        def start(*arguments: Any) -> Server:
            return stack.enter_context(running(*arguments))

        servers = [
            start(peer.title, theirs, ports[2], peer.protocol, ENVIRONMENTS / f"{name}.log"),
            start("augmint", ours, ports[0], f"augmint:{generator}", ENVIRONMENTS / "augmint.log"),
        ]
        for server in servers:
            try:
                server.readers.check(ceiling.samples(1, CHECKED_ROWS), CHECKED_ROWS)
            except (EOFError, ValueError) as error:
                raise PeerError(f"{server.title} answers wrongly: {error}") from error
        return {"peer": name, "versions": _versions(python, name), "cores": CORES} | _turns(
            ceiling, servers, rounds, seconds
        )


def _turns(ceiling: Ceiling, servers: list[Server], rounds: int, seconds: float) -> dict[str, Any]:
    kinds = ["h2load", "Python"] if shutil.which("h2load") else ["Python"]
    rows: dict[str, dict[str, list[float]]] = {server.title: {} for server in servers}
    tops = []

    def note(server: Server, what: str, value: float) -> None:
        rows[server.title].setdefault(what, []).append(value)

    for server in servers:
        server.ask("1 Python 4 256")
        server.ask("1 Python 32 1")
    ceiling.choose(seconds / 6)
    for number in range(rounds):
        for server in servers:
            before, _ = ceiling.rate(seconds)
            loads = [(kind, count, n) for kind in kinds for count, n in __main__.LOADS]
            answers = [(load, server.ask("{} {} {} {}".format(seconds, *load))) for load in loads]
            one = server.ask(f"{seconds} one")
            after, _ = ceiling.rate(seconds)
            top = (before + after) / 2
            tops.append(top)
            for (kind, count, n), answer in answers:
                load = f"{count} x {n}, {kind}"
                note(server, load, answer["rate"] if n == 1 else answer["rate"] * n / top)
                note(server, f"{load}: server's CPU ms a call", 1e3 * answer["server_cpu"] / answer["calls"])
            note(server, "one-row p99, ms", 1e3 * one["p99"])
            note(server, "resident, MiB", server.family.resident_mib())
        print(f"{servers[0].title}: round {number + 1}/{rounds}", file=sys.stderr)
    for server in servers:
        note(server, "idle, CPU share of a core", _idle(server))
    return {"ceiling": tops, "callers": ceiling.callers, "batch": ceiling.batch, "servers": rows}


def _idle(server: Server, seconds: float = 2.0) -> float:
    before = server.family.cpu_seconds()
    time.sleep(seconds)
    return (server.family.cpu_seconds() - before) / seconds


# -- the table --------------------------------------------------------------------------------------------

COLUMNS = {
    "4 x 256, h2load": "4 x 256, C",
    "4 x 256, Python": "4 x 256, Python",
    "16 x 32, h2load": "16 x 32, C",
    "16 x 32, Python": "16 x 32, Python",
    "32 x 1, h2load": "32 x 1, C, calls/s",
    "32 x 1, Python": "32 x 1, Python, calls/s",
    "one-row p99, ms": "one-row p99, ms",
    "32 x 1, h2load: server's CPU ms a call": "CPU ms a one-row call",
    "idle, CPU share of a core": "idle, cores",
    "resident, MiB": "resident, MiB",
}


def table(results: list[dict[str, Any]]) -> str:
    """Markdown: two lines for each peer, its own and our service's in the same run; median (least to most)."""
    lines = ["| | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for result in results:
        if "error" in result:
            lines.append(f"| {PEERS[result['peer']].title} | {result['error']} |" + " |" * (len(COLUMNS) - 1))
            continue
        for title, row in result["servers"].items():
            name = title if title != "augmint" else f"augmint, beside {PEERS[result['peer']].title}"
            lines.append(f"| {name} | " + " | ".join(_cell(row.get(column)) for column in COLUMNS) + " |")
    told = [f"{PEERS[each['peer']].title}: {each['versions']}" for each in results if "error" not in each]
    tops = [top for each in results if "error" not in each for top in each["ceiling"]]
    if tops:
        told.append(
            f"ceiling {_number(statistics.median(tops))} samples/s ({_number(min(tops))} to {_number(max(tops))})"
        )
    return "\n".join([*lines, "", *told])


def _cell(values: list[float] | None) -> str:
    if not values:
        return "-"
    middle = _number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({_number(min(values))} to {_number(max(values))})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


# -- small things -----------------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it says nothing"


if __name__ == "__main__":
    main()
