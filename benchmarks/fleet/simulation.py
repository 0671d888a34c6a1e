"""Which signal should the fleet be sized by? A simulation with the cost model that an engine measures of itself.

    python -m benchmarks.fleet.simulation [--models DIR --generator NAME] [--start 30] [--most 12]

Each signal gets the target that serves a slow ramp for the least pod-minutes while at most 0.1 % of the work waits for
more than a second or is refused; with that target it then meets small and large calls, a step, and readers that wait
for their answers. Scrapes and the autoscaler's looks are 15 s apart, rates are over 60 s, a pod serves --start seconds
after it was asked for, and clients find it --age later. Everything is fluid: work in seconds of one device, steps of
0.25 s. It shows how signals compare, not milliseconds. One minute.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from benchmarks.fleet.cluster import ROOT
from benchmarks.fleet.hpa import SYNC_SECONDS, TOLERANCE, Behavior, external_replicas

STEP = 0.25
SCRAPE_SECONDS = 15.0
WINDOW_SECONDS = 60.0
CATCH_UP_SECONDS = 15.0
QUEUE_LIMIT_SECONDS = 10.0
LATE_SECONDS = 1.0


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


@dataclass(frozen=True)
class Scene:
    """A load: seconds of full batches asked for per second, or so many readers that wait for their answers."""

    name: str
    seconds: float
    load: Callable[[float], float]
    rows: int = 256  # of a call
    closed: bool = False  # load is then a number of readers, each with one second of work per second if it never waits


@dataclass
class Outcome:
    """What a signal made of a scene."""

    work: float = 0.0
    late: float = 0.0
    refused: float = 0.0
    pod_minutes: float = 0.0
    peak: int = 0
    changes: int = 0
    late_seconds: float = 0.0  # time in which some pod's queue was too long

    @property
    def bad(self) -> float:
        """Part of the work that waited for too long or was refused when it was asked for the first time."""
        return (self.late + self.refused) / max(self.work, 1e-9)


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


def simulate(
    scene: Scene, costs: Costs, signal: Signal, mean: bool, target: float, start: float, age: float, most: int
) -> Outcome:
    """One run of a scene, from one replica on."""
    spec = yaml.safe_load((ROOT / "k8s/augmint/values.yaml").read_text())["autoscaling"]["behavior"]
    behavior = Behavior(1, most, spec)
    out = Outcome()
    pods = [Pod(-1e9, -1e9)]
    seen = Seen()
    again: deque[tuple[float, float]] = deque()  # (when, work) that was refused and is asked for again
    base = costs.seconds[costs.best]
    for tick in range(int(scene.seconds / STEP)):
        now = tick * STEP
        ready = [pod for pod in pods if pod.ready_at <= now]
        known = [pod for pod in ready if pod.known_at <= now] or ready
        fresh = scene.load(now) * STEP
        if scene.closed:
            # A reader that waits for its answer asks for nothing meanwhile.
            wait = sum(pod.queue for pod in known) / len(known)
            call = scene.rows / costs.capacity
            fresh *= call / (call + wait)
        out.work += fresh
        asked = fresh
        while again and again[0][0] <= now:
            fresh += again.popleft()[1]
        share = fresh / len(known)
        new = asked / max(fresh, 1e-9)  # the part of it that was not refused before
        for pod in known:
            pod.offered += share
            room = max(0.0, QUEUE_LIMIT_SECONDS - pod.queue)
            taken = min(share, room + STEP)
            if taken < share:
                out.refused += (share - taken) * new
                again.append((now + max(0.5, pod.queue / 2), share - taken))
            if pod.queue > LATE_SECONDS:
                out.late += taken * new
            pod.waited += taken * (pod.queue + base / 2)
            pod.queue += taken
        for pod in ready:
            work = min(pod.queue, STEP)
            pod.queue -= work
            pod.done += work
            load = work / STEP
            pod.busy += STEP * (1.0 if pod.queue else costs.busy(min(load, 0.999), scene.rows))
        out.late_seconds += STEP * any(pod.queue > LATE_SECONDS for pod in ready)
        out.pod_minutes += len(pods) * STEP / 60
        out.peak = max(out.peak, len(pods))
        if now % SCRAPE_SECONDS == 0:
            seen.scrapes.append([(pod, pod.offered, pod.busy, pod.done, pod.waited, pod.queue) for pod in ready])
        if (now + 5) % SYNC_SECONDS == 0 and len(seen.scrapes) > 1:
            value = signal(seen)
            if mean:
                ratio = value / target
                wanted = len(pods) if abs(1 - ratio) <= TOLERANCE else math.ceil(ratio * len(ready))
            else:
                wanted = external_replicas(value, target, len(pods))
            count = behavior.step(now, len(pods), wanted)
            out.changes += count != len(pods)
            pods += [Pod(now + start, now + start + age) for _ in range(count - len(pods))]
            for pod in pods[count:]:
                # It is drained: its queue is finished, by itself.
                out.pod_minutes += pod.queue / 60
            del pods[count:]
    return out


def ramp(now: float) -> float:
    return 0.5 + 5.0 * math.sin(math.pi * min(now, 2400) / 2400) ** 2


def scenes() -> list[Scene]:
    return [
        Scene("ramp 0.5 to 5.5 and back in 40 min", 2700, ramp),
        Scene("the same with calls of 8 rows", 2700, ramp, rows=8),
        Scene("the same with calls of 2048 rows", 2700, ramp, rows=2048),
        Scene("step 0.5 to 4 for 10 min", 1800, lambda now: 4.0 if 300 <= now < 900 else 0.5),
        Scene("40 readers that wait, for 10 min", 1800, lambda now: 6.0 if 300 <= now < 900 else 0.5, closed=True),
    ]


def best_target(costs: Costs, name: str, start: float, age: float, most: int) -> tuple[float, Outcome]:
    """The target of a signal that serves the first scene well for the least; the least bad one if none does."""
    first = scenes()[0]
    signal, mean, targets = signals(costs, first.rows)[name]
    runs = {target: simulate(first, costs, signal, mean, target, start, age, most) for target in targets}
    good = {target: run for target, run in runs.items() if run.bad <= 0.001}
    if good:
        target = min(good, key=lambda each: good[each].pod_minutes)
    else:
        target = min(runs, key=lambda each: runs[each].bad)
    return target, runs[target]


def measured(models: Path | None, name: str) -> Costs:
    """The cost model of a generator on this machine; of a cheap one if none is given."""
    from benchmarks.fleet.proof import generator
    from service import artifact
    from service.runtime.engine import Engine
    from service.runtime.session import Session

    if models is None:
        with tempfile.TemporaryDirectory() as scratch:
            content = generator(Path(scratch))
    else:
        version = artifact.published_versions(models, name)[-1]
        content = (models / name / str(version) / artifact.FILE_NAME).read_bytes()
    engine = Engine(Session(content))
    found = {n: engine.seconds(n) for n in engine.buckets}
    # A batch costs no more than a larger one: what it was padded to would be cheaper, so that was a disturbance.
    return Costs({n: min(seconds for size, seconds in found.items() if size >= n) for n in found})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="folder of generators; default: build a cheap one")
    parser.add_argument("--generator", default="", help="which of them")
    parser.add_argument("--start", type=float, default=30.0, help="seconds until a new pod serves (%(default)s)")
    parser.add_argument("--age", type=float, default=15.0, help="seconds more until clients use it (%(default)s)")
    parser.add_argument("--most", type=int, default=12, help="pods at most (%(default)s)")
    options = parser.parse_args()
    costs = measured(options.models, options.generator)
    sizes = ", ".join(f"{n}: {seconds * 1000:.2f}" for n, seconds in costs.seconds.items())
    print(f"measured milliseconds per batch: {sizes}; {costs.capacity:,.0f} samples/s\n")
    print(
        "signal                   target  scene                                 bad   late for  pod-min  peak  changes"
    )
    for name in signals(costs, 256):
        target, _ = best_target(costs, name, options.start, options.age, options.most)
        for scene in scenes():
            signal, mean, _ = signals(costs, scene.rows)[name]
            run = simulate(scene, costs, signal, mean, target, options.start, options.age, options.most)
            print(
                f"{name:24} {target:6g}  {scene.name:36} {run.bad:6.1%} {run.late_seconds:6.0f} s"
                f" {run.pod_minutes:8.0f} {run.peak:5} {run.changes:8}",
                flush=True,
            )
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
