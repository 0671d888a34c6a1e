"""Requests to stop, kept until a run can honour them: SIGINT, SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from training.run.processes import ProcessLost


@contextmanager
def stop_requests(impatient: bool) -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM instead of raising in the middle of a step.

    impatient: a second one ends at once. Not under torchrun, which passes on what the keyboard has sent already.

    Raises KeyboardInterrupt if SIGINT came and other processes, which heed it at once elsewhere, were first to leave.
    """
    received: list[int] = []

    def remember(number: int, frame: object) -> None:
        if impatient and received:
            raise KeyboardInterrupt
        received.append(number)

    previous = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    except ProcessLost:
        if signal.SIGINT in received:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
