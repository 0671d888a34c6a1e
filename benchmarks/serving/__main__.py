"""How much of the machine does the service give to its readers?

    python -m benchmarks.serving [--models DIR --generator NAME] [--replicas N] [--rounds N] [--seconds S]

Measured in turns within one run, so that whatever disturbs the machine disturbs all of them: the ceiling, which is
in-process ONNX Runtime at its best batch size and number of callers; 4 readers of 256 rows; 16 readers of 32 rows; 32
readers of one row; one row at a time beside a bulk reader. Server, readers and ceiling share the same cores, so what
readers cost is taken from the server. Hence two kinds: h2load (Debian's nghttp2-client), a load generator in C that
costs next to nothing, as readers on other machines do; and bare grpc stubs of Python without deserialiser, 16 threads
in a process of their own, which take a third of a millisecond a call. Without --models it builds a cheap generator,
where the service's own cost shows most. Beside the service runs what a team would write instead, benchmarks/serving/plain.py.
With --replicas the same cores also serve as N processes of one lane each, as small pods do, between which readers take
turns.
"Per CPU second" is the same comparison in processor time, for a machine that has other work as well. "Possible" is what
of the ceiling a server could give that costs no more than gRPC: the processor time of the rows in the ceiling, over
that and the time of server and readers when ready-made answers are sent (benchmarks/serving/echo.py). About 10 minutes with 8
rounds; loopback only; everything it starts it stops.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.serving.ceiling import CORES, Ceiling
from benchmarks.serving.readers import Readers
from service import artifact

# Readers and rows a call.
LOADS = ((4, 256), (16, 32), (32, 1))
ECHO = "echo"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="folder of generators; default: build a cheap one")
    parser.add_argument("--generator", default="", help="which of them; default: the only one")
    parser.add_argument("--replicas", type=int, default=1, help="also so many processes of one lane each")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each measurement")
    options = parser.parse_args()
    if options.replicas < 1:
        parser.error(f"--replicas {options.replicas}: it must be at least 1")
    with tempfile.TemporaryDirectory() as scratch:
        models = options.models or cheap(Path(scratch))
        _measure(models, options.generator or only(models), options.replicas, options.rounds, options.seconds)


def cheap(models: Path) -> Path:
    """A generator of 11 MFLOP a sample: about 16,000 samples/s on 2 cores."""
    from tests.generators import publish

    publish(models, "cheap", shape=(28, 28, 1), hidden=6656, latent_size=64)
    return models


def only(models: Path) -> str:
    names = sorted(entry.name for entry in models.iterdir() if artifact.published_versions(models, entry.name))
    if len(names) != 1:
        sys.exit(f"error: --generator is needed; {models} has {', '.join(names) or 'none'}")
    return names[0]


# -- the run ----------------------------------------------------------------------------------------------


def _measure(models: Path, generator: str, replicas: int, rounds: int, seconds: float) -> None:
    version = artifact.published_versions(models, generator)[-1]
    file = models / generator / str(version) / artifact.FILE_NAME
    ceiling = Ceiling(file.read_bytes())
    started = time.perf_counter()
    flags = ["--models", str(models), "--port", "0", "--metrics-port", "0"]
    servers = [Served("augmint", ["service", *flags], generator)]
    try:
        print(f"{generator}/{version}: ready after {time.perf_counter() - started:.2f} s, ", end="")
        print(f"resident {servers[0].resident():.0f} MiB; {CORES} cores")
        if replicas > 1:
            servers.append(Served(f"{replicas} replicas", ["service", *flags, "--lanes", "1"], generator, replicas))
            print(f"{servers[1].name}: resident {servers[1].resident():.0f} MiB in all")
        servers.append(Served("plain grpcio", ["benchmarks.serving.plain", str(file)], generator))
        servers.append(Served(ECHO, ["benchmarks.serving.echo", str(file)], generator))
        for server in servers:
            server.readers.check(ceiling.samples(1, 32), 32)
        _turns(ceiling, servers, rounds, seconds)
        print(f"resident at the end {servers[0].resident():.0f} MiB")
    finally:
        for server in servers:
            server.stop()


class Served:
    """A server, or several alike, and the process of their readers."""

    def __init__(self, name: str, module: list[str], generator: str, replicas: int = 1) -> None:
        self.name = name
        self._processes: list[subprocess.Popen[str]] = []
        self.metrics: list[str] = []
        addresses = []
        try:
            for _ in range(replicas):
                facts = self._start([sys.executable, "-m", *module])
                addresses.append(facts["grpc"])
                if "metrics" in facts:
                    self.metrics.append(facts["metrics"])
            self.readers = Readers(",".join(addresses), f"augmint:{generator}")
        except BaseException:
            self._end()
            raise

    def _start(self, command: list[str]) -> dict[str, str]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        self._processes.append(process)
        return dict(part.split("=", 1) for part in _line(process).split() if "=" in part)

    def ask(self, load: str, seconds: float) -> dict[str, float]:
        """What a load of so many seconds came to; its words are those of benchmarks/serving/readers.py."""
        before, batches = self._cpu(), self._batches()
        answer = self.readers.ask(f"{seconds} {load}")
        after = self._batches()
        answer["server_cpu"] = self._cpu() - before
        answer["batch_seconds"] = (after[0] - batches[0]) / max(1.0, after[1] - batches[1])
        return answer

    def resident(self) -> float:
        """Memory of all of them, MiB."""
        pages = sum(int(Path(f"/proc/{each.pid}/statm").read_text().split()[1]) for each in self._processes)
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def _cpu(self) -> float:
        return sum(_cpu(each.pid) for each in self._processes)

    def _batches(self) -> tuple[float, float]:
        found = [batches(metrics) for metrics in self.metrics]
        return sum(seconds for seconds, _ in found), sum(count for _, count in found)

    def stop(self) -> None:
        self.readers.stop()
        self._end()

    def _end(self) -> None:
        for each in self._processes:
            each.terminate()
        for each in self._processes:
            each.wait(30)


def _turns(ceiling: Ceiling, servers: list[Served], rounds: int, seconds: float) -> None:
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
    print(f"ceiling: {ceiling.callers} callers x {ceiling.batch} rows; {rounds} rounds of {seconds:g} s")
    print(f"{'':58}{'median':>10}{'least':>10}{'most':>10}")
    for name, values in rows.items():
        print(f"{name:58}" + "".join(f"{_number(f(values)):>10}" for f in (statistics.median, min, max)))


# -- small things -----------------------------------------------------------------------------------------


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        sys.exit("error: the service or the readers ended early")
    return line


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def batches(metrics: str) -> tuple[float, float]:
    """Seconds and number of all batches so far."""
    with urllib.request.urlopen(metrics, timeout=10) as answer:
        lines: list[str] = str(answer.read(), "utf-8").splitlines()
    totals = [
        sum(float(line.split()[-1]) for line in lines if line.startswith(f"augmint_execute_duration_seconds_{what}{{"))
        for what in ("sum", "count")
    ]
    return totals[0], totals[1]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
