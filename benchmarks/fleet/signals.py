"""What a fleet could be sized by: values that Prometheus can have of simulated pods, and the targets to try."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

SCRAPE_SECONDS = 15.0
CATCH_UP_SECONDS = 15.0


@dataclass(frozen=True)
class Costs:
    """What one device takes: seconds of each batch size, as service.runtime.calibration measures them."""

    seconds: dict[int, float]

    @property
    def best(self) -> int:
        return max(self.seconds)

    @property
    def capacity(self) -> float:
        """Samples per second with full batches."""
        return self.best / self.seconds[self.best]

    def batch(self, n: float) -> float:
        """Seconds of a batch of n rows, 1 <= n <= best."""
        return next(seconds for size, seconds in self.seconds.items() if size >= n - 1e-9)

    def busy(self, load: float, rows: float) -> float:
        """Part of the time that a device is in batches, when calls of `rows` rows make `load` (< 1) of full batches.

        Whatever arrives during a batch is the next one: small calls keep a device busy long before it is full.
        """
        rate = load * self.capacity
        # The smallest batch that keeps up with what arrives meanwhile; below one call's rows the device rests.
        alone = self.batch(min(max(rows, 1), self.best)) * rate / max(1.0, min(rows, self.best))
        return min(1.0, alone)


@dataclass
class Pod:
    """One replica."""

    ready_at: float
    known_at: float
    queue: float = 0.0  # seconds of work
    busy: float = 0.0  # all seconds so far in batches
    done: float = 0.0  # all work so far
    offered: float = 0.0  # all work asked for so far
    waited: float = 0.0  # seconds of work times its wait


# name -> (value of the fleet from scrapes, whether it is an average to hold rather than a sum to divide)
Signal = Callable[["Seen"], float]


@dataclass
class Seen:
    """What Prometheus has at a look: per pod the last scrapes of one minute."""

    scrapes: deque[list[tuple[Pod, float, float, float, float, float]]] = field(default_factory=lambda: deque(maxlen=5))

    def rate(self, column: int) -> float:
        """Sum over pods of the increase per second in the window, of a counter."""
        total = 0.0
        first_of: dict[int, tuple[int, float]] = {}
        for number, scrape in enumerate(self.scrapes):
            for pod, *values in scrape:
                first_of.setdefault(id(pod), (number, values[column]))
        last = len(self.scrapes) - 1
        for pod, *values in self.scrapes[-1] if self.scrapes else []:
            number, first = first_of[id(pod)]
            if last > number:
                total += (values[column] - first) / ((last - number) * SCRAPE_SECONDS)
        return total

    def last(self, column: int) -> float:
        return sum(values[column] for _, *values in self.scrapes[-1]) if self.scrapes else 0.0


OFFERED, BUSY, DONE, WAITED, QUEUE = range(5)


def signals(costs: Costs, rows: int) -> dict[str, tuple[Signal, bool, tuple[float, ...]]]:
    """Name -> how to read it, whether it is a mean (its replicas go by ratio), and the targets to try."""
    call = rows / costs.capacity  # seconds of work of one call

    def wait(seen: Seen) -> float:
        return seen.rate(WAITED) / max(seen.rate(DONE), 1e-9)

    return {
        "offered work + backlog": (
            lambda seen: seen.rate(OFFERED) + seen.last(QUEUE) / CATCH_UP_SECONDS,
            False,
            (0.5, 0.6, 0.7, 0.8, 0.9),
        ),
        "completed work": (lambda seen: seen.rate(DONE), False, (0.5, 0.6, 0.7, 0.8, 0.9)),
        "duty cycle": (lambda seen: seen.rate(BUSY), False, (0.5, 0.6, 0.7, 0.8, 0.9)),
        # By Little's law: those in the queue and those that are computed.
        "calls in flight": (
            lambda seen: (seen.last(QUEUE) + seen.rate(DONE) * 2 * costs.seconds[costs.best]) / call,
            False,
            (0.5, 1, 2, 4, 8),
        ),
        "queue time": (wait, True, (0.02, 0.05, 0.1, 0.25, 0.5)),
    }
