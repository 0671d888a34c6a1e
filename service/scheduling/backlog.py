"""Rows that wait for one generator: who is next, and how much there is. Pure bookkeeping: no threads, no clock.

Fairness is deficit round robin between callers, with the newcomers' list of FQ-CoDel (RFC 8290): a caller without a
backlog goes before those that have one, for one turn, so that a single row never waits for a bulk reader's pages.
A turn is worth one full batch, because the seconds of one generator's rows are proportional to their number. A row that
costs more than others (one with a score, one to be carried into another class) counts for as many: the load of rows is
the number of plain ones that take as long.

A batch is of one sort: the first row's. Callers whose next rows are of another keep their places, and are first in the
batch that follows.

A batch that carries a newcomer's few rows is cut short: they would wait for the bulk rows beside them.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

# A newcomer's rows are few up to this part of a batch; beyond it, short batches would cost too much of the device.
FEW = 8


class Waiting(Protocol):
    """What the backlog needs to know of a request."""

    n: int  # rows in all
    taken: int  # rows handed out so far; the backlog counts it up
    deadline: float  # on the scheduler's clock, seconds
    cost: float  # of a row, above 0: 1 for a plain one
    carries: bool  # its sort


Request = TypeVar("Request", bound=Waiting)


class Segment(NamedTuple, Generic[Request]):
    """Rows [start, stop) of one request."""

    request: Request
    start: int
    stop: int


@dataclass(eq=False)
class _Caller(Generic[Request]):
    name: str
    credit: int  # load that its turn still allows
    load: float = 0.0
    requests: OrderedDict[Request, None] = field(default_factory=OrderedDict)


class Backlog(Generic[Request]):
    """The queue of one generator."""

    def __init__(self, turn: int) -> None:
        """turn: rows that a caller may take before others are asked; one full batch."""
        self._turn = turn
        self._callers: dict[str, _Caller[Request]] = {}
        self._fresh: deque[_Caller[Request]] = deque()
        self._known: deque[_Caller[Request]] = deque()
        self.rows = 0
        self.load = 0.0

    def push(self, caller: str, request: Request) -> None:
        """Add a request of which no row has been taken."""
        who = self._callers.get(caller)
        if who is None:
            who = self._callers[caller] = _Caller(caller, self._turn)
            self._fresh.append(who)
        who.requests[request] = None
        load = request.n * request.cost
        who.load += load
        self.rows += request.n
        self.load += load

    def remove(self, caller: str, request: Request) -> int:
        """Forget what is left of a request; returns the rows that had not been taken, 0 if it is not here."""
        who = self._callers.get(caller)
        if who is None or request not in who.requests:
            return 0
        del who.requests[request]
        left = request.n - request.taken
        self._gone(who, left, left * request.cost)
        return left

    def _gone(self, who: _Caller[Request], rows: int, load: float) -> None:
        self.rows -= rows
        # What was added and taken away in parts need not be nothing to the last bit.
        self.load = self.load - load if self.rows else 0.0
        who.load = who.load - load if who.requests else 0.0

    def load_before(self, caller: str, load: float) -> float:
        """What runs before the last of new rows of this caller, these included, if no other caller comes."""
        who = self._callers.get(caller)
        own = load + (who.load if who else 0)
        return own + sum(min(other.load, own + self._turn) for other in self._callers.values() if other is not who)

    def take(self, limits: tuple[int, int], now: float) -> tuple[list[Segment[Request]], list[Request]]:
        """Form a batch, or half of one if it carries a newcomer's few rows.

        limits:  rows of a batch of plain rows, and of one that carries.
        returns: the segments, and the requests that were dropped because their deadline has passed.
        """
        batch: list[Segment[Request]] = []
        expired: list[Request] = []
        # Callers of another sort, newcomers and others, each in their order.
        aside: tuple[list[_Caller[Request]], list[_Caller[Request]]] | None = None
        room = limit = 1
        newcomers = 0  # rows
        while room > 0 and (ring := self._fresh or self._known):
            if ring is self._known and 0 < newcomers <= limit // FEW:
                room = min(room, max(limit // 2, newcomers) - newcomers)
                newcomers = 0
                continue
            who = ring[0]
            if not who.requests:
                ring.popleft()
                # A newcomer that comes back at once must not stay a newcomer, or it would starve the others.
                if ring is self._fresh and (self._known or (aside and aside[1])):
                    self._known.append(who)
                else:
                    del self._callers[who.name]
                continue
            if who.credit <= 0:
                ring.popleft()
                who.credit += self._turn
                self._known.append(who)
                continue
            request = next(iter(who.requests))
            if request.deadline <= now:
                self.remove(who.name, request)
                expired.append(request)
                continue
            if not batch:
                room = limit = limits[request.carries]
            elif request.carries is not batch[0].request.carries:
                aside = aside or ([], [])
                aside[ring is self._known].append(ring.popleft())
                continue
            plain = request.cost == 1.0
            rows = min(room, who.credit if plain else math.ceil(who.credit / request.cost), request.n - request.taken)
            start = request.taken
            if batch and batch[-1].request is request:
                start = batch.pop().start  # its turn ended and began again within this batch
            request.taken += rows
            batch.append(Segment(request, start, request.taken))
            load = rows * request.cost
            who.credit -= rows if plain else math.ceil(load)
            room -= rows
            if ring is self._fresh:
                newcomers += rows
            if request.taken == request.n:
                del who.requests[request]
            self._gone(who, rows, load)
        if aside:
            self._fresh.extendleft(reversed(aside[0]))
            self._known.extendleft(reversed(aside[1]))
        return batch, expired
