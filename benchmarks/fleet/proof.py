"""Does the fleet follow its load? Real replicas, a real Prometheus, the chart's own query, the autoscaler's algorithm.

    python -m benchmarks.fleet [--plot docs/images/scaling.svg] [--seconds 165] [--speed 10]

A cluster in small, on loopback: processes of the service are pods, a name server is the headless Service, Prometheus
scrapes them, and once per sync the query of the chart's ScaledObject is asked as KEDA asks it and answered as a
HorizontalPodAutoscaler answers. Readers use augmint.Client and draw pages at a rate that is low, rises, stays high, and
falls. Every time of the chart (window, periods, scrapes) is divided by --speed, the start of a process is what it is.
The target is 0.3 rather than the chart's 0.7, so that four replicas fit onto two cores.

Ends with status 1 and the reason if a page was lost or wrong, if replicas did not follow, or if they flapped. Needs
`make tools`; about three minutes.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import helm_python as helm
import numpy as np
import yaml

import augmint
from benchmarks.fleet.cluster import ROOT, FleetError, Names, NoAnswer, Prometheus, Replica, free_port
from benchmarks.fleet.hpa import SYNC_SECONDS, Autoscaler, Behavior, Fallback
from benchmarks.fleet.story import Moment, Story, draw
from service import artifact
from service.runtime.session import Session

PAGE = 256
READERS = 24
SEED = 7
TARGET = 0.3
MILLI = 1000  # the chart asks KEDA in thousandths
CHECKED_PAGES = 24
# In parts of what one replica can do. A third of the target: after the peak, at which four replicas share two cores, a
# batch is priced at twice its time for a minute or two (prices follow ten seconds of batches, which the speed does not
# divide), and the fleet is to shrink all the same.
LOW, HIGH = 0.1, 1.0


class Wrong(Exception):
    """The fleet did not do what it should; the message says what it did."""


@dataclass(frozen=True)
class Policy:
    """The autoscaling part of the chart, as rendered."""

    query: str
    target: float
    least: int
    most: int
    behavior: dict[str, Any]
    fallback: dict[str, Any]

    def autoscaler(self) -> Autoscaler:
        behavior = Behavior(self.least, self.most, self.behavior)
        return Autoscaler(self.target, Fallback(self.fallback, self.target), behavior)


def policy(speed: float, most: int) -> Policy:
    """Render the chart with all its times divided by `speed`."""
    defaults = yaml.safe_load((ROOT / "k8s/augmint/values.yaml").read_text())["autoscaling"]
    behavior = {}
    for way, rules in defaults["behavior"].items():
        policies = [
            each | {"periodSeconds": max(1, round(each["periodSeconds"] / speed))} for each in rules["policies"]
        ]
        window = round(rules["stabilizationWindowSeconds"] / speed)
        behavior[way] = rules | {"stabilizationWindowSeconds": window, "policies": policies}
    scaling = {
        "mode": "keda",
        "keda": {"serverAddress": "http://127.0.0.1:1"},
        "target": TARGET,
        "maxReplicas": most,
        "windowSeconds": max(2, round(defaults["windowSeconds"] / speed)),
        "catchUpSeconds": defaults["catchUpSeconds"] / speed,
        "behavior": behavior,
    }
    with helm.Chart.load(str(ROOT / "k8s/augmint")) as chart:
        texts = chart.render({"autoscaling": scaling}, name="release", namespace="lab")
    (text,) = [text for path, text in texts.items() if path.endswith("/autoscaling.yaml")]
    spec = yaml.safe_load(text)["spec"]
    (trigger,) = spec["triggers"]
    return Policy(
        trigger["metadata"]["query"],
        float(trigger["metadata"]["threshold"]),
        spec["minReplicaCount"],
        spec["maxReplicaCount"],
        spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
        spec["fallback"],
    )


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


class Readers:
    """Draws pages at a pace, at most READERS at a time; remembers what came."""

    def __init__(self, target: str, readers: int = READERS) -> None:
        self.pace = 0.0  # pages per second
        self.pages: dict[int, int] = {}  # start index -> checksum
        self.waits: list[float] = []  # seconds from the moment a page was due until it came
        self.errors: list[Exception] = []
        self._client = augmint.Client(target, timeout=120)
        self._lock = threading.Lock()
        self._next, self._due = 0, time.monotonic()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._read, daemon=True) for _ in range(readers)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        while not self._over.is_set():
            with self._lock:
                now = time.monotonic()
                due = self._due
                if not self.pace:
                    self._due = now
                elif now >= due:
                    # What could not be asked for in time is not made up for: the load is bounded.
                    self._due = max(due, now - 1) + 1 / self.pace
                    number, self._next = self._next, self._next + 1
                early = not self.pace or now < due
            if early:
                self._over.wait(0.02)
                continue
            try:
                page = self._client.generate("3", PAGE, seed=SEED, start_index=number * PAGE)
            except augmint.AugmintError as error:
                self.errors.append(error)
                continue
            self.pages[number * PAGE] = zlib.crc32(page.array.tobytes())
            self.waits.append(time.monotonic() - due)

    def close(self) -> None:
        """Waits for the pages that are under way."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._client.close()

    def check(self, content: bytes, pages: int) -> None:
        """Make some of the pages again from the file alone; raises Wrong at the first that differs."""
        session = Session(content)
        label = np.full(PAGE, 3, np.int64)
        for start in random.Random(0).sample(sorted(self.pages), min(pages, len(self.pages))):
            seed = np.full(PAGE, artifact.mix_seed(SEED), np.uint64)
            index = np.arange(start, start + PAGE, dtype=np.uint64)
            made = session.run(artifact.Rows(seed, index, label, np.ones(PAGE, np.float32)))
            if zlib.crc32(made.tobytes()) != self.pages[start]:
                raise Wrong(f"the page at {start} is not what the file gives")


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
            faults = 'sum(max_over_time(augmint_requests_total{code=~"INTERNAL|UNKNOWN|CANCELLED|DATA_LOSS"}[1h]))'
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


