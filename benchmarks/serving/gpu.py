"""Does the service keep its promises on this GPU, and how fast is it?

    python -m benchmarks.serving.gpu [--device cuda] [--models DIR --generator NAME] [--seconds S]

One run of a few minutes: where every node of the graph runs; whether a sample is the same, to the bit, in every batch
size, position and lane, with CUDA graphs and without; how far samples are from the CPU's; memory of the GPU with all
graphs captured; time of each batch size; samples per second of the service against the same engine in this process, the
ceiling; what becomes of a GPU with little memory. Prints a table; ends with 1 if a promise is broken, with 2 if the
device cannot be used. With --device cpu it does what a CPU can: so it is known to work before a GPU is rented.
"""

from __future__ import annotations

import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.serving import models
from benchmarks.serving.served import Served
from service import artifact
from service.errors import DeviceBroken
from service.runtime import cuda
from service.runtime import device as devices
from service.runtime.engine import Engine
from service.runtime.session import Session, columns

# Readers of the service and rows that they ask for at a time.
READERS, PAGE = 4, 1024
# The least for which the service is asked: h2load counts whole answers only.
SERVED_SECONDS = 1.0
MIB = 2**20


@dataclass
class Report:
    """Facts and promises, and how many of these were broken."""

    out: results.Results = field(default_factory=results.Results)
    broken: int = 0

    def say(self, name: str, value: str) -> None:
        """A fact."""
        self.out.row("The device", {"": name, "found": value})

    def check(self, name: str, kept: bool, value: str = "") -> None:
        """A promise."""
        self.broken += not kept
        self.say(name, f"{'yes' if kept else 'NO'}{f', {value}' if value else ''}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status; see above."""
    parser = results.Parser("benchmarks.serving.gpu", __doc__)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, several, or cpu for a rehearsal")
    models.arguments(parser)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each measurement")
    parser.add_argument("--max-batch", type=int, default=1024, help="largest batch tried")
    parser.add_argument("--addresses", type=int, default=2048, help="samples that are compared")
    options = parser.options(arguments)
    try:
        with models.chosen(options) as (folder, name, file), parser.results() as out:
            report = Report(out)
            examine(report, file.read_bytes(), options.device, options.max_batch, options.addresses, options.seconds)
            serve(report, folder, name, options.device, options.max_batch, options.seconds)
            report.say("promises broken", str(report.broken))
    except (devices.DeviceError, artifact.ArtifactError, DeviceBroken) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 1 if report.broken else 0


def examine(report: Report, content: bytes, device: str, max_batch: int, total: int, seconds: float) -> None:
    """All that needs no server.

    total: addresses that are compared; seconds: of each measurement.
    """
    names = devices.names(device)
    gpu = names[0] != "cpu"
    fallbacks: list[str] = []
    events = devices.Callbacks(fallback=lambda stage, reason: fallbacks.append(f"{stage}: {reason}"))
    lanes = devices.lanes(device, 2)

    def engine(graphs: bool, memory_bytes: int = 0) -> Engine:
        options = devices.Options(graphs=graphs, memory_bytes=memory_bytes)
        first, *others = [Session(content, name, 1, options, events) for name in names]
        return Engine(first, lanes, max_batch, others=others, events=events)

    before = memory()
    session = Session(content, names[0])  # here it is found that there is no GPU
    report.say("machine", f"{processor(gpu)}; ONNX Runtime {devices.runtime_version()}; device {device}, {lanes} lanes")
    place(report, session, gpu)
    rows = addresses(session, content, total)
    # One at a time: what every other way must give.
    alone = np.concatenate([session.run(part(rows, np.array([number]))) for number in range(total)])
    plain = engine(graphs=False)
    ways = {"without graphs": plain}
    after_plain = memory()
    if gpu:
        started = time.perf_counter()
        ways["with graphs"] = engine(graphs=True)
        report.say("seconds to load with graphs", f"{time.perf_counter() - started:.2f}")
        pinned = all(cuda.gpu(name).pinned for name in names)
        report.say("copies into page-locked memory", "yes" if pinned else "no: the CUDA runtime was not found")
        report.check("all graphs captured", not fallbacks, "; ".join(fallbacks))
        report.say("GPU memory, MiB", growth(before, after_plain, memory()))
    for name, made in ways.items():
        report.say(f"batch sizes {name}", f"{', '.join(map(str, made.buckets))}; filled {made.best_batch}")
        wrong = differences(made, rows, alone)
        report.check(f"same bits in all batches {name}", not wrong, f"{wrong} of {made.lanes * total} samples differ")
    if gpu:
        far = np.abs(Session(content).run(rows).astype(np.float64) - alone)
        report.say("samples off the CPU's", f"at most {far.max():g}, {np.mean(far > 0):.2%} of all elements")
    latency(report, ways)
    ceilings = {name: throughput(made, seconds) for name, made in ways.items()}
    for name, rate in ceilings.items():
        report.say(f"samples/s in this process {name}", f"{rate:,.0f}")
    report.say("ceiling, samples/s", f"{max(ceilings.values()):,.0f}")
    for made in ways.values():
        made.close()
    if gpu:
        little(report, engine, rows, alone)


def place(report: Report, session: Session, gpu: bool) -> None:
    """Where the nodes run."""
    placement = session.placement()
    for provider, nodes in placement.items():
        listed = ", ".join(f"{operator} {count}" for operator, count in sorted(nodes.items()))
        report.say(f"nodes on {provider}", f"{sum(nodes.values())}: {listed}")
    wanted = "CUDAExecutionProvider" if gpu else "CPUExecutionProvider"
    report.check("every node on the device", set(placement) == {wanted})


def addresses(session: Session, content: bytes, total: int) -> artifact.Rows:
    """Some of all classes and truncations."""
    classes = len(artifact.from_json(session.metadata).labels)
    random = np.random.default_rng(0)
    return artifact.Rows(
        random.integers(0, 2**63, total, dtype=np.uint64) * np.uint64(2) + np.uint64(1),
        random.integers(0, artifact.INDEX_LIMIT, total, dtype=np.uint64),
        random.integers(0, classes, total),
        random.uniform(0.3, 1, total).astype(np.float32),
    )


def part(rows: artifact.Rows, which: np.ndarray) -> artifact.Rows:
    """Some of the rows."""
    return artifact.Rows(*(column[which] for column in columns(rows)))


def differences(engine: Engine, rows: artifact.Rows, alone: np.ndarray) -> int:
    """Samples that are not those computed alone, in batches of all sizes, at shuffled positions, on all lanes at once.

    alone: samples of the rows.
    """
    wrong = [0] * engine.lanes

    def compare(lane: int) -> None:
        random = np.random.default_rng(lane)
        order = random.permutation(len(alone))
        while len(order):
            # As often a full batch of some size as one with padding.
            bucket = int(random.choice(engine.buckets))
            n = min(len(order), bucket if random.random() < 0.5 else int(random.integers(1, bucket + 1)))
            which, order = order[:n], order[n:]
            samples = engine.run(part(rows, which), lane)
            wrong[lane] += sum(a.tobytes() != b.tobytes() for a, b in zip(samples, alone[which], strict=True))

    together(engine.lanes, compare)
    return sum(wrong)


def latency(report: Report, ways: dict[str, Engine]) -> None:
    """Median time of each batch size, one lane at work."""
    for name, engine in ways.items():
        times = []
        for bucket in engine.buckets:
            batch = ones(bucket)
            runs = []
            for _ in range(20):
                start = time.perf_counter()
                engine.run(batch)
                runs.append(time.perf_counter() - start)
            times.append(f"{bucket}: {1e3 * statistics.median(runs):.3g}")
        report.say(f"ms of a batch {name}", ", ".join(times))


def throughput(engine: Engine, seconds: float) -> float:
    """Samples per second of full batches on all lanes."""
    done = [0] * engine.lanes
    start = time.perf_counter()

    def work(lane: int) -> None:
        while time.perf_counter() - start < seconds:
            done[lane] += len(engine.run(ones(engine.best_batch), lane))

    together(engine.lanes, work)
    return sum(done) / (time.perf_counter() - start)


def little(report: Report, engine: Callable[[bool, int], Engine], rows: artifact.Rows, alone: np.ndarray) -> None:
    """With the least memory that the file can be loaded in, the service still computes, in smaller batches."""
    for limit in (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096):
        try:
            made = engine(False, limit * MIB)
        except Exception as error:  # whatever ONNX Runtime raises without memory
            if isinstance(error, DeviceBroken):
                raise
            continue
        wrong = differences(made, rows, alone)
        made.close()
        report.check("same bits with little memory", not wrong, f"{limit} MiB: batches up to {made.best_batch}")
        return
    report.check("same bits with little memory", False, "it could not be loaded")


def serve(report: Report, folder: Path, generator: str, device: str, max_batch: int, seconds: float) -> None:
    """Samples per second through the service, of readers in a process of their own."""
    for graphs in ("auto", "off") if device != "cpu" else ("off",):
        command = ["service", "--models", str(folder), "--port", "0", "--metrics-port", "0", "--device", device]
        server = Served("augmint", [*command, "--cuda-graphs", graphs, "--max-batch", str(max_batch)], generator)
        try:
            kind = "h2load" if shutil.which("h2load") else "Python"
            server.ask(f"{kind} {READERS} {PAGE}", max(SERVED_SECONDS, min(1.0, seconds)))
            rate = server.ask(f"{kind} {READERS} {PAGE}", max(SERVED_SECONDS, seconds))["rate"] * PAGE
        finally:
            server.stop()
        report.say(f"samples/s of the service, graphs {graphs}", f"{rate:,.0f} ({READERS} x {PAGE} rows, {kind})")


# -- small things -----------------------------------------------------------------------------------------


def ones(n: int) -> artifact.Rows:
    """Valid addresses."""
    values = (np.ones(n), np.arange(n), np.zeros(n), np.ones(n))
    return artifact.Rows(*(value.astype(kind) for value, kind in zip(values, artifact.INPUTS.values(), strict=True)))


def together(count: int, work: Callable[[int], None]) -> None:
    """Call with each number at the same time; the first exception is raised."""
    failures: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def smi(question: str) -> str:
    """What nvidia-smi answers about the first GPU; empty without it."""
    if not shutil.which("nvidia-smi"):
        return ""
    command = ["nvidia-smi", f"--query-gpu={question}", "--format=csv,noheader,nounits"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout.splitlines()
    return lines[0].strip() if lines else ""


def processor(gpu: bool) -> str:
    """Name and driver of the GPU, or the architecture of the CPU."""
    return (smi("name,driver_version") if gpu else "") or platform.machine()


def memory() -> float | None:
    """MiB used on the first GPU by everybody; None where that cannot be told."""
    used = smi("memory.used")
    return float(used) if used.replace(".", "", 1).isdigit() else None


def growth(before: float | None, plain: float | None, graphs: float | None) -> str:
    """Of memory, in words."""
    if before is None or plain is None or graphs is None:
        return "unknown: no nvidia-smi"
    return f"{plain - before:.0f} for an engine without graphs, {graphs - plain:.0f} for one with all captured"


if __name__ == "__main__":
    sys.exit(main())
