"""Whether calls are welcome here, as the health service and the metrics tell it."""

from __future__ import annotations

from collections.abc import Sequence

from grpc_health.v1 import health_pb2

from service.metrics import Metrics
from service.rpc.health import Health

LIVENESS = "liveness"

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Readiness:
    """Not ready at first; then as the generators say, until the server stops or its device fails. For any thread."""

    def __init__(self, health: Health, metrics: Metrics, services: Sequence[str]) -> None:
        """services: names under which the server as a whole is asked for; all of them serve, or none does."""
        self._health, self._metrics, self._services = health, metrics, services
        self._served: set[str] = set()
        self._stopping = False
        self.broken = False
        for name in services:
            health.set(name, NOT_SERVING)
        health.set(LIVENESS, SERVING)

    @property
    def open(self) -> bool:
        """Whether calls are welcome as soon as there are generators."""
        return not self._stopping and not self.broken

    def follow(self, served: set[str]) -> None:
        """Tell which generators are served now, and so whether the server is ready."""
        if not self.open or served == self._served:
            return
        # A generator of this name has no status of its own: the process would be restarted when it is unloaded.
        for name in (served ^ self._served) - {LIVENESS}:
            self._health.set(name, SERVING if name in served else NOT_SERVING)
        for name in self._services:
            self._health.set(name, SERVING if served else NOT_SERVING)
        self._metrics.ready.set(bool(served))
        self._served = served

    def device_broken(self) -> None:
        """Neither ready nor alive, so that Kubernetes sends calls elsewhere and restarts this process."""
        self._metrics.device_broken.set(1)
        self._metrics.ready.set(0)
        self.broken = True
        for name in {LIVENESS, *self._services, *self._served}:
            self._health.set(name, NOT_SERVING)

    def leave(self) -> None:
        """Not ready any more, for good."""
        self._stopping = True
        self._metrics.ready.set(0)
        self._health.leave()
