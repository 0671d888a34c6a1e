"""Asks again, at the same address, until the deadline. Safe because a request with a seed always has one answer."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from augmint.calls.steps import Ask, Pause, Steps
from augmint.errors import DeadlineExceeded, Overloaded, Unavailable

T = TypeVar("T")

# Doubled per attempt, and spread over the upper half, so that many readers of one service do not return together.
FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 2.0


class Retry:
    """How one client repeats calls that failed in passing: Unavailable and Overloaded."""

    def __init__(
        self,
        connect_timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """connect_timeout_s: for how long nobody may answer before somebody ever did; afterwards the deadline holds.

        clock: seconds; uniform: a random number between two.
        """
        self._connect_timeout_s = connect_timeout_s
        self._clock = clock
        self._uniform = uniform
        # Until a service has answered once, the likeliest fault is a wrong address: say so soon. After that it is a
        # restart, which a training loop should sit out.
        self.met = False

    def steps(self, ask: Callable[[float], Ask[T]], timeout_s: float) -> Steps[T]:
        """ask(seconds left) until it succeeds, fails for good, or `timeout_s` have passed.

        raises: the last error of the asking; its own reason is kept when time runs out.
        """
        start = self._clock()
        attempts = 0
        last: Overloaded | Unavailable | None = None
        while True:
            left = start + timeout_s - self._clock()
            if left <= 0:
                raise last or DeadlineExceeded(f"no time left: the timeout of {timeout_s:.3g} s is over")
            try:
                answer: T = yield ask(left)
                self.met = True
                return answer
            except Overloaded as error:
                self.met = True
                last = error
            except Unavailable as error:
                self.met = self.met or error.connected
                last = error
            except DeadlineExceeded as error:
                if last is None:
                    raise
                raise DeadlineExceeded(f"{error}; before that: {last}") from error
            attempts += 1
            delay = self._delay(last, attempts)
            allowed = timeout_s if self.met else min(timeout_s, self._connect_timeout_s)
            passed = self._clock() - start
            if delay < 0 or passed + delay >= allowed:
                if attempts > 1:
                    last.args = (f"{last}; gave up after {attempts} attempts in {passed:.1f} s",)
                raise last
            yield Pause(delay)

    def _delay(self, error: Overloaded | Unavailable, attempts: int) -> float:
        if error.retry_after_s is not None:
            # A little later than asked, never sooner.
            return error.retry_after_s * self._uniform(1.0, 1.1)
        longest = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(attempts - 1, 10))
        return self._uniform(longest / 2, longest)
