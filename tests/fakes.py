"""Small stand-ins for the service's parts: an engine whose samples say which rows made them, a clock moved by hand."""

from __future__ import annotations

import threading

import numpy as np

from service import artifact


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Engine:
    """A batch of up to `best_batch` rows; sample = (index, label) as int64 [2]; one second per full batch, predicted.

    With `held` set, every batch waits until `release` lets one pass. `batches` records the indices of each batch.
    """

    sample_shape = (2,)
    sample_dtype = np.dtype(np.int64)
    scored_cost = 2.0
    transform_cost = 4.0

    def __init__(self, best_batch: int = 8, lanes: int = 1, held: bool = False) -> None:
        self.best_batch = best_batch
        self.transform_batch = best_batch // 2
        self.lanes = lanes
        self.capacity_samples_per_second = float(best_batch * lanes)
        self.batches: list[list[int]] = []
        self.learnt: list[int] = []
        self.fault: Exception | None = None
        self.closed = False
        self.started = threading.Semaphore(0)
        self._held = held
        self._gate = threading.Semaphore(0)

    def bucket(self, n: int) -> int:
        return self.best_batch

    def seconds(self, n: int) -> float:
        return -(-n // self.best_batch) * 1.0

    def run(self, rows: artifact.Rows, lane: int = 0) -> np.ndarray:
        self.started.release()
        if self._held:
            assert self._gate.acquire(timeout=60)
        assert not self.closed
        self.batches.append(rows.index.tolist())
        if self.fault:
            raise self.fault
        return np.stack([rows.index.astype(np.int64), rows.label], axis=1)

    def run_scored(self, rows: artifact.Rows, lane: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The score of index i is (7 i mod 10) / 10."""
        return self.run(rows, lane), (rows.index * np.uint64(7) % np.uint64(10)).astype(np.float32) / 10

    def run_transform(self, originals: artifact.Originals, lane: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """(the second value, the target), and the source; the batch is recorded by minus its first values."""
        self.started.release()
        if self._held:
            assert self._gate.acquire(timeout=60)
        assert not self.closed
        self.batches.append((-originals.content[:, 0]).tolist())
        if self.fault:
            raise self.fault
        return np.stack([originals.content[:, 1], originals.target], axis=1), originals.source

    def transform_bucket(self, n: int) -> int:
        return self.transform_batch

    def learn_transform(self, n: int, seconds: float) -> None:
        self.learnt.append(-n)

    def learn(self, n: int, seconds: float) -> None:
        self.learnt.append(n)

    def close(self) -> None:
        self.closed = True

    def release(self, batches: int = 1) -> None:
        """Let so many held batches pass."""
        self._gate.release(batches)

    def free(self) -> None:
        """Hold no batch any more."""
        self._held = False
        self._gate.release(1000)
