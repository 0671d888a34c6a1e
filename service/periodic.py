"""What is done again and again beside the calls: each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger("augmint.periodic")


def every(seconds: float, call: Callable[[], None], stopped: threading.Event, name: str) -> threading.Thread:
    """Start a thread that waits and calls, until the event is set.

    name: of the thread. An exception is a bug of ours: it is logged, and the next turn comes all the same.
    """

    def work() -> None:
        while not stopped.wait(seconds):
            try:
                call()
            except Exception:
                log.exception(f"{name} failed")

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
