"""Seconds and memory of what a process does one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Stages:
    """Seconds and MiB of each stage; the memory is what came on top of what the process had when it began."""

    def __init__(self) -> None:
        self.told: dict[str, float] = {}
        self._base = _memory("VmRSS")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
        began = time.perf_counter()
        yield
        self.told[f"{name}, s"] = time.perf_counter() - began
        self.told[f"{name}, MiB"] = max(0.0, _memory("VmHWM") - self._base)


def _memory(what: str) -> float:
    """MiB that the process has (VmRSS), or the most that it had (VmHWM) since that was forgotten."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{what}:"))
    return int(line.split()[1]) / 1024
