"""Asks a second time when an answer is late. Safe, since an address has one answer; rationed, since it costs work."""

from __future__ import annotations

import threading

# A call earns a tenth of a second one: a service that is slow because it is full gets a tenth more work at most.
SHARE = 0.1
# Second calls that may be saved up.
MOST = 10.0


class Ration:
    """How many calls may still be repeated early. Thread-safe."""

    def __init__(self) -> None:
        self._saved = 1.0
        self._lock = threading.Lock()

    def earn(self) -> None:
        """A call has begun."""
        with self._lock:
            self._saved = min(self._saved + SHARE, MOST)

    def take(self) -> bool:
        """Whether one more second call is allowed; if so, it is used up."""
        with self._lock:
            if self._saved < 1:
                return False
            self._saved -= 1
            return True
