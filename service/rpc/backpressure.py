"""What callers have sent and have not read: how much memory it may hold."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from service.errors import AnswersUnread
from service.metrics import Metrics

# A connection may hold at most 1/PARTS of the remaining budget.
PARTS = 4
# An answer on a slow network is soon read; one that is not read stays until the connection is closed, about half a
# minute later.
RETRY_SECONDS = 1.0


class Unread:
    """Bytes of answers that gRPC has taken and not sent yet, for each connection, and of large requests that are not
    answered. Used from any thread.

    gRPC takes an answer at once and keeps it, twice (Python's bytes and its own), until the caller has read it, so a
    caller that asks and does not read could fill the memory. Each connection's share is a part of the
    remaining budget: one that stalls holds a fifth of the limit, four hold six tenths, and readers keep the rest.
    """

    def __init__(self, limit: int, metrics: Metrics) -> None:
        """limit: bytes, of all connections; exceeded by one answer at most."""
        self.bytes = 0
        self._limit = limit
        self._waiting: dict[str, int] = {}
        self._lock = threading.Lock()
        self._refused = metrics.refused.labels("unread")
        metrics.unread.set_function(lambda: self.bytes)

    def check(self, connection: str) -> None:
        """Before any work for a connection; raises AnswersUnread if the connection may not have another answer."""
        if PARTS * self._waiting.get(connection, 0) + self.bytes >= self._limit:
            self._refuse(connection)

    def hold(self, connection: str, size: int) -> Callable[[], None]:
        """Count an answer, or a request, of `size` bytes; returns what to call when it is gone.

        Raises AnswersUnread where there is no room: the answer must be dropped. A connection's only one needs no more
        room than `check` asks for, so that an answer above the limit can be had at all.
        """
        with self._lock:
            waiting = self._waiting.get(connection, 0)
            if PARTS * (waiting + size if waiting else 0) + self.bytes > self._limit:
                self._refuse(connection)
            self._waiting[connection] = waiting + size
            self.bytes += size
        return partial(self._release, connection, size)

    def _release(self, connection: str, size: int) -> None:
        with self._lock:
            self.bytes -= size
            left = self._waiting.get(connection, 0) - size
            if left:
                self._waiting[connection] = left
            else:
                self._waiting.pop(connection, None)  # gone already where answers were empty

    def _refuse(self, connection: str) -> None:
        self._refused.inc()
        raise AnswersUnread(
            f"{self.bytes:,} bytes of answers wait to be read, or of samples to be carried, "
            f"{self._waiting.get(connection, 0):,} of them on this connection; at most {self._limit:,} may: read what "
            "is answered, have fewer calls in flight, or fewer samples in a call",
            RETRY_SECONDS,
        )
