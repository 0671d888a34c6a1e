"""What a batch costs: sizes are timed at load, and the pace is followed in service."""

from __future__ import annotations

import bisect
import contextlib
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise

import numpy as np

from service.runtime import device

# Batch sizes that may become buckets. Powers of two waste up to half a batch on padding; the steps between waste less.
LADDER = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
# Steps from one size to its double where sizes are refined.
STEPS = 8
# A batch size within 6 % of the best rate is as good: starts on an idle machine differ by as much, and a smaller one
# lets newcomers wait less and leaves rows to be computed while answers are sent.
GOOD_ENOUGH = 0.94
# A newcomer waits for the running batch, and memory for activations is kept for good: with up to 0.1 s a batch the
# service of a 7 MFLOP generator held up to 140 MiB beside model and runtime, with up to 0.03 s it holds 35.
BATCH_SECONDS_LIMIT = 0.03
# For the timed runs of one batch size, and for all of it.
CALIBRATION_SECONDS = 0.02
CALIBRATION_LIMIT_SECONDS = 1.0
# Batch seconds over which the pace that is met in service replaces the one before, and limits of what one batch says.
PACE_SECONDS = 10.0
PACE_WEIGHT = 0.05
PACE_RANGE = (0.25, 8.0)
# What the scheduler adds to every batch, measured: it decides the batch size of very small generators.
BATCH_OVERHEAD_SECONDS = 1e-4
# What a batch loses in service beside that, when sizes are compared: between two batches other threads have the core
# and its caches. From what readers got with sizes whose bare times a row are alike: 32 against 64 rows of a
# convolutional generator of 28 x 28 0.9 ms, 64 against 128 rows of one of 8 x 8 0.4; between the two.
HAND_OVER_SECONDS = 6e-4
BUFFER_BYTES_LIMIT = 2**26

Alone = Callable[[], AbstractContextManager[None]]


def ladder(max_batch: int, sample_bytes: int) -> list[int]:
    """Batch sizes to try, ascending, at least one: up to max_batch rows and BUFFER_BYTES_LIMIT of samples."""
    return [n for n in LADDER if n <= max_batch and (n * sample_bytes <= BUFFER_BYTES_LIMIT or n == LADDER[0])]


def time_of(run: Callable[[], object], shared: bool = False, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of one batch: the least of a few runs, since whatever disturbs a run only adds to it.

    shared: other lanes take turns with this one. Then it is the median: the least would be a run that met no other.
    clock:  time.thread_time where the calling thread does all the work: other processes' turns do not count.
    """
    times: list[float] = []
    spent = 0.0
    while len(times) < 3 or (len(times) < 12 and spent < CALIBRATION_SECONDS):
        began, start = time.perf_counter(), clock()
        run()
        times.append(clock() - start)
        spent += time.perf_counter() - began
    return (statistics.median if shared else min)(times[1:]) + BATCH_OVERHEAD_SECONDS


def calibrate(
    sizes: list[int], seconds: Callable[[int], float], alone: Alone = contextlib.nullcontext
) -> dict[int, float]:
    """Seconds of each batch size worth having.

    sizes:   from `ladder`. They are tried upwards only while they pay, so that this takes about half a second.
    seconds: time of one batch of a size; may raise that the device has no memory for it.
    alone:   entered around each timing.
    """
    spent = 0.0  # without the waits for the device
    found: dict[int, float] = {}

    def measure(n: int) -> float:
        nonlocal spent
        with alone():
            start = time.perf_counter()
            try:
                return seconds(n)
            finally:
                spent += time.perf_counter() - start

    for n in sizes:
        try:
            found[n] = measure(n)
        except Exception as error:
            if not device.out_of_memory(error) or not found:
                raise
            break
        best = min(found, key=lambda size: found[size] / size)
        # Three sizes in a row that are no better end the climb, and so does a batch too long to wait for.
        late = spent > CALIBRATION_LIMIT_SECONDS
        if late or found[n] > BATCH_SECONDS_LIMIT or len(found) - list(found).index(best) > 3:
            break
    # Again, against disturbances; a slow generator need not be disturbed twice to be priced well enough.
    if spent < CALIBRATION_LIMIT_SECONDS / 2:
        found = {n: min(seconds, measure(n)) for n, seconds in found.items()}
    return found


class Costs:
    """Predicted seconds of batches on one of several lanes that are all busy."""

    def __init__(self, seconds: dict[int, float]) -> None:
        """seconds: of each batch size, ascending, from `calibrate`; those above the best one are left out."""
        self.best_batch = _best(seconds)
        self._seconds = {n: time for n, time in seconds.items() if n <= self.best_batch}
        # Time of batches in service over their time as calibrated. One number for all sizes: the shape of the costs is
        # the generator's, and how fast the device is at the moment depends on what else runs there.
        self._pace = 1.0

    def refine(self) -> None:
        """Have sizes between the timed ones as well, at steps of an eighth, priced along the line from one to the next.

        For a device where a further size costs next to nothing: what a batch is padded with takes time like any row,
        and a fifth of all rows were padding where readers ask for single rows.
        """
        timed = list(self._seconds)
        fine = {timed[0]: self._seconds[timed[0]]}
        for low, high in pairwise(timed):
            sizes = [*range(low, high, max(1, low // STEPS)), high]
            fine.update(
                zip(sizes, np.interp(sizes, (low, high), (self._seconds[low], self._seconds[high])), strict=True)
            )
        self._seconds = {n: float(seconds) for n, seconds in fine.items()}

    @property
    def buckets(self) -> tuple[int, ...]:
        """Batch sizes that run, ascending; a batch is padded to the next of them."""
        return tuple(self._seconds)

    @property
    def rate(self) -> float:
        """Samples per second of one lane with full batches: as calibrated, then as met in service."""
        return self.best_batch / (self._seconds[self.best_batch] * self._pace)

    def bucket(self, n: int) -> int:
        """The batch size that n rows are padded to; n in [1, best_batch]."""
        buckets = self.buckets
        return buckets[bisect.bisect_left(buckets, n)]

    def seconds(self, n: int) -> float:
        """Predicted time of n rows; n >= 1, split if above best_batch."""
        full, rest = divmod(n, self.best_batch)
        calibrated = full * self._seconds[self.best_batch] + (self._seconds[self.bucket(rest)] if rest else 0.0)
        return calibrated * self._pace

    def learn(self, n: int, seconds: float) -> None:
        """Take what a batch of n rows took in service into account; any thread may call."""
        if n > self.best_batch:  # given up meanwhile
            return
        low, high = PACE_RANGE
        ratio = min(high, max(low, seconds / self._seconds[self.bucket(n)]))
        # A single batch weighs little, however long: the machine may have slept.
        self._pace += (ratio - self._pace) * min(PACE_WEIGHT, seconds / PACE_SECONDS)

    def give_up(self, bucket: int) -> None:
        """Run no batches of this size or a larger one any more; a smaller one is left."""
        self._seconds = {n: seconds for n, seconds in self._seconds.items() if n < bucket}
        self.best_batch = max(self._seconds)


def _best(seconds: dict[int, float]) -> int:
    """The smallest of the good sizes: as fast as the best one, and a newcomer waits less for the running batch."""
    rates = {n: n / (time + HAND_OVER_SECONDS) for n, time in seconds.items()}
    return min(n for n, rate in rates.items() if rate >= GOOD_ENOUGH * max(rates.values()))
