"""What does a training loop lose when its samples come from the service, and what do other ways cost?

    python -m benchmarks.loaders [--rounds 4] [--seconds 2]    # the tables, about 3 minutes
    python -m benchmarks.loaders --apart                       # the service on the last core, the rest without it
    python -m benchmarks.loaders --apart --threads --rounds 20 --seconds 1        # only memory, control and threads
    python -m benchmarks.loaders --trials 100 [--seed 0]       # the same bytes in the same order, about 12 minutes

One training step (a small convolutional classifier, batches of 128 images of 28 x 28, one thread) is fed in turns from
memory, from the service through `SyntheticStream`, from PNG files written before, and from the generator run by bare
ONNX Runtime inside the loader's worker. Trainer, service and workers share the machine's cores; step and generator are
chosen so that the service has capacity to spare. With --apart they share no core, as where the service runs elsewhere,
so that what is lost is what receiving costs. As a control the step is also fed from memory while a process that it has
nothing to do with makes as many samples: what that loses is lost to the machine, not to a loader.

Beside it, per step: the processor time of the step's own thread, and that of the loop and its workers outside it. On a
machine that has other things to do these say more than the clock. And, without a step, how fast each way can feed. Then
a step so small that the service cannot keep up, to compare the reported stall share with the loop's own clock. Loopback
only; everything it starts it stops.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks import results
from benchmarks.demo import serving
from benchmarks.loaders import trials
from benchmarks.loaders.ways import BATCH, SHAPE, Batches, Ways
from tests.generators import publish

WARM = 4
ALL_CORES = os.sched_getaffinity(0)


def main() -> int:
    parser = results.Parser("benchmarks.loaders", __doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of each measurement")
    parser.add_argument("--apart", action="store_true", help="give the service a core of its own")
    parser.add_argument("--threads", action="store_true", help="leave out the ways with worker processes")
    parser.add_argument("--trials", type=int, help="random trials of the order instead of measurements")
    parser.add_argument("--seed", type=int, default=0, help="of the trials")
    options = parser.options()
    if options.trials is not None:
        with parser.results() as out:
            samples, wrong = trials.run(options.trials, options.seed)
            row: dict[str, results.Value] = {"trials": options.trials, "samples": samples, "differences": wrong}
            out.row("The same bytes in the same order", row)
        return int(bool(wrong))
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, parser.results() as out:
        models = Path(folder) / "models"
        path = publish(models, "cheap", shape=SHAPE, hidden=6656, latent_size=64)
        with _service(models, options.apart) as target:
            cores = _cores(options.apart)[1]
            ways = Ways(target, path, Path(folder) / "files", cores)
            _measure(ways, options.rounds, options.seconds, options.threads, out)
            _starve(ways, options.rounds, options.seconds, out)
    return 0


def _cores(apart: bool) -> tuple[set[int], set[int]]:
    """Of the loop, and of the service."""
    every = sorted(ALL_CORES)
    if not apart:
        return set(every), set(every)
    if len(every) < 2:
        sys.exit("error: --apart needs two cores")
    return set(every[:-1]), set(every[-1:])


@contextmanager
def _service(models: Path, apart: bool) -> Iterator[str]:
    loops, services = _cores(apart)
    os.sched_setaffinity(0, services)  # what is started now stays there
    with serving(models) as target:
        os.sched_setaffinity(0, loops)
        yield target


# -- the loop ---------------------------------------------------------------------------------------------


class Trainer:
    """A network and its optimiser; call it with a batch."""

    def __init__(self, network: nn.Module, read: Callable[[Any], torch.Tensor]) -> None:
        self._network, self._read = network, read
        self._optimizer = torch.optim.AdamW(network.parameters())

    def __call__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        loss = functional.cross_entropy(self._read(self._network(images)), labels)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()


def no_step(images: torch.Tensor, labels: torch.Tensor) -> None:
    """Nothing: the loop takes what comes."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one step: seconds, processor seconds in the step's thread and beside it; MiB of the loop and its workers."""

    seconds: float
    thread: float
    beside: float
    memory: float


def _loop(way: Batches, step: Callable[[torch.Tensor, torch.Tensor], None], seconds: float) -> Cost:
    """After a few steps to warm up."""
    for _ in range(WARM):
        step(*next(way))
    steps, began, thread, all_threads = 0, time.perf_counter(), time.thread_time(), _processor()
    while time.perf_counter() - began < seconds:
        step(*next(way))
        steps += 1
    took, thread, all_threads = time.perf_counter() - began, time.thread_time() - thread, _processor() - all_threads
    return Cost(took / steps, thread / steps, (all_threads - thread) / steps, _memory())


