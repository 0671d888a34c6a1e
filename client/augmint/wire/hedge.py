"""Second calls are rationed, since they cost work. They are safe, since an address has one answer."""

from __future__ import annotations

import threading

# A call earns a tenth of a second one: a service that is slow because it is full gets a tenth more work at most.
SHARE = 0.1
# Second calls that may be saved up.
MOST = 10.0
# Calls that a replica which hangs may take with it at once: of all threads of a loader, of all pages of a call.
RESCUES = 32.0


class Ration:
    """How many calls may still be repeated early. Thread-safe."""

    def __init__(self, saved: float = 1.0, most: float = MOST) -> None:
        """saved: to begin with; most: that may be saved up."""
        self._saved, self._most = saved, most
        self._lock = threading.Lock()

    @property
    def left(self) -> bool:
        """Whether one more second call is allowed."""
        return self._saved >= 1

    def earn(self) -> None:
        """A call has begun."""
        with self._lock:
            self._saved = min(self._saved + SHARE, self._most)

    def take(self) -> bool:
        """Whether one more second call is allowed; if so, it is used up."""
        with self._lock:
            if self._saved < 1:
                return False
            self._saved -= 1
            return True

    def refund(self, calls: int) -> None:
        """So many second calls were worth it: what they were for did not come, and they were answered in time."""
        with self._lock:
            self._saved = min(self._saved + calls, self._most)
