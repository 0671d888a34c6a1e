"""Hands out what was computed: one thread settles requests while the lanes compute the next ones."""

from __future__ import annotations

import queue as queues
import threading
from collections.abc import Sequence

from service.scheduling.queue import Request


class Answers:
    """Settles the futures of computed requests, in the order in which they are given."""

    def __init__(self) -> None:
        self._waiting: queues.SimpleQueue[tuple[Sequence[Request], Exception | None] | None] = queues.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="answers", daemon=True)
        self._thread.start()

    def give(self, requests: Sequence[Request], error: Exception | None = None) -> None:
        """Have the thread settle requests, as `settle` does: one wake-up for all of them."""
        self._waiting.put((requests, error))

    def close(self) -> None:
        """Answer what was given, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while self._next():
            pass

    def _next(self) -> bool:
        # A frame of its own: answers are large, and the last must not stay until the next comes.
        item = self._waiting.get()
        if item is None:
            return False
        settle(*item)
        return True


def settle(requests: Sequence[Request], error: Exception | None = None) -> None:
    """Answer requests with what they hold, or with an error, on the thread that calls."""
    for request in requests:
        # False: its caller has gone, and its neighbours must not notice.
        if not request.result.set_running_or_notify_cancel():
            continue
        if error is not None:
            request.result.set_exception(error)
        elif request.beside is not None:
            request.result.set_result((request.samples, request.beside))
        else:
            request.result.set_result(request.samples)
