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
from service.scheduling.order import Carry, Order


class Runs(Protocol):
    """What the scheduler needs of an engine: see service.runtime.engine.Engine."""

    sample_shape: tuple[int, ...]
    sample_dtype: np.dtype
    scored_cost: float

    @property
    def transform_batch(self) -> int: ...
    @property
    def transform_cost(self) -> float: ...
    @property
    def best_batch(self) -> int: ...
    @property
    def capacity_samples_per_second(self) -> float: ...
    def bucket(self, n: int) -> int: ...
    def seconds(self, n: int) -> float: ...
    def run(self, rows: artifact.Rows, lane: int = 0) -> np.ndarray: ...
    def run_scored(self, rows: artifact.Rows, lane: int = 0) -> tuple[np.ndarray, np.ndarray]: ...
    def run_transform(self, originals: artifact.Originals, lane: int = 0) -> tuple[np.ndarray, np.ndarray]: ...
    def transform_bucket(self, n: int) -> int: ...
    def learn_transform(self, n: int, seconds: float) -> None: ...
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
        load = self.backlog.load
        return load > 0 and (not self.running or PART * load >= self.engine.best_batch)

    @property
    def limits(self) -> tuple[int, int]:
        """Rows of a full batch, and of one that carries samples into other classes."""
        return self.engine.best_batch, self.engine.transform_batch

    def work(self, load: float) -> float:
        """Predicted seconds of the whole device, all lanes, for the work of `load` plain rows."""
        return load / self.engine.capacity_samples_per_second


@dataclass(eq=False, slots=True)
class Request:
    """A request carries its own answer."""

    order: Order | Carry
    n: int
    key: np.uint64
    caller: str
    deadline: float
    queue: Queue
    result: Future[Any]  # the samples, or samples and what is beside them
    arrived: float
    cost: float = 1.0  # of a row, as a multiple of a plain one's
    taken: int = 0
    left: int = 0  # rows that are not computed yet
    samples: np.ndarray | None = None  # made with the first batch: a long queue holds no memory for answers
    # Scores, float32 [n], if they were asked for; of what is carried the class that it was of, int64 [n].
    beside: np.ndarray | None = None
    carries: bool = False  # the order is a Carry

    @property
    def load(self) -> float:
        """Its work, as a number of plain rows."""
        return self.n * self.cost

    @property
    def work(self) -> float:
        """Predicted seconds of the whole device."""
        return self.queue.work(self.n * self.cost)


def rows_of(batch: list[Segment[Request]], n: int) -> artifact.Rows:
    """The n addresses of a batch of orders, in the order of its segments."""
    rows = artifact.Rows(*(np.empty(n, dtype) for dtype in artifact.INPUTS.values()))
    position = 0
    for request, first, last in batch:
        order, here = request.order, slice(position, position + last - first)
        assert isinstance(order, Order)
        rows.seed[here] = request.key
        if order.indices is None:
            rows.index[here] = np.arange(order.start_index + first, order.start_index + last, dtype=np.uint64)
        else:
            rows.index[here] = order.indices[first:last]
        rows.label[here] = order.labels[first:last]
        rows.truncation[here] = order.truncation
        position = here.stop
    return rows


def originals_of(batch: list[Segment[Request]]) -> artifact.Originals:
    """The samples of a batch that carries, in the order of its segments; of a single one they are not copied."""
    parts = []
    for request, first, last in batch:
        assert isinstance(request.order, Carry)
        given = request.order.originals
        columns = (given.content, given.target, given.source, given.strength)
        parts.append([column[first:last] for column in columns])
    if len(parts) == 1:
        return artifact.Originals(*parts[0])
    return artifact.Originals(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def hand_out(batch: list[Segment[Request]], samples: np.ndarray, beside: np.ndarray | None) -> None:
    """Copy what was computed for a batch to its requests, but for those that are settled or cancelled.

    samples, beside: in the order of rows_of, or originals_of.
    """
    position = 0
    for request, first, last in batch:
        rows = last - first
        if not request.result.done() and request.samples is not None:
            request.samples[first:last] = samples[position : position + rows]
            if request.beside is not None and beside is not None:
                request.beside[first:last] = beside[position : position + rows]
        position += rows
