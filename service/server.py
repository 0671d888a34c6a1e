"""Builds the parts, opens the ports, drains, stops."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry, start_http_server

from service import malloc
from service.access import access, quotas
from service.access.access import Access
from service.access.reload import FileError, Watched, watch
from service.access.tokens import tokens_file
from service.metrics import Metrics
from service.repository.cache import Cache
from service.repository.loader import Loader
from service.repository.policy import Keep
from service.repository.repository import Repository
from service.repository.sources import SourceError, open_source, shown
from service.rpc.backpressure import Unread
from service.rpc.handler import Exemplar, handlers
from service.rpc.health import HEALTH, Health
from service.rpc.inference.servicer import OPEN, InferenceServicer
from service.rpc.inference.servicer import SERVICE as INFERENCE_SERVICE
from service.rpc.ports import StartError, listen, options
from service.rpc.servicer import SERVICE, GeneratorServicer
from service.runtime import device as devices
from service.runtime.device import cores
from service.scheduling.scheduler import Scheduler
from service.settings import Settings

log = structlog.get_logger("augmint.server")

# When stopping: nobody has called for so long, or so long is enough.
QUIET_SECONDS = 0.1
LEAVE_SECONDS = 1.0

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
LIVENESS = "liveness"

# For calls that wait in a thread: lists and descriptions, reflection, and all where traces are taken.
THREADS = 64
# How often the wait for the interpreter is measured.
LAG_SECONDS = 0.5

WATCH_SECONDS = 0.5


@dataclass
class Server:
    """One process's service. `start`, then `stop`; both once."""

    settings: Settings
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    port: int = 0
    metrics_port: int = 0
    health_port: int | None = None
    _healthy: set[str] = field(default_factory=set, init=False)
    _stopping: bool = field(default=False, init=False)
    _broken: bool = field(default=False, init=False)

    async def start(self) -> None:
        """Open the ports, load the generators, begin to serve.

        The ports open first: a port in use is found before any work, and liveness is answered during a long load.
        Raises StartError, or device.DeviceError if the device cannot be used.
        """
        settings = self.settings
        lanes = settings.lanes or devices.lanes(settings.device, cores())
        self._metrics = Metrics(self.registry)
        credentials = self._open_access()
        cache = settings.cache_folder and Cache(
            Path(settings.cache_folder), settings.cache_bytes, self._metrics.cache_failures.inc
        )
        try:
            source = open_source(settings.models, cache or None)
        except SourceError as error:
            raise StartError(f"--models {error}") from error
        self._open_metrics()
        # Health asks for no token, and so tells nobody which generators there are where others do.
        open_to_all = not (settings.tokens or settings.tls_client_ca)
        self._health = Health(lambda name: open_to_all or name in (LIVENESS, *self._services))
        self._server = grpc.server(
            ThreadPoolExecutor(THREADS, "calls"), interceptors=self._start_traces(), options=options(settings)
        )
        self._scheduler = Scheduler(lanes, settings.queue_limit_seconds, self._metrics)
        self.repository = Repository(
            source,
            Loader(
                settings.device,
                lanes,
                settings.max_batch,
                settings.allow_withheld,
                self._scheduler.alone,
                devices.Options(graphs=settings.cuda_graphs == "auto", tf32=settings.tf32),
                devices.Events(self._device_broken, self._graph_fallback),
            ),
            self._scheduler,
            self._metrics,
            settings.max_samples,
            Keep(settings.keep_versions, settings.retiring_versions, settings.retire_seconds),
            tidy=malloc.give_back,
        )
        self._unread = Unread(settings.unread_bytes, self._metrics)
        servicers: tuple[tuple[ServiceDescriptor, object, frozenset[str]], ...] = (
            (SERVICE, GeneratorServicer(self.repository, self._scheduler), frozenset()),
            (
                INFERENCE_SERVICE,
                InferenceServicer(self.repository, self._scheduler, self._welcome, lambda: not self._broken),
                OPEN,
            ),
        )
        for service, servicer, free in servicers:
            methods = {method.name: getattr(servicer, method.name) for method in service.methods}
            guarded = handlers(methods, self._metrics, self._access, self._unread, free, self._exemplar)
            self._server.add_registered_method_handlers(service.full_name, guarded)
        self._server.add_registered_method_handlers(HEALTH, self._health.handlers())
        names = [SERVICE.full_name, INFERENCE_SERVICE.full_name, HEALTH]
        if settings.reflection:
            names.append(reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)
        # As the protocol has it: the whole server's status under "", and each service's under its full name. All of
        # them serve here, or none does.
        self._services = ["", *names]
        self.port = listen(self._server, settings.host, settings.port, "--port", credentials)
        if settings.health_port is not None:
            self._open_health(settings.host, settings.health_port)
        for name in self._services:
            self._health.set(name, NOT_SERVING)
        self._health.set(LIVENESS, SERVING)
        self._server.start()
        # Loading holds the interpreter for moments at a time; in a thread, health checks are answered in between.
        try:
            await asyncio.to_thread(self.repository.load)
        except SourceError as error:
            if not settings.start_empty:
                raise StartError(f"--models {error}") from error
            log.error("models cannot be looked at", reason=str(error))
        if not self.repository.ready() and not settings.start_empty:
            # A process that ends with the reason is easier to notice than one that stays up and is never ready.
            reasons = [f"\n  {s.name}/{s.version}: {s.reason}" for s in self.repository.statuses()]
            told = "".join(reasons) or f": {await asyncio.to_thread(source.advice)}"
            raise StartError(f"no generator in {shown(settings.models)} can be served{told}")
        if not self.repository.ready() and not self.repository.statuses():
            log.warning(
                "no generator yet", models=shown(settings.models), reason=await asyncio.to_thread(source.advice)
            )
        self._tell_health()
        precision = "tf32" if settings.tf32 and settings.device != "cpu" else "float32"
        self._metrics.build_info.labels(devices.runtime_version(), settings.device, precision).set(1)
        self._lag = asyncio.create_task(self._watch_lag())
        if settings.watch_seconds:
            self.repository.watch(settings.watch_seconds, self._tell_health)

    async def _watch_lag(self) -> None:
        """What holds the interpreter, as the loading of a file does for moments, delays every call."""
        while True:
            start = time.perf_counter()
            await asyncio.sleep(LAG_SECONDS)
            self._metrics.loop_lag.observe(max(0.0, time.perf_counter() - start - LAG_SECONDS))

    def _tell_health(self) -> None:
        """What the health service says of the server and of each generator follows from what is served."""
        served = {identity.name for identity in self.repository.ready()}
        if self._stopping or self._broken or served == self._healthy:
            return
        # A generator that is called so has no status of its own: it would end the process when it goes.
        for name in (served ^ self._healthy) - {LIVENESS}:
            self._health.set(name, SERVING if name in served else NOT_SERVING)
        for name in self._services:
            self._health.set(name, SERVING if served else NOT_SERVING)
        self._metrics.ready.set(bool(served))
        self._healthy = served

    def _device_broken(self, reason: str) -> None:
        """From any thread: neither ready nor alive, so that Kubernetes sends calls elsewhere and restarts this one."""
        log.critical("device broken", device=self.settings.device, reason=reason)
        self._metrics.device_broken.set(1)
        self._metrics.ready.set(0)
        self._broken = True
        for name in {LIVENESS, *self._services, *self._healthy}:
            self._health.set(name, NOT_SERVING)

    def _graph_fallback(self, stage: str, reason: str) -> None:
        log.warning("no CUDA graphs", stage=stage, reason=reason)
        self._metrics.graph_fallbacks.labels(stage).inc()

    def ready_line(self) -> str:
        """One line of `key=value` for people and programs: where to connect, and what is served."""
        served = ",".join(f"{identity.name}/{identity.version}" for identity in self.repository.ready())
        grpc_address = f"{self.settings.host}:{self.port}"
        metrics_address = f"{self.settings.metrics_host or self.settings.host}:{self.metrics_port}"
        health = "" if self.health_port is None else f" health={self.settings.host}:{self.health_port}"
        return f"ready grpc={grpc_address} metrics=http://{metrics_address}/metrics{health} generators={served}"

    async def stop(self) -> None:
        """From the outside in: not serving, refuse, finish what was accepted, close the lanes, then the metrics."""
        log.info("stopping", queued_samples=int(self._scheduler.queued_samples()))
        self._stopping = True
        self._metrics.ready.set(0)
        self._health.leave()
        # Load balancers need a moment to notice; until then their calls are as welcome as before.
        await asyncio.sleep(self.settings.drain_seconds)
        if not await asyncio.to_thread(self._scheduler.drain, self.settings.stop_seconds):
            log.warning("stopped before all was answered", seconds=self.settings.stop_seconds)
        # What reaches gRPC in the moment in which it closes is reset, and its caller reads CANCELLED. So callers are
        # told UNAVAILABLE until they have gone elsewhere.
        end = time.monotonic() + LEAVE_SECONDS
        while self._scheduler.quiet_seconds() < QUIET_SECONDS and time.monotonic() < end:
            await asyncio.sleep(QUIET_SECONDS / 5)
        await self.close()
        log.info("stopped")

    async def close(self) -> None:
        """End at once; for a start that failed halfway, too."""
        if hasattr(self, "_watch"):
            self._watch.cancel()
        if hasattr(self, "_lag"):
            self._lag.cancel()
        if hasattr(self, "repository"):
            await asyncio.to_thread(self.repository.close)
        if hasattr(self, "_server"):
            await asyncio.to_thread(self._server.stop(grace=1).wait)
        if hasattr(self, "_health_server"):
            await asyncio.to_thread(self._health_server.stop(grace=1).wait)
        if hasattr(self, "_scheduler"):
            await asyncio.to_thread(self._scheduler.close)
        if hasattr(self, "_end_traces"):
            await asyncio.to_thread(self._end_traces)
        if hasattr(self, "_http"):
            self._http.shutdown()
            self._http.server_close()

    def _start_traces(self) -> list[grpc.ServerInterceptor]:
        self._exemplar: Exemplar = lambda: None
        if not self.settings.traces:
            return []
        try:
            from service import tracing
        except ModuleNotFoundError as error:
            raise StartError(
                f"--traces needs {error.name}, which is not installed: pip install 'augmint-platform[otel]'"
            ) from error
        interceptor, self._end_traces = tracing.start()
        self._exemplar = tracing.exemplar
        return [interceptor]

    def _welcome(self) -> bool:
        return not self._stopping and not self._broken and bool(self.repository.ready())

    def _open_access(self) -> grpc.ServerCredentials | None:
        """Read what says who may call; returns the credentials of the gRPC port, None for plain text."""
        settings = self.settings
        if bool(settings.tls_certificate) != bool(settings.tls_key):
            raise StartError("--tls-certificate and --tls-key belong together; give both or neither")
        if settings.tls_client_ca and not settings.tls_certificate:
            raise StartError("--tls-client-ca needs --tls-certificate and --tls-key")
        if not (settings.insecure or settings.tls_certificate or settings.tokens or access.loopback(settings.host)):
            raise StartError(
                f"--host {settings.host} can be reached from other machines, and anybody there could call; "
                "give --tls-certificate and --tls-key, or --tokens, or say with --insecure that the network keeps "
                "strangers out"
            )
        watched: list[Watched] = []
        credentials = None
        try:
            if settings.tls_certificate and settings.tls_key:
                from service.access import tls

                certificates = tls.watched(
                    settings.tls_certificate, settings.tls_key, settings.tls_client_ca, self._metrics
                )
                watched.append(certificates)
                credentials = tls.credentials(certificates, mutual=settings.tls_client_ca is not None)
            tokens = tokens_file(settings.tokens, self._metrics) if settings.tokens else None
            rules = quotas.quotas_file(settings.quotas, self._metrics) if settings.quotas else None
        except FileError as error:
            raise StartError(str(error)) from error
        watched += [file for file in (tokens, rules) if file]
        mutual = settings.tls_client_ca is not None
        self._access = None
        if tokens or rules or mutual:
            self._access = Access(tokens, mutual, quotas.Quotas(rules, self._metrics) if rules else None, self._metrics)
        if watched:
            self._watch = asyncio.create_task(watch(watched, WATCH_SECONDS))
        return credentials

    def _open_health(self, host: str, port: int) -> None:
        self._health_server = grpc.server(ThreadPoolExecutor(1, "health"), options=options(self.settings))
        self._health_server.add_registered_method_handlers(HEALTH, self._health.handlers())
        self.health_port = listen(self._health_server, host, port, "--health-port", None)
        self._health_server.start()

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
