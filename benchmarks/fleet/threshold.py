"""How much work may a replica be asked for? Raises the load on a running service step by step and prints the target.

    python -m benchmarks.fleet.threshold --target HOST:PORT --metrics http://HOST:9464/metrics --generator NAME

Ask one replica by itself, without other readers. Calls of --page samples arrive at random, at 30, 40, ... 100 % of the
capacity that the service measured. The highest step at which 95 of 100 calls are answered within --wait times what they
take on an idle service is what it bears; the target is 0.85 of it, so that the fleet grows before that. About a minute.
"""

from __future__ import annotations

import random
import re
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import augmint
from benchmarks import results

STEPS = tuple(step / 100 for step in range(30, 101, 10))
# What the fleet needs to grow, in parts of what it bears.
HEADROOM = 0.85
READERS = 32


@dataclass(frozen=True)
class Step:
    """What one step of the load showed."""

    asked: float  # seconds of work per second, as planned
    offered: float  # as the service counted it
    p95: float  # seconds from the moment a call was due until its answer


def threshold(steps: Sequence[Step], idle: float, wait: float) -> float:
    """The target for the chart, rounded down to two digits.

    idle: p95 of a call on an idle service, seconds; wait: by what a call may take longer.
    Raises ValueError if not even the first step is borne.
    """
    borne = 0.0
    for step in steps:
        if step.p95 > wait * idle:
            break
        borne = step.offered
    if not borne:
        raise ValueError(
            f"at {steps[0].asked:.0%} of its capacity a call takes {steps[0].p95 * 1000:.0f} ms, above {wait:g} times "
            f"the {idle * 1000:.0f} ms when idle: others read too, or the calls are too small to keep up with"
        )
    return int(100 * HEADROOM * borne) / 100


def load(client: augmint.Client, generator: str, page: int, rate: float, seconds: float) -> list[float]:
    """Seconds that each call took, from the moment that it was due.

    rate: calls per second, at random moments; seconds: for so long.
    """
    draws = random.Random(7)
    due: list[float] = []
    at = 0.0
    while (at := at + draws.expovariate(rate)) < seconds:
        due.append(at)
    label = client.describe(generator or None).labels[0]
    took: list[float] = []
    lock = threading.Lock()
    waiting = iter(due)
    began = time.monotonic()

    def read() -> None:
        while True:
            with lock:
                moment = next(waiting, None)
            if moment is None:
                return
            time.sleep(max(0.0, began + moment - time.monotonic()))
            client.generate(label, page, generator=generator or None)
            took.append(time.monotonic() - began - moment)

    threads = [threading.Thread(target=read) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def metric(address: str, name: str) -> float:
    """Sum over all its labels."""
    with urllib.request.urlopen(address, timeout=10) as page:
        found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page.read().decode(), re.MULTILINE)
    return sum(map(float, found))


def main() -> int:
    parser = results.Parser("benchmarks.fleet.threshold", __doc__)
    parser.add_argument("--target", default="localhost:50051", help="one replica (%(default)s)")
    parser.add_argument("--metrics", default="http://localhost:9464/metrics", help="its metrics (%(default)s)")
    parser.add_argument("--generator", default="", help="which of them; default: the only one")
    parser.add_argument("--page", type=int, default=256, help="samples of a call (%(default)s)")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each step (%(default)s)")
    parser.add_argument("--wait", type=float, default=4.0, help="by what a call may take longer (%(default)s)")
    options = parser.options()
    try:
        with augmint.Client(options.target) as client, parser.results() as out:
            capacity = client.describe(options.generator or None).capacity_samples_per_second
            rate = capacity / options.page
            idle = float(np.percentile(load(client, options.generator, options.page, 0.05 * rate, options.seconds), 95))
            what = (
                f"Capacity {capacity:,.0f} samples/s; a call of {options.page} takes {idle * 1000:.1f} ms alone (p95)"
            )
            steps: list[Step] = []
            for asked in STEPS:
                before, began = metric(options.metrics, "augmint_offered_work_seconds_total"), time.monotonic()
                took = load(client, options.generator, options.page, asked * rate, options.seconds)
                offered = metric(options.metrics, "augmint_offered_work_seconds_total") - before
                step = Step(asked, offered / (time.monotonic() - began), float(np.percentile(took, 95)))
                steps.append(step)
                out.row(what, {"asked, %": 100 * asked, "offered": step.offered, "p95, ms": 1000 * step.p95})
                if step.p95 > 4 * options.wait * idle:
                    break
        target = threshold(steps, idle, options.wait)
    except (augmint.AugmintError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"\nautoscaling.target: {target:g}   ({target * capacity:,.0f} samples/s and replica)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
