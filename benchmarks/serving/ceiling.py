"""What these cores give at most: in-process ONNX Runtime at its best batch size and number of callers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from service import artifact
from service.runtime.session import Session

CORES = len(os.sched_getaffinity(0))


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
        rows = _rows(1, self.batch)
        cpu = time.process_time()
        runs = call_for(seconds, self.callers, lambda _: self._session.run(rows))
        samples = self.batch * sum(len(times) for times in runs)
        return self.batch * calls_per_second(runs), samples / (time.process_time() - cpu)

    def samples(self, seed: int, n: int) -> bytes:
        """Of the first n indices of a seed, label 0: what every server of the file has to answer."""
        return self._session.run(_rows(seed, n)).tobytes()


def _rows(seed: int, n: int) -> artifact.Rows:
    columns = (np.full(n, artifact.mix_seed(seed)), np.arange(n), np.zeros(n), np.ones(n))
    return artifact.Rows(*(column.astype(t) for column, t in zip(columns, artifact.INPUTS.values(), strict=True)))


def call_for(seconds: float, callers: int, call: Callable[[int], object]) -> list[list[float]]:
    """Call from so many threads for so long, and let the last calls end; the times of each thread's calls.

    Raises what a call raises.
    """
    times: list[list[float]] = [[] for _ in range(callers)]
    end = time.perf_counter() + seconds

    def loop(number: int) -> None:
        before = time.perf_counter()
        while before < end:
            call(number)
            now = time.perf_counter()
            times[number].append(now - before)
            before = now

    with ThreadPoolExecutor(callers) as pool:
        for done in [pool.submit(loop, number) for number in range(callers)]:
            done.result()
    return times


def calls_per_second(runs: list[list[float]]) -> float:
    """Of all threads, each over its own time: no call is cut off at the end, however long it takes."""
    return sum(len(times) / sum(times) for times in runs if times)
