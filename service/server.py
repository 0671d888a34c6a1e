"""Builds the parts, opens the ports, drains, stops."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry, start_http_server

from service import malloc
from service.access.access import Entrance, open_entrance
from service.access.reload import watch
from service.errors import StartError
from service.metrics import Metrics
from service.periodic import every
from service.repository.cache import Cache
from service.repository.loader import Loader
from service.repository.policy import Keep
from service.repository.repository import Repository
from service.repository.sources import Source, SourceError, open_source, shown
from service.rpc.backpressure import Unread
from service.rpc.handler import Exemplar, handlers
from service.rpc.health import HEALTH, Health
from service.rpc.inference.servicer import BODIES as INFERENCE_BODIES
from service.rpc.inference.servicer import OPEN, InferenceServicer
from service.rpc.inference.servicer import SERVICE as INFERENCE_SERVICE
from service.rpc.ports import BODY_BYTES_LIMIT, REQUEST_BYTES_LIMIT, listen, options
from service.rpc.readiness import LIVENESS, Readiness
from service.rpc.servicer import BODIES, SERVICE, GeneratorServicer
from service.runtime import device as devices
from service.scheduling.scheduler import Scheduler
from service.settings import Settings

log = structlog.get_logger("augmint.server")

# Shutdown: close after QUIET_SECONDS without a call, or after LEAVE_SECONDS in any case.
QUIET_SECONDS = 0.1
LEAVE_SECONDS = 1.0

# For calls that wait in a thread: lists and descriptions, reflection, and all where traces are taken.
THREADS = 64
# Period of the measurement of the wait for the interpreter.
LAG_SECONDS = 0.5
# Period of the checks of certificates, tokens and quotas.
WATCH_SECONDS = 0.5


@dataclass
class Server:
    """One process's service. `start`, then `stop`; both once."""

    settings: Settings
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    port: int = 0
    metrics_port: int = 0
    health_port: int | None = None
    _parts: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, init=False)  # closed from the last on

    def start(self) -> None:
        """Open the ports, load the generators, begin to serve.

        The ports open first: a port in use is found before any work, and liveness is answered during a long load.
        Raises StartError, or device.DeviceError if the device cannot be used.
        """
        settings, parts = self.settings, self._parts
        lanes = settings.lanes or devices.lanes(settings.device, devices.cores())
        self._metrics = Metrics(self.registry)
        stopped = threading.Event()
        parts.callback(stopped.set)

        # Access, and what is served.
        entrance = open_entrance(settings, self._metrics)
        if entrance.watched:
            watch(entrance.watched, WATCH_SECONDS, stopped)
        source = self._open_source()

        # What is told of the server.
        self._open_metrics()
        interceptors, exemplar = self._open_traces()
        names = [SERVICE.full_name, INFERENCE_SERVICE.full_name, HEALTH]
        names += [reflection.SERVICE_NAME] if settings.reflection else []
        # As the protocol has it: the whole server's status under "", and each service's under its full name.
        services = ["", *names]
        # Health asks for no token: where calls need one, it must not name the generators.
        open_to_all = not (settings.tokens or settings.tls_client_ca)
        self._health = Health(lambda name: open_to_all or name in (LIVENESS, *services))
        self._readiness = Readiness(self._health, self._metrics, services)
        if settings.health_port is not None:
            self._open_health(settings.health_port)

        # What answers the calls.
        self._scheduler = Scheduler(lanes, settings.queue_limit_seconds, self._metrics)
        parts.callback(self._scheduler.close)
        self.repository = self._make_repository(source, lanes)
        self._open_calls(names, entrance, interceptors, exemplar)
        parts.callback(self.repository.close)

        self._load(source)
        every(LAG_SECONDS, self._measure_lag(), stopped, "interpreter lag")
        if settings.watch_seconds:
            self.repository.watch(settings.watch_seconds, self._tell_ready)

    def ready_line(self) -> str:
        """One line of `key=value` for people and programs: where to connect, and what is served."""
        served = ",".join(f"{identity.name}/{identity.version}" for identity in self.repository.ready())
        grpc_address = f"{self.settings.host}:{self.port}"
        metrics_address = f"{self.settings.metrics_host or self.settings.host}:{self.metrics_port}"
        health = "" if self.health_port is None else f" health={self.settings.host}:{self.health_port}"
        return f"ready grpc={grpc_address} metrics=http://{metrics_address}/metrics{health} generators={served}"

    def stop(self) -> None:
        """From the outside in: not serving, refuse, finish what was accepted, close the lanes, then the metrics."""
        log.info("stopping", queued_samples=int(self._scheduler.queued_samples()))
        self._readiness.leave()
        # Load balancers need a moment to notice; until then their calls are as welcome as before.
        time.sleep(self.settings.drain_seconds)
        if not self._scheduler.drain(self.settings.stop_seconds):
            log.warning("stopped before all was answered", seconds=self.settings.stop_seconds)
        # What reaches gRPC in the moment in which it closes is reset, and its caller reads CANCELLED. So callers are
        # told UNAVAILABLE until they have gone elsewhere.
        end = time.monotonic() + LEAVE_SECONDS
        while self._scheduler.quiet_seconds() < QUIET_SECONDS and time.monotonic() < end:
            time.sleep(QUIET_SECONDS / 5)
        self.close()
        log.info("stopped")

    def close(self) -> None:
        """End at once; for a start that failed halfway, too."""
        self._parts.close()

    # -- steps of the start --------------------------------------------------------------------------------

    def _open_source(self) -> Source:
        settings = self.settings
        cache = settings.cache_folder and Cache(
            Path(settings.cache_folder), settings.cache_bytes, self._metrics.cache_failures.inc
        )
        try:
            return open_source(settings.models, cache or None)
        except SourceError as error:
            raise StartError(f"--models {error}") from error

    def _open_metrics(self) -> None:
        settings = self.settings
        host = settings.metrics_host or settings.host
        try:
            http, _ = start_http_server(settings.metrics_port, host.strip("[]"), self.registry)
        except OSError as error:
            raise StartError(
                f"cannot listen on {host}:{settings.metrics_port} for metrics: {error.strerror}; "
                "choose another with --metrics-port, or 0 for any"
            ) from error
        self.metrics_port = http.server_port
        self._parts.callback(http.server_close)
        self._parts.callback(http.shutdown)

    def _open_traces(self) -> tuple[list[grpc.ServerInterceptor], Exemplar]:
        if not self.settings.traces:
            return [], lambda: None
        try:
            from service import tracing
        except ModuleNotFoundError as error:
            raise StartError(
                f"--traces needs {error.name}, which is not installed: pip install 'augmint-platform[otel]'"
            ) from error
        interceptor, end = tracing.start()
        self._parts.callback(end)
        return [interceptor], tracing.exemplar

    def _open_health(self, port: int) -> None:
        server = self._grpc_server(1, "health", request_bytes=REQUEST_BYTES_LIMIT)
        server.add_registered_method_handlers(HEALTH, self._health.handlers())
        self.health_port = listen(server, self.settings.host, port, "--health-port", None)
        server.start()

    def _make_repository(self, source: Source, lanes: int) -> Repository:
        settings = self.settings
        loader = Loader(
            settings.device,
            lanes,
            settings.max_batch,
            settings.allow_withheld,
            self._scheduler.alone,
            devices.Options(graphs=settings.cuda_graphs == "auto", tf32=settings.tf32),
            devices.Callbacks(self._device_broken, self._graph_fallback),
        )
        return Repository(
            source,
            loader,
            self._scheduler,
            self._metrics,
            settings.max_samples,
            Keep(settings.keep_versions, settings.retiring_versions, settings.retire_seconds),
            tidy=malloc.trim,
        )

    def _open_calls(
        self,
        names: Sequence[str],
        entrance: Entrance,
        interceptors: Sequence[grpc.ServerInterceptor],
        exemplar: Exemplar,
    ) -> None:
        """names: of the services, for reflection."""
        settings, repository, readiness = self.settings, self.repository, self._readiness
        server = self._grpc_server(THREADS, "calls", interceptors)
        unread = Unread(settings.unread_bytes, self._metrics)
        inference = InferenceServicer(
            repository,
            self._scheduler,
            ready=lambda: readiness.open and bool(repository.ready()),
            live=lambda: not readiness.broken,
        )
        nothing = frozenset[str]()
        servicers: tuple[tuple[ServiceDescriptor, object, frozenset[str], frozenset[str]], ...] = (
            (SERVICE, GeneratorServicer(repository, self._scheduler), nothing, BODIES),
            (INFERENCE_SERVICE, inference, OPEN, INFERENCE_BODIES),
        )
        for service, servicer, free, bodies in servicers:
            methods = {method.name: getattr(servicer, method.name) for method in service.methods}
            answering = handlers(methods, self._metrics, entrance.access, unread, free, bodies, exemplar)
            server.add_registered_method_handlers(service.full_name, answering)
        server.add_registered_method_handlers(HEALTH, self._health.handlers())
        if settings.reflection:
            reflection.enable_server_reflection(names, server)
        self.port = listen(server, settings.host, settings.port, "--port", entrance.credentials)
        server.start()

    def _grpc_server(
        self,
        threads: int,
        name: str,
        interceptors: Sequence[grpc.ServerInterceptor] = (),
        request_bytes: int = BODY_BYTES_LIMIT,
    ) -> grpc.Server:
        pool = ThreadPoolExecutor(threads, name)
        server = grpc.server(pool, interceptors=interceptors, options=options(self.settings, request_bytes))
        self._parts.callback(lambda: server.stop(grace=1).wait())
        return server

    def _load(self, source: Source) -> None:
        """Load the generators; raises StartError if none can be served and none may be waited for."""
        settings, repository = self.settings, self.repository
        try:
            repository.load()
        except SourceError as error:
            if not settings.start_empty:
                raise StartError(f"--models {error}") from error
            log.error("models cannot be looked at", reason=str(error))
        if not repository.ready() and not settings.start_empty:
            # A process that ends with the reason is easier to notice than one that stays up and is never ready.
            reasons = [f"\n  {s.name}/{s.version}: {s.reason}" for s in repository.statuses()]
            told = "".join(reasons) or f": {source.advice()}"
            raise StartError(f"no generator in {shown(settings.models)} can be served{told}")
        if not repository.ready() and not repository.statuses():
            log.warning("no generator yet", models=shown(settings.models), reason=source.advice())
        self._tell_ready()
        precision = "tf32" if settings.tf32 and settings.device != "cpu" else "float32"
        self._metrics.build_info.labels(devices.runtime_version(), settings.device, precision).set(1)

    # -- while it serves, from any thread ------------------------------------------------------------------

    def _measure_lag(self) -> Callable[[], None]:
        """How late a thread that waits gets the interpreter: what holds it delays every call."""
        before = time.perf_counter()

        def look() -> None:
            nonlocal before
            now = time.perf_counter()
            self._metrics.interpreter_lag.observe(max(0.0, now - before - LAG_SECONDS))
            before = time.perf_counter()

        return look

    def _tell_ready(self) -> None:
        self._readiness.follow({identity.name for identity in self.repository.ready()})

    def _device_broken(self, reason: str) -> None:
        log.critical("device broken", device=self.settings.device, reason=reason)
        self._readiness.device_broken()

    def _graph_fallback(self, stage: str, reason: str) -> None:
        log.warning("no CUDA graphs", stage=stage, reason=reason)
        self._metrics.graph_fallbacks.labels(stage).inc()
