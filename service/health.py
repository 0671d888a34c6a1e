"""grpc.health.v1, answered by a thread of its own: probes must not wait behind other calls that hold threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import HealthServicer

_POOL = ThreadPoolExecutor(1, "health")


class Health(HealthServicer):  # type: ignore[misc]  # it comes without types
    """The well-known servicer; watchers hold no thread."""

    def __init__(self) -> None:
        super().__init__(experimental_non_blocking=True, experimental_thread_pool=_POOL)

    def Check(
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext
    ) -> health_pb2.HealthCheckResponse:
        """The status of one service."""
        return super().Check(request, context)

    Check.experimental_thread_pool = _POOL  # type: ignore[attr-defined]
