"""Rows that wait for one generator: who is next, and how much there is. Pure bookkeeping: no threads, no clock.

Fairness is deficit round robin between callers, with the newcomers' list of FQ-CoDel (RFC 8290): a caller without a
backlog goes before those that have one, for one turn, so that a single row never waits for a bulk reader's pages.
A turn is worth one full batch, because the seconds of one generator's rows are proportional to their number.

A batch that carries a newcomer's few rows is cut short: they would wait for the bulk rows beside them.
"""

from __future__ import annotations

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


Request = TypeVar("Request", bound=Waiting)


class Segment(NamedTuple, Generic[Request]):
    """Rows [start, stop) of one request."""

    request: Request
    start: int
    stop: int


@dataclass(eq=False)
class _Caller(Generic[Request]):
    name: str
    credit: int  # rows that its turn still allows
    rows: int = 0
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

    def push(self, caller: str, request: Request) -> None:
        """Add a request of which no row has been taken."""
        who = self._callers.get(caller)
        if who is None:
            who = self._callers[caller] = _Caller(caller, self._turn)
            self._fresh.append(who)
        who.requests[request] = None
        who.rows += request.n
        self.rows += request.n

    def remove(self, caller: str, request: Request) -> int:
        """Forget what is left of a request; returns the rows that had not been taken, 0 if it is not here."""
        who = self._callers.get(caller)
        if who is None or request not in who.requests:
            return 0
        del who.requests[request]
        left = request.n - request.taken
        who.rows -= left
        self.rows -= left
        return left

    def rows_before(self, caller: str, n: int) -> int:
        """Rows that run before the last of n new rows of this caller, these included, if no other caller comes."""
        who = self._callers.get(caller)
        own = n + (who.rows if who else 0)
        return own + sum(min(other.rows, own + self._turn) for other in self._callers.values() if other is not who)

    def take(self, limit: int, now: float) -> tuple[list[Segment[Request]], list[Request]]:
        """Form a batch of at most `limit` rows, or of half as many if it carries a newcomer's few rows.

        returns: the segments, and the requests that were dropped because their deadline has passed.
        """
        batch: list[Segment[Request]] = []
        expired: list[Request] = []
        room = limit
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
                if ring is self._fresh and self._known:
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
            rows = min(room, who.credit, request.n - request.taken)
            start = request.taken
            if batch and batch[-1].request is request:
                start = batch.pop().start  # its turn ended and began again within this batch
            request.taken += rows
            batch.append(Segment(request, start, request.taken))
            who.credit -= rows
            who.rows -= rows
            self.rows -= rows
            room -= rows
            if ring is self._fresh:
                newcomers += rows
            if request.taken == request.n:
                del who.requests[request]
        return batch, expired
