"""Connections to one service that are replaced when they seem to hang."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from augmint.errors import AugmintError, ClientClosed
from augmint.wire.hedge import RESCUES, Ration


class Line(Protocol):
    """A connection. calls: that use it now."""

    calls: int

    def close(self) -> object: ...


L = TypeVar("L", bound=Line)


class Lines(Generic[L]):
    """The line that calls take, and older ones until their last call has ended. Thread-safe.

    hedges, rescues: how many calls may still be repeated, on a line that may be well and on one that seems to hang.
    """

    def __init__(self, make: Callable[[], L]) -> None:
        """make: a new line, not connected yet; may raise AugmintError."""
        self._make = make
        self._lock = threading.Lock()
        self._current = make()
        self._all: set[L] = {self._current}
        self._drained = False
        self.hedges = Ration()
        self.rescues = Ration(RESCUES, RESCUES)

    def take(self, instead_of: L | None = None) -> L:
        """The line for a call, to be given back; a new one, if the current one is the one that seems to hang.

        raises: ClientClosed after `drain`.
        """
        with self._lock:
            if self._drained:
                raise ClientClosed("the client was closed during a call")
            if instead_of is self._current:
                # A certificate that is being replaced at this moment is no reason to end a call.
                try:
                    self._current = self._make()
                except AugmintError:
                    pass
                else:
                    self._all.add(self._current)
            self._current.calls += 1
            return self._current

    def give_back(self, line: L) -> L | None:
        """After a call; returns the line if it was replaced and nobody uses it any more: close it."""
        with self._lock:
            line.calls -= 1
            if line.calls or line is self._current or line not in self._all:
                return None
            self._all.discard(line)
            return line

    def drain(self) -> list[L]:
        """All lines, to be closed; nobody gets one any more."""
        with self._lock:
            self._drained = True
            lines, self._all = list(self._all), set()
            return lines
