"""Fetches ahead of the consumer: as far as it takes to keep it from waiting, and no further."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from augmint.errors import InvalidRequest
from augmint.threads import Pool, close_at_exit

Task = TypeVar("Task")
Result = TypeVar("Result")

# In flight at once; further ones only queue at the service.
THREADS = 8
# Fetches ahead at most, whatever their size.
FARTHEST = 64
# A wait shorter than this share of the time between two takes is not worth fetching further ahead for.
TOLERATED = 0.01
# Takes without a wait after which the distance is reconsidered.
PATIENCE = 64
# A fetch ends by its own deadline; a consumer that stops, by Ctrl-C too, waits for it no longer than this.
FAREWELL_S = 0.2


@dataclass(frozen=True, slots=True)
class Stats:
    """How a loop over a stream went, since the stream was made.

    batches, samples: delivered.
    startup_seconds:  until the first batch of each pass.
    seconds:          from there on, the training steps included; waited_seconds: of these, waiting for samples.
    ahead:            fetches that are kept ahead now; 0 if workers in other processes do that.
    """

    batches: int
    samples: int
    startup_seconds: float
    seconds: float
    waited_seconds: float
    ahead: int

    @property
    def stall_share(self) -> float:
        """Share of the time that the loop waited for samples, in [0, 1]."""
        return self.waited_seconds / self.seconds if self.seconds else 0.0


class Meter:
    """Measures one consumer: `begin()` at each pass, then `with waiting():` around each take."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._last: float | None = None
        self.ahead = 0
        self._batches = self._samples = 0
        self._startup = self._seconds = self._waited = 0.0

    def begin(self) -> None:
        """A pass begins; what was between two passes is nobody's wait."""
        self._last = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around the wait for one batch; an exception is no batch and leaves the counts alone."""
        began = self._clock()
        yield
        now = self._clock()
        if self._last is None:
            self._startup += now - began
        else:
            self._waited += now - began
            self._seconds += now - self._last
        self._last = now

    def delivered(self, samples: int) -> None:
        """The consumer has been given a batch of this many samples."""
        self._batches += 1
        self._samples += samples

    def stats(self) -> Stats:
        """Until now."""
        return Stats(self._batches, self._samples, self._startup, self._seconds, self._waited, self.ahead)


class Distance:
    """How many fetches to keep ahead: half as many more after a wait, one fewer when half of them always lay idle."""

    def __init__(self, limit: int) -> None:
        """limit: never more than so many, at least 1."""
        self.limit = max(1, limit)
        self.value = min(2, self.limit)
        self._calm, self._least = 0, limit

    def observe(self, waited: bool, ready: int) -> None:
        """After each take: whether the consumer had to wait for it, and how many more lie ready."""
        self._calm, self._least = self._calm + 1, min(self._least, ready)
        if waited:
            self.value = min(self.limit, self.value + max(1, self.value // 2))
        elif self._calm < PATIENCE:
            return
        elif 2 * self._least > self.value > 2:
            self.value -= 1
        self._calm, self._least = 0, self.limit


class Prefetch(Generic[Task, Result]):
    """The results of fetch(order) in the order of the orders, fetched on threads before they are asked for.

    Close it: an iterator that is left half-way keeps fetching no further, but its threads stay until then.
    """

    def __init__(
        self,
        orders: Iterator[Task],
        fetch: Callable[[Task], Result],
        limit: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """fetch: thread-safe, ends by itself. limit: results held or under way at once, at least 1."""
        self._orders = orders
        self._fetch = fetch
        self._clock = clock
        self._process = os.getpid()
        self._pool = Pool(THREADS, "augmint-prefetch")
        self._ahead: deque[Future[Result]] = deque()
        self._last: float | None = None
        self.distance = Distance(min(limit, FARTHEST))
        self._closed = False
        close_at_exit(self, turn=1)  # after the clients, whose calls it would wait for

    def __iter__(self) -> Prefetch[Task, Result]:
        return self

    def __next__(self) -> Result:
        if os.getpid() != self._process:
            # Its threads exist in the parent only, so nothing would ever come.
            raise InvalidRequest("this iterator was begun before a fork; make a new one in the child")
        self._fill()
        if not self._ahead:
            raise StopIteration
        began = self._clock()
        result = self._ahead.popleft().result()
        now = self._clock()
        if self._last is not None:
            late = now - began > TOLERATED * (now - self._last)
            self.distance.observe(late, sum(future.done() for future in self._ahead))
        self._last = now
        self._fill()
        return result

    def close(self) -> None:
        """Fetch no further; returns when what is under way has ended, or after a moment."""
        if self._closed:  # perhaps by an exit, in which this module has ended as well
            return
        self._closed = True
        self._orders = iter(())
        if os.getpid() == self._process:
            self._pool.shutdown()
            wait([future for future in self._ahead if not future.cancelled()], FAREWELL_S)
        self._ahead.clear()

    def _fill(self) -> None:
        while len(self._ahead) < self.distance.value:
            order = next(self._orders, None)
            if order is None:
                return
            self._ahead.append(self._pool.submit(self._fetch, order))
