"""A Deployment's roll-out as Kubernetes does it, with processes of the real service as pods.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.fleet.cluster import Names, Replica


def bound(given: int | str, replicas: int, surge: bool) -> int:
    """Pods that a maxSurge (rounded up) or maxUnavailable (rounded down) stands for."""
    if isinstance(given, int):
        return given
    share = int(given.removesuffix("%")) * replicas / 100
    return math.ceil(share) if surge else math.floor(share)


def plan(replicas: int, surge: int, unavailable: int, old: tuple[int, int], new: tuple[int, int]) -> tuple[int, int]:
    """New pods to start and old ones to stop now.

    old, new: (pods, those of them that are ready).
    """
    total, least = old[0] + new[0], replicas - unavailable
    start = max(0, min(replicas - new[0], replicas + surge - total))
    # New pods that are not ready do not count: an old one is stopped only if enough remain without them.
    room = total - least - (new[0] - new[1])
    broken = min(old[0] - old[1], max(0, room))  # old ones that serve nobody go first
    stop = broken + max(0, min(old[1], room - broken, old[1] + new[1] - least))
    return start, min(stop, old[0])


class Rollout:
    """Pods of one name, port and number, of one version or two."""

    def __init__(self, models: Path, port: int, replicas: int) -> None:
        self.port, self.names = port, Names("augmint-headless.lab.svc")
        self.old: list[Replica] = []
        self.new: list[Replica] = []
        self._replicas, self._probe = replicas, ""
        self._surge = self._unavailable = 0
        self._ending: list[Replica] = []
        self._made = 0
        self.old = [self._pod(models, {}) for _ in range(replicas)]

    def obey(self, strategy: Mapping[str, int | str], probe: str) -> None:
        """strategy: the Deployment's rollingUpdate; probe: the service that its readinessProbe asks for."""
        self._surge = bound(strategy["maxSurge"], self._replicas, surge=True)
        self._unavailable = bound(strategy["maxUnavailable"], self._replicas, surge=False)
        self._probe = probe

    def _pod(self, models: Path, flags: Mapping[str, object]) -> Replica:
        self._made += 1
        ours = {"lanes": 1, "connection-age-seconds": 3, "drain-seconds": 1, "watch-seconds": 0.2}
        return Replica(models, f"127.0.0.{1 + self._made}", self.port, f"pod-{self._made}", ours | dict(flags))

    def ready(self, pod: Replica) -> bool:
        """What the kubelet's readinessProbe says."""
        with grpc.insecure_channel(f"{pod.host}:{self.port}") as channel:
            try:
                request = health_pb2.HealthCheckRequest(service=self._probe)
                answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=5)
            except grpc.RpcError:
                return False
        return answer.status == health_pb2.HealthCheckResponse.SERVING

    def look(self, models: Path | None = None, flags: Mapping[str, object] | None = None) -> tuple[int, int]:
        """One round of the controller, towards the new version if models are given; returns ready (old, new) pods."""
        old = [pod for pod in self.old if self.ready(pod)]
        new = [pod for pod in self.new if self.ready(pod)]
        counts = (len(self.old), len(old)), (len(self.new), len(new))
        start, stop = plan(self._replicas, self._surge, self._unavailable, *counts) if models else (0, 0)
        going = sorted(self.old, key=lambda pod: pod in old)[:stop]
        self.names.addresses = [pod.host for pod in [*old, *new] if pod not in going]
        for pod in going:
            self.old.remove(pod)
            self._ending.append(pod)
            pod.stop()
        if models:
            self.new += [self._pod(models, flags or {}) for _ in range(start)]
        return len(old), len(new)

    def until(self, holds: Callable[[int, int], bool], *version: object) -> None:
        """Rounds until the ready (old, new) pods are as wanted; see look for the version."""
        end = time.monotonic() + 120
        while not holds(*self.look(*version)):  # type: ignore[arg-type]
            assert time.monotonic() < end, f"old {len(self.old)}, new {len(self.new)}: {self.look()} ready"
            time.sleep(0.1)

    def settle(self) -> None:
        """What rolled out is now the old version."""
        self.old, self.new = [*self.old, *self.new], []

    def give_up(self, models: Path) -> None:
        """`helm rollback`: the new pods go, and there are as many old ones as before."""
        for pod in self.new:
            pod.kill()
        self.new = []
        self.old += [self._pod(models, {}) for _ in range(self._replicas - len(self.old))]

    def close(self) -> None:
        for pod in [*self.old, *self.new, *self._ending]:
            pod.kill()
        self.names.close()
