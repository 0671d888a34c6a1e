"""Readers that draw pages at a pace, and see that each page is what the file gives."""

from __future__ import annotations

import random
import threading
import time
import zlib

import numpy as np

import augmint
from service import artifact
from service.runtime.session import Session

PAGE = 256
READERS = 24
SEED = 7


class Wrong(Exception):
    """The fleet did not do what it should; the message says what it did."""


class Readers:
    """Draws pages at a pace, at most READERS at a time; remembers what came."""

    def __init__(self, target: str, readers: int = READERS) -> None:
        self.pace = 0.0  # pages per second
        self.pages: dict[int, int] = {}  # start index -> checksum
        self.waits: list[float] = []  # seconds from the moment a page was due until it came
        self.errors: list[Exception] = []
        self._client = augmint.Client(target, timeout=120)
        self._lock = threading.Lock()
        self._next, self._due = 0, time.monotonic()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._read, daemon=True) for _ in range(readers)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        while not self._over.is_set():
            with self._lock:
                now = time.monotonic()
                due = self._due
                if not self.pace:
                    self._due = now
                elif now >= due:
                    # What could not be asked for in time is not made up for: the load is bounded.
                    self._due = max(due, now - 1) + 1 / self.pace
                    number, self._next = self._next, self._next + 1
                early = 0.1 if not self.pace else due - now
            if early > 0:
                self._over.wait(min(0.1, max(0.02, early)))  # the pace may change meanwhile
                continue
            try:
                page = self._client.generate("3", PAGE, seed=SEED, start_index=number * PAGE)
            except augmint.AugmintError as error:
                self.errors.append(error)
                continue
            self.pages[number * PAGE] = zlib.crc32(page.array.tobytes())
            self.waits.append(time.monotonic() - due)

    def close(self) -> None:
        """Waits for the pages that are under way."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._client.close()

    def check(self, content: bytes, pages: int) -> None:
        """Make some of the pages again from the file alone; raises Wrong at the first that differs."""
        session = Session(content)
        label = np.full(PAGE, 3, np.int64)
        for start in random.Random(0).sample(sorted(self.pages), min(pages, len(self.pages))):
            seed = np.full(PAGE, artifact.mix_seed(SEED), np.uint64)
            index = np.arange(start, start + PAGE, dtype=np.uint64)
            made = session.run(artifact.Rows(seed, index, label, np.ones(PAGE, np.float32)))
            if zlib.crc32(made.tobytes()) != self.pages[start]:
                raise Wrong(f"the page at {start} is not what the file gives")
