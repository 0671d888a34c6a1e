"""Whether what is computed still looks like what was computed when the file was loaded."""

from __future__ import annotations

import itertools
import threading

import numpy as np

from service import artifact
from service.metrics import Outputs
from service.runtime.engine import Engine

# One batch in EVERY is looked at: a batch of 128 images of 28 x 28 takes 0.1 ms to look at and 10 to compute.
EVERY = 100
# Samples per class for the expectation; fewer where ROWS_LIMIT or SECONDS_LIMIT would be exceeded.
PER_CLASS = 32
ROWS_LIMIT = 1024
SECONDS_LIMIT = 0.25
# Weight of the past at each look: about the last 20 looks count.
MEMORY = 0.95
# A stream that readers are unlikely to ask for.
SEED = 0x6472696674


class Drift:
    """Compares mean and deviation of the samples served with those of the same classes at load.

    The same classes, because readers draw what they lack: other requests are no drift. Only samples
    with truncation 1 count, as those of the expectation.
    """

    def __init__(self, engine: Engine, classes: int, outputs: Outputs, every: int = EVERY) -> None:
        """Compute what to expect, with an engine that is not in use yet."""
        self._outputs = outputs
        self._every = every
        self._looks = itertools.count(1)
        self._lock = threading.Lock()
        self._sums = np.zeros(5)  # samples; mean and mean square, of them and as expected
        limit = max(1, int(min(ROWS_LIMIT, engine.capacity_samples_per_second * SECONDS_LIMIT)))
        each = max(1, min(PER_CLASS, limit // classes))
        labels = np.repeat(np.arange(min(classes, limit)), each)
        parts = []
        for start in range(0, len(labels), engine.best_batch):
            part = labels[start : start + engine.best_batch]
            n = len(part)
            columns = (np.full(n, artifact.mix_seed(SEED)), np.arange(start, start + n), part, np.ones(n))
            kinds = artifact.INPUTS.values()
            rows = artifact.Rows(*(column.astype(kind) for column, kind in zip(columns, kinds, strict=True)))
            parts.append(_moments(engine.run(rows)))
        moments = np.concatenate(parts).reshape(-1, each, 2).mean(axis=1)
        # [classes, 2]; classes beyond the limit are expected to be like the average one.
        rest = np.broadcast_to(moments.mean(axis=0), (classes - len(moments), 2))
        self._expected = np.concatenate([moments, rest])

    def __call__(self, rows: artifact.Rows, samples: np.ndarray) -> None:
        """Look at a batch, if it is the turn of this one.

        rows: n addresses; samples: sample dtype [n, *sample shape].
        """
        if next(self._looks) % self._every:
            return
        self._outputs.samples.inc(len(samples))
        moments = _moments(samples)
        finite = np.isfinite(moments).all(axis=1)
        self._outputs.nonfinite.inc(len(samples) - int(finite.sum()))
        chosen = finite & (rows.truncation == 1)
        if not chosen.any():
            return
        new = [chosen.sum(), *moments[chosen].sum(axis=0), *self._expected[rows.label[chosen]].sum(axis=0)]
        with self._lock:
            self._sums = MEMORY * self._sums + new
            _, mean, square, expected_mean, expected_square = self._sums / self._sums[0]
        self._outputs.mean.set(mean)
        self._outputs.deviation.set(_deviation(mean, square))
        self._outputs.expected_mean.set(expected_mean)
        self._outputs.expected_deviation.set(_deviation(expected_mean, expected_square))


def _moments(samples: np.ndarray) -> np.ndarray:
    """Mean and mean square of each sample's elements, float64 [n, 2]; not finite if one of its elements is not."""
    flat = samples.reshape(len(samples), -1).astype(np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.stack([flat.mean(axis=1, dtype=np.float64), np.square(flat).mean(axis=1, dtype=np.float64)], axis=1)


def _deviation(mean: float, square: float) -> float:
    return float(np.sqrt(max(0.0, square - mean**2)))
