"""What does a training loop lose when its samples come from the service, and what do other ways cost?

    python -m benchmarks.loaders [--rounds 4] [--seconds 2]    # the tables, about 3 minutes
    python -m benchmarks.loaders --apart                       # the service on the last core, the rest without it
    python -m benchmarks.loaders --trials 100 [--seed 0]       # the same bytes in the same order, about 12 minutes

One training step (a small convolutional classifier, batches of 128 images of 28 x 28, one thread) is fed in turns from
memory, from the service through `SyntheticStream`, from PNG files written before, and from the generator run by bare
ONNX Runtime inside the loader's worker. Trainer, service and workers share the machine's cores; step and generator are
chosen so that the service has capacity to spare. With --apart they share no core, as where the service runs elsewhere,
so that what is lost is what receiving costs. Then the same without a step, which is as fast as each way can feed,
and with a step so small that the service cannot keep up, to compare the reported stall share with the loop's own clock.
Loopback only; everything it starts it stops.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from augmint import Client
from augmint.torch import SyntheticStream
from benchmarks import loader_trials
from benchmarks.demo import serving
from service import artifact
from service.session import Session
from tests.generators import publish
from training.classifier import Network

BATCH = 128
SAMPLES = 4096
SEED = 7
SHAPE = (28, 28, 1)
WARM = 4
Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of each measurement")
    parser.add_argument("--apart", action="store_true", help="give the service a core of its own")
    parser.add_argument("--trials", type=int, help="random trials of the order instead of measurements")
    parser.add_argument("--seed", type=int, default=0, help="of the trials")
    options = parser.parse_args()
    if options.trials is not None:
        return int(bool(loader_trials.run(options.trials, options.seed)))
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        path = publish(models, "cheap", shape=SHAPE, hidden=6656, latent_size=64)
        with _service(models, options.apart) as target:
            _measure(Ways(target, path, Path(folder) / "files"), options.rounds, options.seconds)
    return 0


@contextmanager
def _service(models: Path, apart: bool) -> Iterator[str]:
    cores = sorted(os.sched_getaffinity(0))
    if not apart:
        with serving(models) as target:
            yield target
        return
    if len(cores) < 2:
        sys.exit("error: --apart needs two cores")
    os.sched_setaffinity(0, cores[-1:])  # what is started now stays there
    with serving(models) as target:
        os.sched_setaffinity(0, cores[:-1])
        try:
            yield target
        finally:
            os.sched_setaffinity(0, cores)


# -- the ways to feed a loop: all give float32 [BATCH, 1, 28, 28] in [0, 1] and int64 [BATCH] ---------------


class Ways:
    """Each method gives endless batches of the same kind."""

    def __init__(self, target: str, model: Path, files: Path) -> None:
        self._target, self._model, self._files = target, model, files
        with Client(target) as client:
            samples = client.generate(classes=np.arange(SAMPLES) % 10, seed=SEED)
            self.capacity = client.describe().capacity_samples_per_second
        self._images = torch.from_numpy(samples.array).permute(0, 3, 1, 2).contiguous()
        self._labels = torch.from_numpy(samples.class_indices)
        began = time.perf_counter()
        files.mkdir()
        for number, (image, label) in enumerate(zip(samples.to_images(), samples.class_indices, strict=True)):
            image.save(files / f"{number:06}-{label}.png")
        self.writing = (time.perf_counter() - began) / SAMPLES

    def memory(self) -> Batches:
        while True:
            for start in range(0, SAMPLES - BATCH + 1, BATCH):
                yield self._images[start : start + BATCH] / 255, self._labels[start : start + BATCH]

    def open_stream(self) -> SyntheticStream:
        return SyntheticStream(self._target, batch_size=BATCH, seed=SEED)

    def stream(self) -> Batches:
        stream = self.open_stream()
        try:
            yield from stream
        finally:
            stream.close()

    def stream_worker(self) -> Batches:
        stream = self.open_stream()
        try:
            yield from stream.loader(1, multiprocessing_context="forkserver")
        finally:
            stream.close()

    def png_files(self) -> Batches:
        while True:
            yield from DataLoader(
                Files(self._files), BATCH, shuffle=True, drop_last=True, **_one_worker(persistent_workers=True)
            )

    def onnxruntime_in_worker(self) -> Batches:
        yield from DataLoader(Bare(self._model), batch_size=None, **_one_worker())


def _one_worker(**options: Any) -> dict[str, Any]:
    return {"num_workers": 1, "multiprocessing_context": "forkserver", **options}


class Files(Dataset):
    """A folder of NUMBER-LABEL.png, as a team would write it once and read it ever after."""

    def __init__(self, folder: Path) -> None:
        self._paths = sorted(folder.iterdir())

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path = self._paths[index]
        with Image.open(path) as image:
            return torch.from_numpy(np.array(image, np.float32)[None] / 255), int(path.stem.partition("-")[2])


class Bare(IterableDataset):
    """The generator inside the worker, by bare ONNX Runtime on one thread."""

    def __init__(self, model: Path) -> None:
        self._model = model

    def __iter__(self) -> Batches:
        info = get_worker_info()
        worker = info.id if info is not None else 0
        session = Session(self._model.read_bytes())
        seeds = np.full(BATCH, artifact.mix_seed(SEED + worker), np.uint64)
        labels, ones = np.arange(BATCH, dtype=np.int64) % 10, np.ones(BATCH, np.float32)
        step = 0
        while True:
            indices = np.arange(step * BATCH, (step + 1) * BATCH, dtype=np.uint64)
            made = session.run(artifact.Rows(seeds, indices, labels, ones))
            images = np.ascontiguousarray(made.transpose(0, 3, 1, 2)) / np.float32(255)
            yield torch.from_numpy(images), torch.from_numpy(labels.copy())
            step += 1


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


def _loop(way: Batches, step: Callable[[torch.Tensor, torch.Tensor], None], seconds: float) -> tuple[float, float]:
    """Seconds per step, after a few to warm up, and MiB that this process and its workers have then."""
    for _ in range(WARM):
        step(*next(way))
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        step(*next(way))
        steps += 1
    each = (time.perf_counter() - began) / steps
    return each, _memory()


@contextmanager
def _opened(way: Batches) -> Iterator[Batches]:
    try:
        yield way
    finally:
        way.close()  # type: ignore[attr-defined]


def _measure(ways: Ways, rounds: int, seconds: float) -> None:
    names = {
        "memory": ways.memory,
        "service, SyntheticStream": ways.stream,
        "service, SyntheticStream, 1 worker": ways.stream_worker,
        "PNG files, 1 worker": ways.png_files,
        "ONNX Runtime in 1 worker": ways.onnxruntime_in_worker,
    }
    network = Trainer(Network(SHAPE[0], SHAPE[2], 10), lambda out: out[1])
    step: dict[str, list[float]] = {name: [] for name in names}
    feed: dict[str, list[float]] = {name: [] for name in names}
    memory: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name, make in names.items():
            before = _memory()
            with _opened(make()) as way:
                each, held = _loop(way, network, seconds)
                step[name].append(each)
                memory[name].append(held - before)
                feed[name].append(_loop(way, no_step, seconds / 2)[0])
        print(f"round {number + 1}/{rounds}", file=sys.stderr)
    base = statistics.median(step["memory"])
    print(
        f"{rounds} rounds; the step takes {BATCH / base:,.0f} samples/s; the service makes {ways.capacity:,.0f} alone"
    )
    print(f"{'':36}{'ms a step':>10}{'lost':>8}{'least':>8}{'most':>8}{'feeds samples/s':>17}{'MiB more':>10}")
    for name in names:
        lost = [1 - memory_s / s for memory_s, s in zip(step["memory"], step[name], strict=True)]
        print(
            f"{name:36}{1e3 * statistics.median(step[name]):10.1f}{statistics.median(lost):8.1%}{min(lost):8.1%}"
            f"{max(lost):8.1%}{BATCH / statistics.median(feed[name]):17,.0f}{statistics.median(memory[name]):10.0f}"
        )
    print(f"(writing the files took {1e3 * ways.writing:.2f} ms a sample, on top)")
    _starve(ways, rounds, seconds)


def _starve(ways: Ways, rounds: int, seconds: float) -> None:
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

    print("\na step that takes more than the service can make")
    print(f"{'ms a step':>10}{'outside the step':>18}{'reported stall share':>22}{'stalled so far, s':>19}")
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
        outside = 1 - inside / total
        print(f"{1e3 * total / steps:10.2f}{outside:18.1%}{stats.stall_share:22.1%}{stats.waited_seconds:19.2f}")


def _memory() -> float:
    """MiB of this process and those below it; pages that several share are counted once."""
    return sum(_proportional(process) for process in _family(os.getpid())) / 2**20


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
