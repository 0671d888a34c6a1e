"""A generator's queue, its requests, and the rows of a batch of them. No threads, no clock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from service import artifact
from service.metrics import Meters
from service.scheduling.backlog import Backlog, Segment
from service.scheduling.order import Order


class Runs(Protocol):
    """What the scheduler needs of an engine: see service.runtime.engine.Engine."""

    sample_shape: tuple[int, ...]
    sample_dtype: np.dtype
    scored_cost: float

    @property
    def best_batch(self) -> int: ...
    @property
    def capacity_samples_per_second(self) -> float: ...
    def bucket(self, n: int) -> int: ...
    def seconds(self, n: int) -> float: ...
    def run(self, rows: artifact.Rows, lane: int = 0) -> np.ndarray: ...
    def run_scored(self, rows: artifact.Rows, lane: int = 0) -> tuple[np.ndarray, np.ndarray]: ...
    def learn(self, n: int, seconds: float) -> None: ...
    def close(self) -> None: ...


# Called with what a lane computed: the addresses and their samples, in the lane's own memory until it returns.
Observer = Callable[[artifact.Rows, np.ndarray], None]

# Fewer waiting rows than this part of a full batch are left to the lane that computes their generator already: a batch
# of a few rows takes nearly the time of one of many (the weights come from memory for either), so a second lane would
# halve the batches and give the two of them to the same callers. 32 readers of one row got 1.3 times the calls, 16 of
# 32 rows 1.05 times, and one row beside a bulk reader waited no longer. An eighth gained less, a half no more.
PART = 4


@dataclass(eq=False)
class Queue:
    """One generator's place in the scheduler."""

    engine: Runs
    meters: Meters
    backlog: Backlog[Request] = field(init=False)
    observer: Observer | None = None
    served: float = 0.0  # work seconds had so far; the backlogged queue with the least goes next
    running: int = 0  # batches on the lanes
    removed: bool = False

    def __post_init__(self) -> None:
        self.backlog = Backlog(self.engine.best_batch)

    @property
    def due(self) -> bool:
        """Whether an idle lane should take a batch."""
        rows = self.backlog.rows
        return rows > 0 and (not self.running or PART * rows >= self.engine.best_batch)

    def work(self, rows: float) -> float:
        """Predicted seconds of the whole device, all lanes, for a number of rows."""
        return rows / self.engine.capacity_samples_per_second


@dataclass(eq=False, slots=True)
class Request:
    """A request carries its own answer."""

    order: Order
    n: int
    key: np.uint64
    caller: str
    deadline: float
    queue: Queue
    result: Future[Any]  # the samples, or samples and scores
    arrived: float
    taken: int = 0
    left: int = 0  # rows that are not computed yet
    samples: np.ndarray | None = None  # made with the first batch: a long queue holds no memory for answers
    scores: np.ndarray | None = None  # float32 [n], if they were asked for

    @property
    def work(self) -> float:
        """Predicted seconds of the whole device."""
        return self.queue.work(self.n) * (1.0 if self.scores is None else self.queue.engine.scored_cost)


def rows_of(batch: list[Segment[Request]], n: int) -> artifact.Rows:
    """The n addresses of a batch, in the order of its segments."""
    rows = artifact.Rows(*(np.empty(n, dtype) for dtype in artifact.INPUTS.values()))
    position = 0
    for request, first, last in batch:
        order, here = request.order, slice(position, position + last - first)
        rows.seed[here] = request.key
        if order.indices is None:
            rows.index[here] = np.arange(order.start_index + first, order.start_index + last, dtype=np.uint64)
        else:
            rows.index[here] = order.indices[first:last]
        rows.label[here] = order.labels[first:last]
        rows.truncation[here] = order.truncation
        position = here.stop
    return rows


def hand_out(batch: list[Segment[Request]], samples: np.ndarray, scores: np.ndarray | None) -> None:
    """Copy what was computed for a batch to its requests, but for those that are settled or cancelled.

    samples, scores: of the batch's addresses, in the order of rows_of.
    """
    position = 0
    for request, first, last in batch:
        rows = last - first
        if not request.result.done() and request.samples is not None:
            request.samples[first:last] = samples[position : position + rows]
            if request.scores is not None and scores is not None:
                request.scores[first:last] = scores[position : position + rows]
        position += rows
