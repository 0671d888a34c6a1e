"""How much of the machine does the service give to its readers?

    python -m benchmarks.serving [--models DIR --generator NAME] [--replicas N] [--rounds N] [--seconds S] [--out FILE]

Measured in turns within one run, so that whatever disturbs the machine disturbs all of them: the ceiling, which is
in-process ONNX Runtime at its best batch size and number of callers; 4 readers of 256 rows; 16 readers of 32 rows; 32
readers of one row; one row at a time beside a bulk reader. Server, readers and ceiling share the same cores, so what
readers cost is taken from the server. Hence two kinds: h2load (Debian's nghttp2-client), a load generator in C that
costs next to nothing, as readers on other machines do; and bare grpc stubs of Python without deserialiser, 16 threads
in a process of their own, which take a third of a millisecond a call. Without --models it builds a cheap generator,
where the service's own cost shows most. Beside the service runs what a team would write instead (plain.py). With
--replicas the same cores also serve as N processes of one lane each, as small pods do; readers take turns between them.
"Per CPU second" is the same comparison in processor time, for a machine that has other work as well. "Possible" is what
of the ceiling a server could give that costs no more than gRPC: the processor time of the rows in the ceiling, over
that and the time of server and readers when ready-made answers are sent (echo.py). About 10 minutes with 8 rounds;
loopback only; everything it starts it stops.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from benchmarks import results
from benchmarks.serving import models
from benchmarks.serving.ceiling import Ceiling
from benchmarks.serving.served import Served

# Readers and rows a call.
LOADS = ((4, 256), (16, 32), (32, 1))
ECHO = "echo"


def main() -> None:
    parser = results.Parser("benchmarks.serving", __doc__)
    models.arguments(parser)
    parser.add_argument("--replicas", type=int, default=1, help="also so many processes of one lane each")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each measurement")
    options = parser.options()
    if options.replicas < 1:
        parser.error(f"--replicas {options.replicas}: it must be at least 1")
    with models.chosen(options) as (folder, name, file), parser.results() as out:
        for what, values in measure(folder, name, file, options.replicas, options.rounds, options.seconds).items():
            out.row(
                f"{name}, {options.rounds} rounds of {options.seconds:g} s",
                {"": what, "median (least to most)": values},
            )


# -- the run ----------------------------------------------------------------------------------------------


def measure(
    folder: Path, generator: str, file: Path, replicas: int, rounds: int, seconds: float
) -> dict[str, list[float]]:
    """What is measured, by name with its unit: one value for each round, or one for all."""
    ceiling = Ceiling(file.read_bytes())
    started = time.perf_counter()
    flags = ["--models", str(folder), "--port", "0", "--metrics-port", "0"]
    servers = [Served("augmint", ["service", *flags], generator)]
    try:
        rows = {
            "ready after, s": [time.perf_counter() - started],
            "resident at the start, MiB": [servers[0].resident()],
        }
        if replicas > 1:
            servers.append(Served(f"{replicas} replicas", ["service", *flags, "--lanes", "1"], generator, replicas))
            rows[f"{servers[1].name}, resident at the start, MiB"] = [servers[1].resident()]
        servers.append(Served("plain grpcio", ["benchmarks.serving.plain", str(file)], generator))
        servers.append(Served(ECHO, ["benchmarks.serving.echo", str(file)], generator))
        for server in servers:
            server.readers.check(ceiling.samples(1, 32), 32)
        rows |= _turns(ceiling, servers, rounds, seconds)
        return rows | {"resident at the end, MiB": [servers[0].resident()]}
    finally:
        for server in servers:
            server.stop()


def _turns(ceiling: Ceiling, servers: list[Served], rounds: int, seconds: float) -> dict[str, list[float]]:
    ceiling.choose(seconds / 4)
    kinds = ["h2load", "Python"] if shutil.which("h2load") else ["Python"]
    if len(kinds) == 1:
        print("h2load is not here (Debian: nghttp2-client): readers of Python only", file=sys.stderr)
    rows: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        rows.setdefault(name, []).append(value)

    for server in servers:
        server.ask("Python 4 256", 1)
    for number in range(rounds):
        full = 0.0
        for server in servers:
            top, top_per_cpu = ceiling.rate(seconds)
            loads = [(kind, count, n) for kind in kinds for count, n in LOADS]
            answers = [(load, server.ask("{} {} {}".format(*load), seconds)) for load in loads]
            again, again_per_cpu = ceiling.rate(seconds)
            mean, mean_per_cpu = (top + again) / 2, (top_per_cpu + again_per_cpu) / 2
            note("ceiling, samples/s", mean)
            for (kind, count, n), answer in answers:
                name = f"{server.name}, {count} x {n}, {kind}"
                note(f"{name}: calls/s", answer["rate"])
                cpu = (answer["cpu"] + answer["server_cpu"]) / answer["calls"]
                if server.name == ECHO:
                    note(f"{name}: possible share", 1 / (1 + cpu * mean_per_cpu / n))
                    continue
                note(f"{name}: share of the ceiling", answer["rate"] * n / mean)
                note(f"{name}: the same per CPU second", n / cpu / mean_per_cpu)
                # While only bulk readers are there, batches are full: a newcomer's wait is measured in their time.
                if count == 4 and server is servers[0]:
                    full = answer["batch_seconds"]
            if server.name == ECHO:
                continue
            one = server.ask("one", seconds)
            note(f"{server.name}, one row beside a bulk reader: median ms", 1e3 * one["p50"])
            note(f"{server.name}, one row beside a bulk reader: p99 ms", 1e3 * one["p99"])
            if server is servers[0]:
                note("time of a full batch, ms", 1e3 * full)
                note("p99 in times of a full batch", one["p99"] / full)
        print(f"round {number + 1}/{rounds}", file=sys.stderr)
    return rows | {"ceiling, callers": [ceiling.callers], "ceiling, rows a batch": [ceiling.batch]}


if __name__ == "__main__":
    main()
