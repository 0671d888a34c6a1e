"""A fleet in small that follows its load: replicas, Prometheus, names, the chart's query, an autoscaler."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.fleet.cluster import Names, NoAnswer, Prometheus, Replica, free_port
from benchmarks.fleet.hpa import SYNC_SECONDS
from benchmarks.fleet.load import PAGE, Readers, Wrong
from benchmarks.fleet.policy import MILLI, policy
from benchmarks.fleet.story import Moment, Story

# In parts of what one replica can do. A third of the target: after the peak, at which four replicas share two cores, a
# batch is priced at twice its time for a minute or two (prices follow ten seconds of batches, which the speed does not
# divide), and the fleet is to shrink all the same.
LOW, HIGH = 0.1, 1.0


class Fleet:
    """The Deployment: as many replicas as it is told, their names and their scrape targets."""

    def __init__(self, models: Path, prometheus: Prometheus, names: Names, speed: float, hosts: int) -> None:
        self.port = free_port(hosts + 1)
        self.replicas: list[Replica] = []  # that were not told to stop, oldest first
        self.stopping: list[Replica] = []
        self._models, self._prometheus, self._names = models, prometheus, names
        self._hosts = [f"127.0.0.{number}" for number in range(2, hosts + 2)]
        self._flags = {"lanes": 1, "connection-age-seconds": 3, "drain-seconds": 10 / speed, "stop-seconds": 30}
        self._made = 0

    def resize(self, count: int) -> None:
        while len(self.replicas) < count:
            taken = {each.host for each in [*self.replicas, *self.stopping]}
            host = next((host for host in self._hosts if host not in taken), None)
            if host is None:
                return  # one is still stopping; the next look tries again
            self._made += 1
            pod = f"release-augmint-1-{self._made:05d}"
            self.replicas.append(Replica(self._models, host, self.port, pod, self._flags))
        while len(self.replicas) > count:
            # Kubernetes ends those that are not ready first, then the youngest.
            last = next((each for each in reversed(self.replicas) if not each.ready), self.replicas[-1])
            self.replicas.remove(last)
            self.stopping.append(last)
            self.announce()
            last.stop()

    def announce(self) -> int:
        """Tell clients and Prometheus who is there; returns the number of ready replicas."""
        ready = [each for each in self.replicas if each.ready]
        for each in [each for each in self.stopping if not each.running]:
            if status := each.wait():
                raise Wrong(f"{each.pod} ended with exit status {status}")
            self.stopping.remove(each)
        seen = [each for each in [*ready, *self.stopping] if each.metrics]
        self._prometheus.targets({each.pod: each.metrics.split("/")[2] for each in seen})
        self._names.addresses = [each.host for each in ready]
        return len(ready)

    def kill(self) -> None:
        for each in [*self.replicas, *self.stopping]:
            each.kill()


@contextmanager
def cluster(models: Path, folder: Path, speed: float, hosts: int) -> Iterator[tuple[Fleet, Prometheus, Names]]:
    """One ready replica, watched and named; everything is stopped at the end."""
    prometheus = Prometheus(folder, "1s" if speed <= 10 else "500ms")
    names = Names("augmint-headless.lab.svc")
    fleet = Fleet(models, prometheus, names, speed, hosts)
    try:
        prometheus.start()
        fleet.resize(1)
        fleet.replicas[0].wait_ready()
        fleet.announce()
        yield fleet, prometheus, names
    finally:
        fleet.kill()
        names.close()
        prometheus.stop()


def play(
    models: Path,
    folder: Path,
    schedule: Callable[[float], float],
    seconds: float,
    speed: float,
    most: int = 4,
    settle: float = 0.0,
    tell: Callable[[Moment], None] = lambda moment: None,
) -> tuple[Story, Readers]:
    """Let the load follow `schedule` (time to parts of one replica) and the fleet the load.

    settle: seconds more, at most, until the fleet is at its smallest again.
    """
    chart = policy(speed, most)
    story = Story()
    mean = "sum(rate(augmint_queue_duration_seconds_sum[3s])) / sum(rate(augmint_queue_duration_seconds_count[3s]))"
    with cluster(models, folder, speed, most + 1) as (fleet, prometheus, names):
        capacity = _patiently(prometheus, "max(augmint_capacity_samples_per_second)")
        readers = Readers(names.target(fleet.port))
        autoscaler = chart.autoscaler()
        began = time.monotonic()
        looked = -SYNC_SECONDS
        try:
            while (now := time.monotonic() - began) < seconds + settle:
                if now >= seconds and len(fleet.replicas) == chart.least:
                    break
                asked = schedule(now)
                readers.pace = asked * capacity / PAGE
                ready = fleet.announce()
                answer = _ask(prometheus, chart.query)
                if now - looked >= SYNC_SECONDS / speed:
                    looked = now
                    fleet.resize(autoscaler.look(now, answer, len(fleet.replicas)))
                    story.held = autoscaler.held
                load = None if answer is None else answer / MILLI
                moment = Moment(now, asked, load, len(fleet.replicas), ready, _ask(prometheus, mean))
                story.moments.append(moment)
                tell(moment)
                time.sleep(0.5)
            readers.close()
            _patiently(prometheus, chart.query)
            # Not CANCELLED: a reader asks again where an answer is late, and drops the call that comes second.
            faults = 'sum(max_over_time(augmint_requests_total{code=~"INTERNAL|UNKNOWN|DATA_LOSS"}[1h]))'
            if count := prometheus.number(faults):
                raise Wrong(f"{count:.0f} calls that were accepted were not answered")
        finally:
            readers.close()
    if readers.errors:
        raise Wrong(f"{len(readers.errors)} pages were lost, the first one: {readers.errors[0]}")
    return story, readers


def _ask(prometheus: Prometheus, query: str) -> float | None:
    try:
        return prometheus.number(query)
    except NoAnswer:
        return None


def _patiently(prometheus: Prometheus, query: str) -> float:
    end = time.monotonic() + 60
    while (value := _ask(prometheus, query)) is None:
        if time.monotonic() > end:
            raise Wrong(f"no answer to {query}")
        time.sleep(0.1)
    return value


def hill(seconds: float) -> Callable[[float], float]:
    """Low, rising, high, low: 15, 15, 25 and 45 of 100 parts of the time."""
    times, heights = [0, 0.15 * seconds, 0.3 * seconds, 0.55 * seconds, 0.56 * seconds], [LOW, LOW, HIGH, HIGH, LOW]
    return lambda now: float(np.interp(now, times, heights))
