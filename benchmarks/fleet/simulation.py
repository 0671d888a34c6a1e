"""Which signal should the fleet be sized by? A simulation with the cost model that an engine measures of itself.

    python -m benchmarks.fleet.simulation [--models DIR --generator NAME] [--start 30] [--most 12]

Each signal gets the target that serves a slow ramp for the least pod-minutes while at most 0.1 % of the work waits for
more than a second or is refused; with that target it then meets small and large calls, a step, and readers that wait
for their answers. Scrapes and the autoscaler's looks are 15 s apart, rates are over 60 s, a pod serves --start seconds
after it was asked for, and clients find it --age later. Everything is fluid: work in seconds of one device, steps of
0.25 s. It shows how signals compare, not milliseconds. One minute.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import yaml

from benchmarks import results
from benchmarks.fleet.cluster import ROOT
from benchmarks.fleet.hpa import SYNC_SECONDS, TOLERANCE, Behavior, external_replicas
from benchmarks.fleet.signals import SCRAPE_SECONDS, Costs, Pod, Seen, signals
from benchmarks.serving import models
from service.runtime.engine import Engine
from service.runtime.session import Session

STEP = 0.25
QUEUE_LIMIT_SECONDS = 10.0
LATE_SECONDS = 1.0


@dataclass(frozen=True)
class Scene:
    """A load: seconds of full batches asked for per second, or so many readers that wait for their answers."""

    name: str
    seconds: float
    load: Callable[[float], float]
    rows: int = 256  # of a call
    closed: bool = False  # load is then a number of readers, each with one second of work per second if it never waits


@dataclass(frozen=True)
class Fleet:
    """What pods take to come: seconds until one serves, seconds more until clients use it; and pods at most."""

    start: float
    age: float
    most: int


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


class Simulation:
    """A fleet that follows one scene by one signal, from one replica on."""

    def __init__(self, scene: Scene, costs: Costs, name: str, target: float, fleet: Fleet) -> None:
        """name, target: of the signal and of what is to be kept."""
        self._scene, self._costs, self._fleet = scene, costs, fleet
        self._signal, self._mean, _ = signals(costs, scene.rows)[name]
        self._target = target
        spec = yaml.safe_load((ROOT / "k8s/augmint/values.yaml").read_text())["autoscaling"]["behavior"]
        self._behavior = Behavior(1, fleet.most, spec)
        self._pods = [Pod(-1e9, -1e9)]
        self._seen = Seen()
        self._again: deque[tuple[float, float]] = deque()  # (when, work) that was refused and is asked for again
        self.outcome = Outcome()

    def run(self) -> Outcome:
        for tick in range(int(self._scene.seconds / STEP)):
            now = tick * STEP
            ready = [pod for pod in self._pods if pod.ready_at <= now]
            self._ask(now, [pod for pod in ready if pod.known_at <= now] or ready)
            self._compute(ready)
            if now % SCRAPE_SECONDS == 0:
                self._seen.scrapes.append(
                    [(pod, pod.offered, pod.busy, pod.done, pod.waited, pod.queue) for pod in ready]
                )
            if (now + 5) % SYNC_SECONDS == 0 and len(self._seen.scrapes) > 1:
                self._resize(now, len(ready))
        return self.outcome

    def _ask(self, now: float, known: list[Pod]) -> None:
        """Share out what is asked for in this step, and what was refused before."""
        out, costs, scene = self.outcome, self._costs, self._scene
        asked = scene.load(now) * STEP
        if scene.closed:
            # A reader that waits for its answer asks for nothing meanwhile.
            wait = sum(pod.queue for pod in known) / len(known)
            call = scene.rows / costs.capacity
            asked *= call / (call + wait)
        out.work += asked
        fresh = asked
        while self._again and self._again[0][0] <= now:
            fresh += self._again.popleft()[1]
        share = fresh / len(known)
        new = asked / max(fresh, 1e-9)  # the part of it that was not refused before
        for pod in known:
            pod.offered += share
            room = max(0.0, QUEUE_LIMIT_SECONDS - pod.queue)
            taken = min(share, room + STEP)
            if taken < share:
                out.refused += (share - taken) * new
                self._again.append((now + max(0.5, pod.queue / 2), share - taken))
            if pod.queue > LATE_SECONDS:
                out.late += taken * new
            pod.waited += taken * (pod.queue + costs.seconds[costs.best] / 2)
            pod.queue += taken

    def _compute(self, ready: list[Pod]) -> None:
        """A step of every pod's device."""
        for pod in ready:
            work = min(pod.queue, STEP)
            pod.queue -= work
            pod.done += work
            load = work / STEP
            pod.busy += STEP * (1.0 if pod.queue else self._costs.busy(min(load, 0.999), self._scene.rows))
        out = self.outcome
        out.late_seconds += STEP * any(pod.queue > LATE_SECONDS for pod in ready)
        out.pod_minutes += len(self._pods) * STEP / 60
        out.peak = max(out.peak, len(self._pods))

    def _resize(self, now: float, ready: int) -> None:
        """A look of the autoscaler."""
        pods, value = self._pods, self._signal(self._seen)
        if self._mean:
            ratio = value / self._target
            wanted = len(pods) if abs(1 - ratio) <= TOLERANCE else math.ceil(ratio * ready)
        else:
            wanted = external_replicas(value, self._target, len(pods))
        count = self._behavior.step(now, len(pods), wanted)
        self.outcome.changes += count != len(pods)
        found = now + self._fleet.start + self._fleet.age
        pods += [Pod(now + self._fleet.start, found) for _ in range(count - len(pods))]
        # What is drained finishes its queue by itself.
        self.outcome.pod_minutes += sum(pod.queue for pod in pods[count:]) / 60
        del pods[count:]


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


