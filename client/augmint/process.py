"""One of something per process: connections and threads do not survive a fork."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """Makes its value when a process first asks; a forked child gets its own.

    The parent's value stays referenced in the child, on purpose: letting the child's garbage collector close a
    channel whose threads exist only in the parent would hang. No lock, because a lock that another thread held
    during the fork would stay locked in the child for ever.
    """

    def __init__(self, make: Callable[[], T], close: Callable[[T], object]) -> None:
        """make: builds a value; close: ends one."""
        self._make = make
        self._close = close
        self._values: dict[int, T] = {}

    def get(self) -> T:
        """This process's value."""
        process = os.getpid()
        value = self._values.get(process)
        if value is None:
            made = self._make()
            value = self._values.setdefault(process, made)  # atomic: of two threads, one wins
            if value is not made:
                self._close(made)
        return value

    def close(self) -> None:
        """End this process's value, if it has one."""
        value = self._values.pop(os.getpid(), None)
        if value is not None:
            self._close(value)
