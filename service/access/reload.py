"""Files that are read again when they change: certificates, tokens, quotas."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from service.files import named, stamp
from service.metrics import Metrics
from service.periodic import every

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

    def _stamps(self) -> list[str]:
        return [_stamp(path) for path in self._files]


def _stamp(path: Path) -> str:
    try:
        return stamp(path)
    except OSError as error:
        return f"error {error.errno}"


def watch(files: Sequence[Watched], seconds: float, stopped: threading.Event) -> None:
    """Check again and again, in a thread of its own: a network file system may hang."""

    def check() -> None:
        for file in files:
            file.check()

    every(seconds, check, stopped, "watched files")


def read_text(path: Path) -> str:
    """A file's text; raises FileError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path.parent / named(path)} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is no UTF-8 text: {error.reason} at byte {error.start}") from error
