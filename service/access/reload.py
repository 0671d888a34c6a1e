"""Files that are read again when they change: certificates, tokens, quotas."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from service.metrics import Metrics
from service.repository import layout

log = structlog.get_logger("augmint.watch")

T = TypeVar("T")


class FileError(ValueError):
    """A file cannot be used; the message names it, what is wrong and what would be right."""


class Watched(Generic[T]):
    """What the files hold. A bad change keeps what was good, and is named in the log and counted."""

    def __init__(self, name: str, files: Sequence[Path], read: Callable[[], T], metrics: Metrics) -> None:
        """Read for the first time; raises FileError.

        name: of the setting, for log and metrics.
        read: from the files to the value; raises FileError.
        """
        self.name = name
        self._files = files
        self._read = read
        self._reloads = {result: metrics.reloads.labels(name, result) for result in ("ok", "failed")}
        self._seen = self._new = self._stamps()
        self.value = read()

    def check(self) -> None:
        """Read again if the files have changed since they were read and have been at rest since the last check.

        At rest, because a certificate and its key, or the two halves of a file, are not written in the same moment.
        """
        stamps = self._stamps()
        rested, self._new = stamps == self._new, stamps
        if stamps == self._seen or not rested:
            return
        self._seen = stamps
        try:
            self.value = self._read()
        except FileError as error:
            self._reloads["failed"].inc()
            log.error("change refused, the old one stays", setting=self.name, reason=str(error))
        else:
            self._reloads["ok"].inc()
            log.info("change taken", setting=self.name, files=[str(path) for path in self._files])

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        """What tells one content of each file from another; None: it is not there."""
        stamps: list[tuple[int, int, int] | None] = []
        for path in self._files:
            try:
                found = path.stat()
            except OSError:
                stamps.append(None)
            else:
                # The number too: Kubernetes swaps a link to another file.
                stamps.append((found.st_mtime_ns, found.st_size, found.st_ino))
        return stamps


async def watch(files: Sequence[Watched], seconds: float) -> None:
    """Check again and again, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        for file in files:
            # In a thread: a network file system may hang.
            await asyncio.to_thread(file.check)


def read_text(path: Path) -> str:
    """A file's text; raises FileError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path.parent / layout.named(path)} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is no UTF-8 text: {error.reason} at byte {error.start}") from error
