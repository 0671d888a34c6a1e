"""How many threads PyTorch uses on a CPU: what is fastest here and now, by measurement."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from training.data import Dataset
from training.data.splits import Splits
from training.gan.trainer import Trainer
from training.run.folder import Order
from training.run.processes import Processes


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


THREAD_SAMPLES = 2000  # that threads are chosen with


def choose_threads(
    processes: Processes, state: dict[str, Any] | None, dataset: Dataset, splits: Splits, order: Order
) -> None:
    """Of PyTorch on a CPU: the checkpoint's count, since another one changes the last bits; else what is fastest.

    With several processes, torchrun has divided the cores.
    """
    if processes.fabric.device.type != "cpu" or processes.count > 1:
        return
    if state is not None:
        torch.set_num_threads(state["threads"])
        return
    some = splits.train[:: max(1, len(splits.train) // THREAD_SAMPLES)]
    labels = np.unique(dataset.labels[some], return_inverse=True)[1]
    classes = int(labels.max()) + 1
    scratch = Trainer(processes.fabric, order.config, dataset.kind, dataset.samples[some], labels, classes, order.seed)
    choose(lambda: scratch.step(0.0))
