"""How does the service stand beside what a team would use instead?

    python -m benchmarks.peers [NAME ...] [--models DIR --generator NAME] [--rounds N] [--seconds S] [--out FILE]
    python -m benchmarks.peers --install [NAME ...]

Each peer serves the same ONNX file on the same cores, by two sessions of one thread, with its dynamic batching and with
bytes for rows and samples (what each was given stands at the top of its file in benchmarks/peers/). It runs beside our
service, and both are measured in turns with in-process ONNX Runtime, the ceiling: 4 readers of 256 rows, 16 of 32, 32
of one row, and one row at a time beside a bulk reader. The readers are those of benchmarks/serving, in C (h2load) and
in Python. Before that the peer's first samples are compared with those of the file, byte for byte.

A peer is installed when it is first asked for, into .peers/, with the versions that stand in benchmarks/peers/NAME.txt
(200 to 500 MB each). One that cannot be installed or started is a row that says why. About 2 minutes a peer; loopback
only; everything it starts it stops.
"""

from __future__ import annotations

import shutil
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import results
from benchmarks.fleet.cluster import free_port
from benchmarks.peers.environment import ENVIRONMENTS, PeerError, install, versions
from benchmarks.peers.server import Server, running
from benchmarks.serving import models
from benchmarks.serving.__main__ import LOADS
from benchmarks.serving.ceiling import Ceiling

CHECKED_ROWS = 32
Measured = dict[str, results.Value]


class Peer(NamedTuple):
    """A server that can be started as `python -m module FILE PORT`, and how readers speak to it."""

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


def main() -> None:
    parser = results.Parser("benchmarks.peers", __doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PEERS)}; default: all")
    models.arguments(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="length of each measurement")
    parser.add_argument("--install", action="store_true", help="install the peers and stop")
    options = parser.options()
    names = options.names or list(PEERS)
    if unknown := set(names) - set(PEERS):
        parser.error(f"there is no peer {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    if options.install:
        for name in names:
            print(versions(install(name), name))
        return
    # So that a time limit ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with models.chosen(options) as (folder, generator, file), parser.results() as out:
        for name in names:
            try:
                measured = measure(name, folder, generator, file, options.rounds, options.seconds)
            except PeerError as error:
                measured = {PEERS[name].title: {"versions": str(error)}}
            for row in rows(name, measured):
                out.row(f"{generator}, two rows a peer: its own, and ours in the same run", row)


# -- the run ----------------------------------------------------------------------------------------------


def measure(name: str, folder: Path, generator: str, file: Path, rounds: int, seconds: float) -> dict[str, Measured]:
    """The numbers of one peer and of our service beside it.

    returns: for each title and load the values of the rounds, and the peer's versions.

    Raises PeerError if the peer cannot be measured.
    """
    peer = PEERS[name]
    python = install(name)
    ENVIRONMENTS.mkdir(exist_ok=True)
    ceiling = Ceiling(file.read_bytes())
    ports = [free_port() for _ in range(3)]
    ours = [sys.executable, "-m", "service", "--models", str(folder), "--port", str(ports[0])]
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
        measured = _turns(ceiling, servers, rounds, seconds)
        measured[peer.title]["versions"] = versions(python, name)
        return measured


def _turns(ceiling: Ceiling, servers: list[Server], rounds: int, seconds: float) -> dict[str, Measured]:
    kinds = ["h2load", "Python"] if shutil.which("h2load") else ["Python"]
    measured: dict[str, Any] = {server.title: {} for server in servers}

    def note(server: Server, what: str, value: float) -> None:
        measured[server.title].setdefault(what, []).append(value)

    for server in servers:
        server.ask("1 Python 4 256")
        server.ask("1 Python 32 1")
    ceiling.choose(seconds / 6)
    for number in range(rounds):
        for server in servers:
            before, _ = ceiling.rate(seconds)
            loads = [(kind, count, n) for kind in kinds for count, n in LOADS]
            answers = [(load, server.ask("{} {} {} {}".format(seconds, *load))) for load in loads]
            one = server.ask(f"{seconds} one")
            after, _ = ceiling.rate(seconds)
            top = (before + after) / 2
            note(server, "ceiling, samples/s", top)
            for (kind, count, n), answer in answers:
                load = f"{count} x {n}, {kind}"
                note(server, load, answer["rate"] if n == 1 else answer["rate"] * n / top)
                note(server, f"{load}: server's CPU ms a call", 1e3 * answer["server_cpu"] / answer["calls"])
            note(server, "one-row p99, ms", 1e3 * one["p99"])
            note(server, "resident, MiB", server.family.resident_mib())
        print(f"{servers[0].title}: round {number + 1}/{rounds}", file=sys.stderr)
    for server in servers:
        note(server, "idle, CPU share of a core", _idle(server))
    return measured


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
    "ceiling, samples/s": "ceiling, samples/s",
    "versions": "versions",
}


def rows(name: str, measured: dict[str, Measured]) -> list[dict[str, results.Value]]:
    """The row of a peer and that of our service in the same run."""
    beside = f"augmint, beside {PEERS[name].title}"
    return [
        {"server": beside if title == "augmint" else title, **{head: row.get(what) for what, head in COLUMNS.items()}}
        for title, row in measured.items()
    ]


if __name__ == "__main__":
    main()
