"""How much of the machine does the service give to its readers?

    python -m benchmarks.serving [--models DIR --generator NAME] [--rounds N] [--seconds S]

Measured in turns within one run, so that whatever disturbs the machine disturbs all of them: the ceiling, which is
in-process ONNX Runtime at its best batch size and number of callers; 4 readers of 256 rows; 16 readers of 32 rows; one
row at a time beside a bulk reader. Server, readers and ceiling share the same cores, the readers in a process of their
own. A light reader is a bare grpc stub without deserialiser. Without --models it builds a cheap generator, where the
service's own cost shows most. "Per CPU second" is the same comparison in processor time, for a machine that has other
work as well. About 3 minutes with 8 rounds; loopback only; everything it starts it stops.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.engine import Session

GENERATE = "/augmint.v1.GeneratorService/Generate"
CORES = len(os.sched_getaffinity(0))
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="folder of generators; default: build a cheap one")
    parser.add_argument("--generator", default="", help="which of them; default: the only one")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each measurement")
    parser.add_argument("--readers", help=argparse.SUPPRESS)  # this process is the readers' process
    options = parser.parse_args()
    if options.readers:
        _readers(options.readers, options.generator)
        return
    with tempfile.TemporaryDirectory() as scratch:
        models = options.models or _cheap(Path(scratch))
        _measure(models, options.generator or _only(models), options.rounds, options.seconds)


def _cheap(models: Path) -> Path:
    """A generator of 11 MFLOP a sample: about 16,000 samples/s on 2 cores."""
    from tests.generators import publish

    publish(models, "cheap", shape=(28, 28, 1), hidden=6656, latent_size=64)
    return models


def _only(models: Path) -> str:
    names = sorted(entry.name for entry in models.iterdir() if artifact.published_versions(models, entry.name))
    if len(names) != 1:
        sys.exit(f"error: --generator is needed; {models} has {', '.join(names) or 'none'}")
    return names[0]


# -- the run ----------------------------------------------------------------------------------------------


def _measure(models: Path, generator: str, rounds: int, seconds: float) -> None:
    version = artifact.published_versions(models, generator)[-1]
    ceiling = Ceiling((models / generator / str(version) / artifact.FILE_NAME).read_bytes())
    server = subprocess.Popen(
        [sys.executable, "-m", "service", "--models", str(models), "--port", "0", "--metrics-port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    readers: subprocess.Popen[str] | None = None
    try:
        started = time.perf_counter()
        facts = dict(part.split("=", 1) for part in _line(server).split()[1:])
        print(f"{generator}/{version}: server ready after {time.perf_counter() - started:.2f} s, ", end="")
        print(f"resident {_resident(server.pid):.0f} MiB; {CORES} cores")
        readers = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.serving", "--readers", facts["grpc"], "--generator", generator],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        _turns(ceiling, server.pid, readers, facts["metrics"], rounds, seconds)
        print(f"resident at the end {_resident(server.pid):.0f} MiB")
    finally:
        for process in (readers, server):
            if process is not None:
                process.terminate()
                process.wait(30)


def _turns(
    ceiling: Ceiling, server: int, readers: subprocess.Popen[str], metrics: str, rounds: int, seconds: float
) -> None:
    def ask(kind: str) -> dict[str, float]:
        assert readers.stdin is not None
        before, batches = _cpu(server), _batches(metrics)
        readers.stdin.write(f"{kind} {seconds}\n")
        readers.stdin.flush()
        answer: dict[str, float] = json.loads(_line(readers))
        after = _batches(metrics)
        answer["server_cpu"] = _cpu(server) - before
        answer["batch_seconds"] = (after[0] - batches[0]) / max(1.0, after[1] - batches[1])
        return answer

    ceiling.choose(seconds / 4)
    ask("bulk")
    rows: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        rows.setdefault(name, []).append(value)

    for number in range(rounds):
        top, top_per_cpu = ceiling.rate(seconds)
        bulk = ask("bulk")
        loaders = ask("loaders")
        again, again_per_cpu = ceiling.rate(seconds)
        one = ask("one")
        mean, mean_per_cpu = (top + again) / 2, (top_per_cpu + again_per_cpu) / 2
        note("ceiling, samples/s", mean)
        note("4 readers x 256 rows, samples/s", bulk["rate"])
        note("  share of the ceiling", bulk["rate"] / mean)
        note("  the same per CPU second", bulk["samples"] / (bulk["cpu"] + bulk["server_cpu"]) / mean_per_cpu)
        note("16 readers x 32 rows, samples/s", loaders["rate"])
        note("  share of the ceiling ", loaders["rate"] / mean)
        cpu = loaders["cpu"] + loaders["server_cpu"]
        note("  the same per CPU second ", loaders["samples"] / cpu / mean_per_cpu)
        note("  readers' CPU per call, ms", 1e3 * loaders["cpu"] / loaders["calls"])
        note("one row beside a bulk reader, median ms", 1e3 * one["p50"])
        note("  p99 ms", 1e3 * one["p99"])
        note("  batch time meanwhile, ms", 1e3 * one["batch_seconds"])
        note("  p99 in batch times", one["p99"] / one["batch_seconds"])
        print(f"round {number + 1}/{rounds}", file=sys.stderr)
    print(f"ceiling: {ceiling.callers} callers x {ceiling.batch} rows; {rounds} rounds of {seconds:g} s")
    print(f"{'':44}{'median':>10}{'least':>10}{'most':>10}")
    for name, values in rows.items():
        print(f"{name:44}" + "".join(f"{_number(f(values)):>10}" for f in (statistics.median, min, max)))


class Ceiling:
    """In-process ONNX Runtime at its best."""

    def __init__(self, content: bytes) -> None:
        self._session = Session(content)
        self.batch = self.callers = 1

    def choose(self, seconds: float) -> None:
        """Try batch sizes and numbers of callers, and keep the best."""
        best = 0.0
        for callers in sorted({1, CORES}):
            for batch in (16, 32, 64, 128, 256, 512):
                self.batch, self.callers = batch, callers
                rate, _ = self.rate(seconds)
                if rate > best:
                    best, choice = rate, (batch, callers)
        self.batch, self.callers = choice

    def rate(self, seconds: float) -> tuple[float, float]:
        """Samples per second, and per second of CPU time."""
        n = self.batch
        columns = (np.full(n, artifact.mix_seed(1)), np.arange(n), np.zeros(n), np.ones(n))
        rows = artifact.Rows(*(column.astype(t) for column, t in zip(columns, artifact.INPUTS.values(), strict=True)))
        cpu = time.process_time()
        runs = _for(seconds, self.callers, lambda _: self._session.run(rows))
        samples = n * sum(len(times) for times in runs)
        return n * _rate(runs), samples / (time.process_time() - cpu)


# -- the readers' process ---------------------------------------------------------------------------------


def _readers(target: str, generator: str) -> None:
    """Obey lines of `kind seconds` on stdin until it ends."""
    stubs = [grpc.insecure_channel(target, UNLIMITED).unary_unary(GENERATE) for _ in range(17)]
    position = [0] * len(stubs)

    def read(reader: int, n: int) -> None:
        request = pb.GenerateRequest(
            generator=generator, class_indices=[0] * n, seed=reader, start_index=position[reader]
        )
        position[reader] += n
        stubs[reader](request.SerializeToString(), timeout=60)

    for line in sys.stdin:
        kind, seconds = line.split()[0], float(line.split()[1])
        cpu = time.process_time()
        if kind == "one":
            # The bulk reader keeps four pages in flight on one connection.
            busy = threading.Thread(target=_for, args=(seconds, 4, lambda _: read(16, 256)))
            busy.start()
            times = sorted(_for(seconds, 1, lambda reader: read(reader, 1))[0])
            busy.join()
            answer = {"p50": times[len(times) // 2], "p99": times[min(len(times) - 1, int(len(times) * 0.99))]}
        else:
            count, n = (4, 256) if kind == "bulk" else (16, 32)
            runs = _for(seconds, count, functools.partial(read, n=n))
            calls = sum(len(times) for times in runs)
            answer = {"rate": n * _rate(runs), "samples": calls * n, "calls": calls, "cpu": time.process_time() - cpu}
        print(json.dumps(answer), flush=True)


def _for(seconds: float, callers: int, call: Callable[[int], object]) -> list[list[float]]:
    """Call from so many threads for so long, and let the last calls end; the times of each thread's calls."""
    times: list[list[float]] = [[] for _ in range(callers)]
    end = time.perf_counter() + seconds

    def loop(number: int) -> None:
        before = time.perf_counter()
        while before < end:
            call(number)
            now = time.perf_counter()
            times[number].append(now - before)
            before = now

    threads = [threading.Thread(target=loop, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def _rate(runs: list[list[float]]) -> float:
    """Calls per second of all threads, each over its own time: no call is cut off at the end, however long it takes."""
    return sum(len(times) / sum(times) for times in runs if times)


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


def _resident(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _batches(metrics: str) -> tuple[float, float]:
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
