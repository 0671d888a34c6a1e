"""Callers that go on whatever happens."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

import numpy as np

WAIT_SECONDS = 120.0


class Readers:
    """Threads that call again and again, while the block lasts."""

    def __init__(self, count: int, call: Callable[[int], object], pause: float = 0.0) -> None:
        """call: with the thread's number; an exception is a failure. pause: seconds between calls."""
        self.times: list[float] = []
        self.failures: list[str] = []
        self._call = call
        self._pause = pause
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(number,)) for number in range(count)]

    def _read(self, number: int) -> None:
        while not self._done.wait(self._pause):
            start = time.perf_counter()
            try:
                self._call(number)
            except Exception as error:  # counted, whatever it is
                self.failures.append(" ".join(f"{type(error).__name__}: {error}".split())[:200])
            self.times.append(time.perf_counter() - start)

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def quantile(self, share: float) -> float:
        """Of the seconds that calls took."""
        return float(np.quantile(self.times, share)) if self.times else float("nan")


def until(holds: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Wait for something to become true; ends the program if it does not."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"error: waited {seconds:g} s in vain until {what}")
        time.sleep(0.1)
