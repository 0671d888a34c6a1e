"""The ways to feed a training loop that python -m benchmarks.loaders compares.

All give float32 [BATCH, 1, 28, 28] in [0, 1] and int64 [BATCH], of the same values and in the same memory layout.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from augmint import Client
from augmint.torch import SyntheticStream
from augmint.torch.tensors import tensors
from service import artifact
from service.runtime.session import Session

BATCH = 128
SAMPLES = 4096
SEED = 7
SHAPE = (28, 28, 1)
Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


class Ways:
    """Each method gives endless batches of the same kind."""

    def __init__(self, target: str, model: Path, files: Path, work_cores: set[int]) -> None:
        """target: of the service; model: its file; files: a folder to make; work_cores: those that the service has."""
        self._target, self._model, self._files, self._work_cores = target, model, files, work_cores
        with Client(target) as client:
            samples = client.generate(classes=np.arange(SAMPLES) % 10, seed=SEED)
            self.capacity = client.describe().capacity_samples_per_second
        # By the function that loaders use: of two layouts, both contiguous to PyTorch, it trains a third faster on one
        # (strides 784, 1, 28, 1, what `permute` leaves) than on the other, and that difference is no loader's.
        self._images = tensors(samples, None)
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

    def memory_beside_work(self) -> Batches:
        """From memory, while another process makes as many samples by bare ONNX Runtime, which nobody receives."""
        context = multiprocessing.get_context("forkserver")
        asked, ready = context.Semaphore(0), context.Event()
        process = context.Process(target=_work, args=(self._model, self._work_cores, asked, ready), daemon=True)
        process.start()
        try:
            if not ready.wait(60):
                raise SystemExit("the process that works beside the loop did not start")
            for batch in self.memory():
                asked.release()
                yield batch
        finally:
            process.kill()
            process.join()

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
        loader = DataLoader(
            Files(self._files), BATCH, shuffle=True, drop_last=True, **_one_worker(persistent_workers=True)
        )
        while True:
            yield from loader

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
        for number, images in enumerate(_made(self._model, SEED + worker)):
            floats = np.ascontiguousarray(images.transpose(0, 3, 1, 2)) / np.float32(255)
            yield torch.from_numpy(floats), torch.arange(number * BATCH, (number + 1) * BATCH) % 10


def _made(model: Path, seed: int) -> Iterator[np.ndarray]:
    """uint8 [BATCH, *SHAPE], batch after batch, by bare ONNX Runtime on one thread."""
    session = Session(model.read_bytes())
    seeds, ones = np.full(BATCH, artifact.mix_seed(seed), np.uint64), np.ones(BATCH, np.float32)
    for first in itertools.count(0, BATCH):
        indices = np.arange(first, first + BATCH, dtype=np.uint64)
        yield session.run(artifact.Rows(seeds, indices, (indices % 10).astype(np.int64), ones))


def _work(model: Path, cores: set[int], asked: Any, ready: Any) -> None:
    """On these cores: a batch whenever one is asked for, thrown away."""
    os.sched_setaffinity(0, cores)
    made = _made(model, SEED)
    next(made)
    ready.set()
    while True:
        asked.acquire()
        next(made)
