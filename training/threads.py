"""How many threads PyTorch uses on a CPU: what is fastest here and now, by measurement."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch


def choose(step: Callable[[], object], repeats: int = 5) -> int:
    """Set PyTorch's thread count to the fastest of 1, half and all, and return it.

    Networks of this size gain little from a second thread, and where another program wants a core as well, threads
    that wait for each other lose everything: measured on two cores beside one busy process, a batch took 31 ms with
    two threads and 0.1 ms with one.

    step: the work to measure, called a few times with each count; it should change nothing that is kept.
    """
    most = torch.get_num_threads()
    seconds: dict[int, list[float]] = {count: [] for count in sorted({1, max(1, most // 2), most})}
    if len(seconds) > 1:
        for repeat in range(repeats + 1):
            for count, taken in seconds.items():
                torch.set_num_threads(count)
                began = time.perf_counter()
                step()
                if repeat:  # the first call warms up
                    taken.append(time.perf_counter() - began)
    best = min(seconds, key=lambda count: statistics.median(seconds[count]) if seconds[count] else 0.0)
    torch.set_num_threads(best)
    return best
