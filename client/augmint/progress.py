"""One line on a terminal that says how far something is."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

WIDTH = 30
EVERY_S = 0.1


class Progress:
    """A bar, a rate and the time left, on stderr; silent where that is no terminal.

    with Progress("export", 1000) as progress:
        progress.add(10)
    """

    def __init__(self, what: str, total: int, unit: str = "samples", stream: TextIO | None = None) -> None:
        """total: of `add`; from 1."""
        self._what, self._total, self._unit = what, total, unit
        self._stream = sys.stderr if stream is None else stream
        self._shown = self._stream.isatty()
        self._done = self._skipped = 0
        self._began = self._drawn = time.monotonic()

    def add(self, count: int, skipped: bool = False) -> None:
        """So many more are done; skipped: they were done before, and say nothing about the rate."""
        self._done += count
        self._skipped += count if skipped else 0
        now = time.monotonic()
        if self._shown and (now - self._drawn >= EVERY_S or self._done >= self._total):
            self._drawn = now
            self._stream.write(f"\r{self.line(now - self._began)}\x1b[K")
            self._stream.flush()

    def line(self, seconds: float) -> str:
        """What is shown after the seconds."""
        share = min(self._done / self._total, 1.0)
        filled = int(share * WIDTH)
        rate = (self._done - self._skipped) / seconds if seconds > 0 else 0.0
        left = f"  {_clock((self._total - self._done) / rate)} left" if rate and self._done < self._total else ""
        bar = "#" * filled + "-" * (WIDTH - filled)
        return f"{self._what} [{bar}] {share:4.0%}  {self._done:,} {self._unit}  {rate:,.0f}/s{left}"

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
