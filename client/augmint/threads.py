"""Threads that wait for a service, and do not keep a program from ending.

Those of concurrent.futures are waited for when Python ends, for as long as their calls take: a minute, with a service
that hangs. These are not; but they must not be in gRPC either when the interpreter is taken down. So what they wait for
is closed first: their calls end at once, and then they do.
"""

from __future__ import annotations

import atexit
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from augmint.errors import ClientClosed

T = TypeVar("T")

# Calls end at once when their client is closed; what takes longer is left behind.
FAREWELL_S = 1.0

_Work = tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]


class Closes(Protocol):
    """Something whose calls end when it is closed."""

    def close(self) -> object: ...


class Pool:
    """Runs functions on a few threads, which begin when they are needed and end with the pool."""

    def __init__(self, threads: int, name: str) -> None:
        """threads: at most."""
        self._most, self._name = threads, name
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads = 0
        self._closed = False
        # Threads know the queue only, so a pool that nobody holds any more is collected, and they end.
        weakref.finalize(self, self._work.put, None).atexit = False

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Run it when a thread is free; RuntimeError after `shutdown`."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool is shut down")
            self._work.put((future, function, arguments))
            if not self._idle.acquire(blocking=False) and self._threads < self._most:
                self._threads += 1
                thread = threading.Thread(target=_run, args=(self._work, self._idle), name=self._name, daemon=True)
                _running.add(thread)
                thread.start()
        return future

    def shutdown(self) -> None:
        """Begin nothing further; what has not begun is cancelled."""
        with self._lock:
            self._closed = True
            while True:
                try:
                    work = self._work.get_nowait()
                except queue.Empty:
                    break
                if work is not None:
                    work[0].cancel()
            self._work.put(None)


def _run(pending: queue.SimpleQueue[_Work | None], idle: threading.Semaphore) -> None:
    while (work := pending.get()) is not None:
        future, function, arguments = work
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(function(*arguments))
            except BaseException as error:
                future.set_exception(error)
        del work, future, function, arguments  # or an idle thread would hold what it did last
        idle.release()
    pending.put(None)  # for the next


_running: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
_open: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


def close_at_exit(something: Closes, turn: int = 0) -> None:
    """Close it when Python ends while threads still run, as an interrupted program leaves them.

    turn: those of a lower one first.
    """
    _open[something] = turn


def _leave() -> None:
    """End what still runs. Non-daemon threads, and all of a program's own, have ended by now."""
    threads = [thread for thread in list(_running) if thread.is_alive()]
    if not threads:
        return
    # A daemon thread of the program's own that waits for a client ends with the program; that is no fault of its.
    hook = threading.excepthook
    threading.excepthook = lambda told: None if told.exc_type is ClientClosed else hook(told)
    for something, _ in sorted(_open.items(), key=lambda item: item[1]):
        something.close()
    end = time.monotonic() + FAREWELL_S
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))


def _forget() -> None:
    """In a forked child, which has none of the parent's threads."""
    _running.clear()


atexit.register(_leave)
if hasattr(os, "register_at_fork"):  # not where processes are only spawned
    os.register_at_fork(after_in_child=_forget)
