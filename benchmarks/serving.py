"""How much of the machine does the service give to its readers?

    python -m benchmarks.serving [--models DIR --generator NAME] [--rounds N] [--seconds S]

Measured in turns within one run, so that whatever disturbs the machine disturbs all of them: the ceiling, which is
in-process ONNX Runtime at its best batch size and number of callers; 4 readers of 256 rows; 16 readers of 32 rows; 32
readers of one row; one row at a time beside a bulk reader. Server, readers and ceiling share the same cores, so what
readers cost is taken from the server. Hence two kinds: h2load (Debian's nghttp2-client), a load generator in C that
costs next to nothing, as readers on other machines do; and bare grpc stubs of Python without deserialiser, 16 threads
in a process of their own, which take a third of a millisecond a call. Without --models it builds a cheap generator,
where the service's own cost shows most. Beside the service runs what a team would write instead, benchmarks/plain.py.
"Per CPU second" is the same comparison in processor time, for a machine that has other work as well. About 8 minutes
with 8 rounds; loopback only; everything it starts it stops.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.session import Session

GENERATE = "/augmint.v1.GeneratorService/Generate"
CORES = len(os.sched_getaffinity(0))
# Readers and rows a call.
LOADS = ((4, 256), (16, 32), (32, 1))
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
    file = models / generator / str(version) / artifact.FILE_NAME
    ceiling = Ceiling(file.read_bytes())
    started = time.perf_counter()
    servers = [Served("augmint", ["service", "--models", str(models), "--port", "0", "--metrics-port", "0"], generator)]
    try:
        print(f"{generator}/{version}: ready after {time.perf_counter() - started:.2f} s, ", end="")
        print(f"resident {_resident(servers[0].process.pid):.0f} MiB; {CORES} cores")
        servers.append(Served("plain grpcio", ["benchmarks.plain", str(file)], generator))
        _turns(ceiling, servers, rounds, seconds)
        print(f"resident at the end {_resident(servers[0].process.pid):.0f} MiB")
    finally:
        for server in servers:
            server.stop()


class Served:
    """A server and the process of its readers."""

    def __init__(self, name: str, module: list[str], generator: str) -> None:
        self.name = name
        self.process = _start(module, stderr=subprocess.DEVNULL)
        self.readers: subprocess.Popen[str] | None = None
        try:
            facts = dict(part.split("=", 1) for part in _line(self.process).split() if "=" in part)
            self._metrics = facts.get("metrics")
            self.readers = _start(["benchmarks.serving", "--readers", facts["grpc"], "--generator", generator])
        except BaseException:
            self.stop()
            raise

    def ask(self, load: str, seconds: float) -> dict[str, float]:
        """What a load of so many seconds came to; its words are those of `_readers`."""
        assert self.readers is not None
        assert self.readers.stdin is not None
        before, batches = _cpu(self.process.pid), self._batches()
        self.readers.stdin.write(f"{seconds} {load}\n")
        self.readers.stdin.flush()
        answer: dict[str, float] = json.loads(_line(self.readers))
        after = self._batches()
        answer["server_cpu"] = _cpu(self.process.pid) - before
        answer["batch_seconds"] = (after[0] - batches[0]) / max(1.0, after[1] - batches[1])
        return answer

    def _batches(self) -> tuple[float, float]:
        return _batches(self._metrics) if self._metrics else (0.0, 0.0)

    def stop(self) -> None:
        for process in (self.readers, self.process):
            if process is not None:
                process.terminate()
                process.wait(30)


def _start(module: list[str], **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", *module]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)


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
                note(f"{name}: share of the ceiling", answer["rate"] * n / mean)
                cpu = answer["cpu"] + answer["server_cpu"]
                note(f"{name}: the same per CPU second", answer["calls"] * n / cpu / mean_per_cpu)
                # While only bulk readers are there, batches are full: a newcomer's wait is measured in their time.
                if count == 4 and server is servers[0]:
                    full = answer["batch_seconds"]
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
    """Obey lines of `seconds one` or `seconds kind readers rows` on stdin until it ends."""
    stubs = [grpc.insecure_channel(target, UNLIMITED).unary_unary(GENERATE) for _ in range(33)]
    position = [0] * len(stubs)

    def request(reader: int, n: int) -> bytes:
        message = pb.GenerateRequest(
            generator=generator, class_indices=[0] * n, seed=reader, start_index=position[reader]
        )
        position[reader] += n
        return message.SerializeToString()

    def read(reader: int, n: int) -> None:
        stubs[reader](request(reader, n), timeout=60)

    for line in sys.stdin:
        words = line.split()
        seconds, kind = float(words[0]), words[1]
        cpu = time.process_time()
        if kind == "one":
            # The bulk reader keeps four pages in flight on one connection.
            busy = threading.Thread(target=_for, args=(seconds, 4, lambda _: read(32, 256)))
            busy.start()
            times = sorted(_for(seconds, 1, lambda reader: read(reader, 1))[0])
            busy.join()
            answer = {"p50": times[len(times) // 2], "p99": times[min(len(times) - 1, int(len(times) * 0.99))]}
        elif kind == "h2load":
            answer = _h2load(target, request(0, int(words[3])), int(words[2]), int(words[3]), seconds)
        else:
            count, n = int(words[2]), int(words[3])
            runs = _for(seconds, count, functools.partial(read, n=n))
            calls = sum(len(times) for times in runs)
            answer = {"rate": _rate(runs), "n": n, "calls": calls, "cpu": time.process_time() - cpu}
        print(json.dumps(answer), flush=True)


def _h2load(target: str, request: bytes, count: int, n: int, seconds: float) -> dict[str, float]:
    """`count` connections that each send the request, one at a time, again and again."""
    with tempfile.NamedTemporaryFile() as body:
        body.write(b"\0" + struct.pack(">I", len(request)) + request)  # gRPC's frame: not compressed, length
        body.flush()
        before = os.times()
        command = ["h2load", "-t1", "-m1", f"-c{count}", f"-D{round(seconds * 1000)}ms", "-d", body.name]
        command += ["-H", "content-type: application/grpc", "-H", "te: trailers", f"http://{target}{GENERATE}"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        after = os.times()
    calls = int(_found(r"(\d+) succeeded", told))
    # A refusal is HTTP status 200, too, but has no samples.
    if int(_found(r"\((\d+)\) data", told)) < calls * n * 64:
        sys.exit(f"error: h2load got no samples:\n{told}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"rate": calls / seconds, "n": n, "calls": calls, "cpu": cpu}


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"error: no {pattern} in what h2load told:\n{text}")
    return match[1]


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