def generator(models: Path) -> bytes:
    """Publish a generator of 11 MFLOP a sample, several thousand samples/s on one core; returns the file's bytes."""
    from tests.generators import publish

    return publish(models, "cheap", shape=(28, 28, 1), hidden=6656, latent_size=64).read_bytes()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path, help="write the plot there, as SVG; default: none")
    parser.add_argument("--seconds", type=float, default=165.0, help="length of the load (%(default)s)")
    parser.add_argument("--speed", type=float, default=10.0, help="divisor of the chart's times (%(default)s)")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            content = generator(folder / "models")
            story, readers = play(
                folder / "models", folder, hill(options.seconds), options.seconds, options.speed, settle=60, tell=_tell
            )
            readers.check(content, CHECKED_PAGES)
        if options.plot:
            draw(story, options.plot, options.speed, TARGET)
        waits = np.percentile(readers.waits, [50, 99])
        counts = [moment.replicas for moment in story.moments]
        print(
            f"{len(readers.pages):,} pages of {PAGE}, none lost, none wrong ({CHECKED_PAGES} made again); "
            f"a page took {waits[0] * 1000:.0f} ms, p99 {waits[1] * 1000:.0f} ms"
        )
        print(
            f"replicas 1 -> {max(counts)} -> {counts[-1]}, changes {story.changes}; looks without answer: {story.held}"
        )
        if max(counts) < 3 or counts[-1] != 1 or story.turns != 1:
            raise Wrong(
                f"the fleet should grow to 3 or 4 and shrink to 1 without turning back; changes {story.changes}"
            )
    except (Wrong, FleetError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _tell(moment: Moment) -> None:
    load = "  -  " if moment.load is None else f"{moment.load:5.2f}"
    queue = "-" if moment.queue is None else f"{moment.queue * 1000:.0f}"
    print(
        f"{moment.at:6.1f} s  asked {moment.asked:4.2f}  load {load}  replicas {moment.replicas}"
        f" (ready {moment.ready})  queue {queue} ms",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