@contextmanager
def _opened(way: Batches) -> Iterator[Batches]:
    try:
        yield way
    finally:
        way.close()  # type: ignore[attr-defined]


def _measure(ways: Ways, rounds: int, seconds: float, threads: bool, out: results.Results) -> None:
    names = {
        "memory": ways.memory,
        "memory, as much work beside it": ways.memory_beside_work,
        "service, SyntheticStream": ways.stream,
    }
    if not threads:
        names |= {
            "service, SyntheticStream, 1 worker": ways.stream_worker,
            "PNG files, 1 worker": ways.png_files,
            "ONNX Runtime in 1 worker": ways.onnxruntime_in_worker,
        }
    from training.kinds.image import Image  # which trials need not wait for

    network = Trainer(Image(*SHAPE).judge(10), lambda out: out[1])
    step: dict[str, list[Cost]] = {name: [] for name in names}
    feed: dict[str, list[float]] = {name: [] for name in names}
    memory: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name, make in names.items():
            before = _memory()
            with _opened(make()) as way:
                step[name].append(_loop(way, network, seconds))
                memory[name].append(step[name][-1].memory - before)
                feed[name].append(_loop(way, no_step, seconds / 2).seconds)
        print(f"round {number + 1}/{rounds}", file=sys.stderr)
    base = statistics.median(cost.seconds for cost in step["memory"])
    what = (
        f"The step takes {BATCH / base:,.0f} samples/s, the service makes {ways.capacity:,.0f} alone; {rounds} rounds"
    )
    for name in names:
        lost = [
            100 - 100 * alone.seconds / cost.seconds for alone, cost in zip(step["memory"], step[name], strict=True)
        ]
        row: dict[str, results.Value] = {"step fed by": name, "ms a step": [1e3 * cost.seconds for cost in step[name]]}
        row |= {"lost, %": lost, "ms of the step's thread": statistics.median(1e3 * cost.thread for cost in step[name])}
        row |= {"ms beside it": statistics.median(1e3 * cost.beside for cost in step[name])}
        row |= {"feeds, samples/s": BATCH / statistics.median(feed[name]), "MiB more": statistics.median(memory[name])}
        out.row(what, row)
    print(f"(writing the files took {1e3 * ways.writing:.2f} ms a sample, on top)")


def _starve(ways: Ways, rounds: int, seconds: float, out: results.Results) -> None:
    """A step that is faster than the service: is the reported stall share the share of time spent outside the step?

    (Against the same step from memory more is lost than that, where the service takes the step's core away.)
    """
    small = Trainer(nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10)), lambda out: out)
    inside = 0.0

    def timed(images: torch.Tensor, labels: torch.Tensor) -> None:
        nonlocal inside
        began = time.perf_counter()
        small(images, labels)
        inside += time.perf_counter() - began

    for _ in range(rounds):
        stream = ways.open_stream()
        with _opened(iter(stream)) as way:
            timed(*next(way))  # the first batch is start-up, not stall
            began, inside, steps = time.perf_counter(), 0.0, 0
            while time.perf_counter() - began < seconds:
                timed(*next(way))
                steps += 1
            total = time.perf_counter() - began
        stats = stream.stats()
        stream.close()
        row: dict[str, results.Value] = {"ms a step": 1e3 * total / steps}
        row |= {"outside the step, %": 100 - 100 * inside / total, "reported stall share, %": 100 * stats.stall_share}
        out.row("A step that takes more than the service can make", row | {"stalled so far, s": stats.waited_seconds})


def _memory() -> float:
    """MiB of this process and those below it; pages that several share are counted once."""
    return sum(_proportional(process) for process in _family(os.getpid())) / 2**20


def _processor() -> float:
    """Processor seconds of this process and its workers, so far."""
    ticks = 0
    for process in _family(os.getpid())[1:]:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])  # in user mode and in the kernel
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _family(process: int) -> list[int]:
    try:
        found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        found = []
    # The service is a child too, but not a part of the loop.
    below = [int(child) for child in found if "service" not in _command(int(child))]
    return [process, *(member for child in below for member in _family(child))]


def _command(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().split("\0")
    except OSError:
        return []


def _proportional(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    sys.exit(main())
