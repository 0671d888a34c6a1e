"""More comes than can be done."""

from __future__ import annotations

import argparse
import functools
import math
import time
from collections import Counter
from pathlib import Path

import grpc
import numpy as np

from augmint.v1 import generator_pb2 as pb
from benchmarks.faults.readers import until
from benchmarks.faults.replica import GENERATE, Replica
from benchmarks.faults.table import Row
from service.metrics import SECONDS
from tests import generators


def run(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """Far more work than may wait: refused calls are refused quickly, and cost no memory."""
    generators.publish(scratch, "tiny", shape=(32, 32, 3), hidden=1024)
    refused: list[float] = []
    codes: Counter[str] = Counter()

    def note(start: float, answer: grpc.Future) -> None:
        seconds = time.perf_counter() - start
        codes[answer.code().name] += 1
        if answer.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
            refused.append(seconds)

    with Replica(str(scratch), "--queue-limit-seconds", "0.5") as replica, replica.channel() as channel:
        call = channel.unary_unary(GENERATE)
        raw = pb.GenerateRequest(class_indices=[1] * 1024, seed=1).SerializeToString()
        before = most = replica.resident()
        flying: list[grpc.Future] = []
        for _ in range(1500):  # 400 a second; the service answers about 10 of them
            flying = [answer for answer in flying if not answer.done()]
            answer = call.future(raw, timeout=120)
            answer.add_done_callback(functools.partial(note, time.perf_counter()))
            flying.append(answer)
            time.sleep(0.0025)
            most = max(most, replica.resident())
        until(lambda: all(answer.done() for answer in flying), "all calls have ended")
        inside = _refused_within(replica, len(refused))
    failed = sum(count for name, count in codes.items() if name not in ("OK", "RESOURCE_EXHAUSTED"))
    times = np.array(refused or [np.nan]) * 1e3
    median, p99 = np.median(times), np.quantile(times, 0.99)
    return [
        Row(
            "a full queue: neither answered nor refused",
            sum(codes.values()),
            failed,
            f"{len(refused):,} refused, 99 % of them within {1e3 * inside:g} ms of the service; for the caller, which "
            f"shares the service's cores, median {median:.1f} ms, p99 {p99:.1f}; "
            f"resident {before:.0f} MiB, at most {most:.0f}",
        )
    ]


def _refused_within(replica: Replica, refused: int) -> float:
    """Seconds, a bound of the service's histogram: from having a call to having refused it, for 99 % of those refused.

    What was answered took longer than all of these: a batch of the network takes tens of milliseconds.
    """
    counts = {
        bound: replica.metric("augmint_request_duration_seconds_bucket", f'le="{bound}",method="Generate"')
        for bound in (*map(float, SECONDS), math.inf)
    }
    return next(bound for bound, count in counts.items() if count >= 0.99 * refused)
