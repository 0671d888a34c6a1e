"""Files that were fetched from elsewhere, kept on this disk within a bound."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import structlog

from service import artifact

log = structlog.get_logger("augmint.cache")


class Cache:
    """A folder of files, each named `<key>-<SHA-256 of the content>`; the least recently used go first.

    Several processes may share it: files come by rename and are checked when they are read. Nothing that happens to
    the disk is an error for the caller: a file that cannot be kept is fetched again next time.
    """

    def __init__(self, folder: Path, limit_bytes: int, failed: Callable[[], None] = lambda: None) -> None:
        """folder: made if missing. failed: called whenever something cannot be kept."""
        self._folder = folder
        self._limit = limit_bytes
        self._failed = failed

    def get(self, key: str) -> bytes | None:
        """The content kept under a key, if it is there and sound.

        key: [0-9a-f]+.
        """
        try:
            for path in self._folder.glob(f"{key}-*"):
                content = path.read_bytes()
                if artifact.digest(content) == path.name.partition("-")[2]:
                    os.utime(path)
                    return content
                log.warning("a kept file is damaged; fetched again", path=str(path))
                path.unlink()
        except OSError as error:
            self._complain("read", error)
        return None

    def put(self, key: str, content: bytes) -> None:
        """Keep a content, if it fits."""
        if len(content) > self._limit:
            log.warning("not kept: larger than the whole cache", bytes=len(content), limit=self._limit)
            self._failed()
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room(len(content))
            descriptor, name = tempfile.mkstemp(prefix=".", dir=self._folder)
            try:
                with open(descriptor, "wb") as file:
                    file.write(content)
                Path(name).rename(self._folder / f"{key}-{artifact.digest(content)}")
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            self._complain("written", error)

    def _make_room(self, size: int) -> None:
        kept = []
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                facts = path.stat()
                kept.append((facts.st_mtime, facts.st_size, path))
        room = self._limit - size - sum(length for _, length, _ in kept)
        for _, length, path in sorted(kept):
            if room >= 0:
                break
            path.unlink(missing_ok=True)
            room += length

    def _complain(self, what: str, error: OSError) -> None:
        log.error(f"the cache cannot be {what}", folder=str(self._folder), reason=error.strerror or str(error))
        self._failed()
