"""What a fork must not break: connections and threads do not survive one, and gRPC none in the middle of a call."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

# A call ends by its own deadline; a fork waits for it no longer than this.
PATIENCE_S = 5.0


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


class Calls:
    """Calls under way in this process: `with CALLS:` around each. A fork waits for them, the next calls for the fork.

    gRPC leaves out its own precautions when a thread is in it at that moment ("Other threads are currently calling into
    gRPC, skipping fork() handlers"), and the child's first call may then end in an abort in one of gRPC's threads: in 6
    of 580 programs that forked ten times each, a third of them with calls under way; with this wait in none of 430.
    (To close the channel before each fork is no way: then children hang.)
    """

    def __init__(self) -> None:
        self._fresh()

    def _fresh(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._under_way = 0
        self._forks = 0  # that wait or happen

    @property
    def under_way(self) -> int:
        """How many there are."""
        return self._under_way

    def __enter__(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._forks)
            self._under_way += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def before_fork(self) -> None:
        """Wait for the calls under way, PATIENCE_S at most; no other begins until `after_fork`."""
        self._changed.acquire()
        self._forks += 1
        self._changed.wait_for(lambda: not self._under_way, PATIENCE_S)
        # Still locked: a lock that another thread held during the fork would stay locked in the child for ever.

    def after_fork(self) -> None:
        """In the parent: calls may begin again."""
        self._forks -= 1
        self._changed.notify_all()
        self._changed.release()

    def after_fork_in_child(self) -> None:
        """In the child, which has none of the parent's threads."""
        self._fresh()


CALLS = Calls()
if hasattr(os, "register_at_fork"):  # not where processes are only spawned
    os.register_at_fork(
        before=CALLS.before_fork, after_in_parent=CALLS.after_fork, after_in_child=CALLS.after_fork_in_child
    )