def best_target(costs: Costs, name: str, fleet: Fleet) -> float:
    """The target of a signal that serves the first scene well for the least; the least bad one if none does."""
    first = scenes()[0]
    _, _, targets = signals(costs, first.rows)[name]
    runs = {target: Simulation(first, costs, name, target, fleet).run() for target in targets}
    good = {target: run for target, run in runs.items() if run.bad <= 0.001}
    if good:
        return min(good, key=lambda each: good[each].pod_minutes)
    return min(runs, key=lambda each: runs[each].bad)


def measured(content: bytes) -> Costs:
    """The cost model of a generator on this machine."""
    engine = Engine(Session(content))
    found = {n: engine.seconds(n) for n in engine.buckets}
    # A batch costs no more than a larger one: what it was padded to would be cheaper, so that was a disturbance.
    return Costs({n: min(seconds for size, seconds in found.items() if size >= n) for n in found})


def main() -> None:
    parser = results.Parser("benchmarks.fleet.simulation", __doc__)
    models.arguments(parser)
    parser.add_argument("--start", type=float, default=30.0, help="seconds until a new pod serves (%(default)s)")
    parser.add_argument("--age", type=float, default=15.0, help="seconds more until clients use it (%(default)s)")
    parser.add_argument("--most", type=int, default=12, help="pods at most (%(default)s)")
    options = parser.options()
    fleet = Fleet(options.start, options.age, options.most)
    with models.chosen(options) as (_, generator, file), parser.results() as out:
        costs = measured(file.read_bytes())
        for n, seconds in costs.seconds.items():
            out.row(f"What batches of {generator} take", {"rows": n, "ms": 1000 * seconds})
        for name in signals(costs, 256):
            target = best_target(costs, name, fleet)
            for scene in scenes():
                run = Simulation(scene, costs, name, target, fleet).run()
                row: dict[str, results.Value] = {
                    "signal": name,
                    "target": target,
                    "scene": scene.name,
                    "late or refused, %": 100 * run.bad,
                }
                row |= {"late for, s": run.late_seconds, "pod-minutes": run.pod_minutes}
                out.row("What signals make of a load", row | {"pods at most": run.peak, "changes": run.changes})


if __name__ == "__main__":
    main()
