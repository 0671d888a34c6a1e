"""Builds the parts, opens the ports, drains, stops."""

from __future__ import annotations

import asyncio
import math
import os
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry, start_http_server

from service.metrics import Metrics
from service.repository import Repository
from service.scheduler import Scheduler
from service.servicer import SERVICE, GeneratorServicer
from service.settings import Settings

log = structlog.get_logger("augmint.server")

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
LIVENESS = "liveness"

# Requests are tiny: the largest holds one class index for each sample.
REQUEST_BYTES_LIMIT = 2**20


class StartError(RuntimeError):
    """The service cannot start; the message says why and what would help."""


@dataclass
class Server:
    """One process's service. `start`, then `stop`; both once."""

    settings: Settings
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    port: int = 0
    metrics_port: int = 0

    async def start(self) -> None:
        """Open the ports, load the generators, begin to serve.

        The ports open first: a port in use is found before any work, and liveness is answered during a long load.
        Raises StartError, or engine.DeviceError if the device cannot be used.
        """
        settings = self.settings
        if not settings.models.is_dir():
            raise StartError(
                f"--models {settings.models}: no such folder; publish a generator with `python -m training fit`"
            )
        lanes = settings.lanes or (cores() if settings.device == "cpu" else 1)
        self._metrics = Metrics(self.registry)
        self._open_metrics()
        self._health = HealthServicer()
        self._server = grpc.aio.server(options=_options(settings))
        self._scheduler = Scheduler(lanes, settings.queue_limit_seconds, self._metrics)
        self.repository = Repository(
            settings.models,
            self._scheduler,
            self._metrics,
            device=settings.device,
            lanes=lanes,
            max_batch=settings.max_batch,
            max_samples=settings.max_samples,
        )
        servicer = GeneratorServicer(self.repository, self._scheduler)
        self._server.add_generic_rpc_handlers((servicer.handlers(self._metrics),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            (SERVICE.full_name, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME),
            self._server,
        )
        try:
            self.port = self._server.add_insecure_port(f"{settings.host}:{settings.port}")
        except RuntimeError as error:
            raise StartError(
                f"cannot listen on {settings.host}:{settings.port}: the port is in use or not allowed; "
                "choose another with --port, or 0 for any"
            ) from error
        await self._health.set("", NOT_SERVING)
        await self._health.set(LIVENESS, SERVING)
        await self._server.start()
        # Loading holds the interpreter for moments at a time; in a thread, health checks are answered in between.
        await asyncio.to_thread(self.repository.load)
        ready = self.repository.ready()
        if not ready:
            # Nothing would change until a restart. A process that ends with the reason is easier to notice than one
            # that stays up and is never ready.
            reasons = [f"\n  {s.name}/{s.version}: {s.reason}" for s in self.repository.statuses()]
            wanted = ": wanted <generator>/<version>/model.onnx, as `python -m training fit` publishes it"
            raise StartError(f"no generator in {settings.models} can be served{''.join(reasons) or wanted}")
        for name in {identity.name for identity in ready}:
            await self._health.set(name, SERVING)
        await self._health.set("", SERVING)
        self._metrics.ready.set(1)

    def ready_line(self) -> str:
        """One line of `key=value` for people and programs: where to connect, and what is served."""
        served = ",".join(f"{identity.name}/{identity.version}" for identity in self.repository.ready())
        grpc_address = f"{self.settings.host}:{self.port}"
        metrics_address = f"{self.settings.metrics_host or self.settings.host}:{self.metrics_port}"
        return f"ready grpc={grpc_address} metrics=http://{metrics_address}/metrics generators={served}"

    async def stop(self) -> None:
        """From the outside in: not serving, refuse, finish what was accepted, close the lanes, then the metrics."""
        log.info("stopping", queued_samples=int(self._scheduler.queued_samples()))
        self._metrics.ready.set(0)
        await self._health.enter_graceful_shutdown()
        # Load balancers need a moment to notice; until then their calls are as welcome as before.
        await asyncio.sleep(self.settings.drain_seconds)
        try:
            async with asyncio.timeout(self.settings.stop_seconds):
                await self._scheduler.drain()
        except TimeoutError:
            log.warning("stopped before all was answered", seconds=self.settings.stop_seconds)
        await self.close()
        log.info("stopped")

    async def close(self) -> None:
        """End at once; for a start that failed halfway, too."""
        if hasattr(self, "_server"):
            await self._server.stop(grace=1)
        if hasattr(self, "_scheduler"):
            await asyncio.to_thread(self._scheduler.close)
        if hasattr(self, "_http"):
            self._http.shutdown()
            self._http.server_close()

    def _open_metrics(self) -> None:
        settings = self.settings
        host = settings.metrics_host or settings.host
        try:
            self._http, _ = start_http_server(settings.metrics_port, host.strip("[]"), self.registry)
        except OSError as error:
            raise StartError(
                f"cannot listen on {host}:{settings.metrics_port} for metrics: {error.strerror}; "
                "choose another with --metrics-port, or 0 for any"
            ) from error
        self.metrics_port = self._http.server_port


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores that this process may use, at least 1; in a container with a limit fewer than the machine has.

    quota: of control groups version 2, "MICROSECONDS PERIOD" or "max PERIOD"; need not exist.
    """
    most = len(os.sched_getaffinity(0))
    try:
        allowed, period = quota.read_text().split()
        # Rounded up: with 1.5 cores, two lanes use all of them and one does not.
        return min(most, max(1, math.ceil(int(allowed) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):
        return most


def _options(settings: Settings) -> list[tuple[str, int]]:
    age = int(settings.connection_age_seconds * 1000)
    return [
        # On by default on Linux: two servers on one port would silently share its calls.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", REQUEST_BYTES_LIMIT),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_concurrent_streams", settings.concurrent_calls),
        ("grpc.max_connection_age_ms", age),
        # Calls that are under way when a connection reaches its age may finish.
        ("grpc.max_connection_age_grace_ms", 600_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 30_000),
        ("grpc.keepalive_permit_without_calls", 0),
    ]
