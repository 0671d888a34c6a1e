"""grpc.health.v1, by which probes and clients learn whether to send calls here.

Not grpc's own servicer: on the threaded server it sends under its lock, waiting for the serving thread, and that thread
needs the lock when a watcher leaves. A watcher that came while another one left hung the whole server
(https://github.com/grpc/grpc/pull/43403), and one that read nothing held up every probe.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from service.rpc import deferred
from service.rpc.ports import REQUEST_BYTES_LIMIT

HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
# Where grpc cannot take deferred calls, each watcher holds a thread.
WATCHERS = 1000
NO_REQUEST = "the request is no HealthCheckRequest"

_STATUS = health_pb2.HealthCheckResponse
_MESSAGES = {status: _STATUS(status=status).SerializeToString() for status in _STATUS.ServingStatus.values()}


class Health:
    """Statuses by name of a service, "" being the whole server. Used from any thread; nothing waits for a caller."""

    def __init__(self, listed: Callable[[str], bool] = lambda name: True) -> None:
        """listed: whether List names a service to any caller; Check and Watch answer about every name."""
        self._listed = listed
        self._lock = threading.Lock()  # never held while something is sent
        self._statuses: dict[str, int] = {}
        self._watchers: dict[str, set[_Watcher]] = {}
        self._leaving = False

    def handlers(self) -> dict[str, grpc.RpcMethodHandler]:
        """What a grpc server takes, for the service HEALTH."""
        return {
            "Check": grpc.unary_unary_rpc_method_handler(_Check(self)),
            "List": grpc.unary_unary_rpc_method_handler(_List(self)),
            "Watch": grpc.unary_stream_rpc_method_handler(_Watch(self)),
        }

    def set(self, service: str, status: int) -> None:
        """Tell those who ask and those who watch."""
        with self._lock:
            if self._leaving:
                return
            self._statuses[service] = status
            watchers = list(self._watchers.get(service, ()))
        for watcher in watchers:
            watcher.look()

    def leave(self) -> None:
        """Not serving, from now on; what is set later does not count."""
        with self._lock:
            self._leaving = True
            self._statuses = dict.fromkeys(self._statuses, _STATUS.NOT_SERVING)
            watchers = [watcher for several in self._watchers.values() for watcher in several]
        for watcher in watchers:
            watcher.look()

    def status(self, service: str) -> int | None:
        """None: never heard of."""
        with self._lock:
            return self._statuses.get(service)

    def all(self) -> dict[str, int]:
        """The statuses that List shows, by name."""
        with self._lock:
            return {name: status for name, status in self._statuses.items() if self._listed(name)}

    def watch(self, service: str, context: grpc.ServicerContext, send: deferred.Send) -> None:
        """Send the status of a service, and every later one, until the call is over."""
        watcher = _Watcher(self, service, send)
        with self._lock:
            self._watchers.setdefault(service, set()).add(watcher)
        if context.add_callback(lambda: self._forget(watcher)):
            watcher.look()
        else:
            self._forget(watcher)

    def _forget(self, watcher: _Watcher) -> None:
        with self._lock:
            others = self._watchers[watcher.service]
            others.discard(watcher)
            if not others:  # any name may be watched, so the table would grow
                del self._watchers[watcher.service]


class _Watcher:
    """One call of Watch. Statuses that come while one is being sent are left out, but for the last."""

    def __init__(self, health: Health, service: str, send: deferred.Send) -> None:
        self.service = service
        self._health = health
        self._send = send
        self._lock = threading.Lock()
        self._told: int | None = None
        self._sending = False

    def look(self) -> None:
        """Send the status if it is another one than was sent last."""
        with self._lock:
            if self._sending:
                return
            status = self._health.status(self.service)
            if status is None:
                status = _STATUS.SERVICE_UNKNOWN
            if status == self._told:
                return
            self._told = status
            self._sending = True
        self._send(_MESSAGES[status], self._sent)

    def _sent(self) -> None:
        with self._lock:
            self._sending = False
        self.look()


class _Check:
    """Behaviour of Check."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self.experimental_thread_pool = deferred.POOL or ThreadPoolExecutor(1, "health")

    def begin(self, raw: bytes, context: grpc.ServicerContext, finish: deferred.Finish) -> None:
        """Answer at once."""
        try:
            status = self._health.status(_service(raw))
        except DecodeError:
            finish(grpc.StatusCode.INVALID_ARGUMENT, b"", NO_REQUEST, deferred.NO_TRAILERS)
            return
        if status is None:
            finish(grpc.StatusCode.NOT_FOUND, b"", "no service of this name has a status here", deferred.NO_TRAILERS)
        else:
            finish(grpc.StatusCode.OK, _MESSAGES[status], "", deferred.NO_TRAILERS)

    def __call__(self, raw: bytes, context: grpc.ServicerContext) -> bytes:
        """As grpc documents a behaviour."""
        return deferred.wait(self, raw, context)


class _List:
    """Behaviour of List."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self.experimental_thread_pool = deferred.POOL or ThreadPoolExecutor(1, "health")

    def begin(self, raw: bytes, context: grpc.ServicerContext, finish: deferred.Finish) -> None:
        """Answer at once, whatever is asked: the request has no field."""
        statuses = {name: _STATUS(status=status) for name, status in self._health.all().items()}
        answer = health_pb2.HealthListResponse(statuses=statuses).SerializeToString()
        finish(grpc.StatusCode.OK, answer, "", deferred.NO_TRAILERS)

    def __call__(self, raw: bytes, context: grpc.ServicerContext) -> bytes:
        """As grpc documents a behaviour."""
        return deferred.wait(self, raw, context)


class _Watch:
    """Behaviour of Watch."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self.experimental_thread_pool = deferred.POOL or ThreadPoolExecutor(WATCHERS, "watchers")

    def begin(self, raw: bytes, context: grpc.ServicerContext, finish: deferred.Finish, send: deferred.Send) -> None:
        """Send the first status now and the others when they come."""
        try:
            service = _service(raw)
        except DecodeError:
            finish(grpc.StatusCode.INVALID_ARGUMENT, b"", NO_REQUEST, deferred.NO_TRAILERS)
            return
        self._health.watch(service, context, send)

    def __call__(self, raw: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        """As grpc documents a behaviour: a thread waits for each watcher."""
        statuses: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

        def send(response: bytes, sent: Callable[[], None]) -> None:
            statuses.put(response)
            sent()

        context.add_callback(lambda: statuses.put(None))
        self.begin(raw, context, lambda code, _, details, __: context.abort(code, details), send)
        return iter(statuses.get, None)


def _service(raw: bytes) -> str:
    """Which one a request asks for; raises DecodeError if it is no request, or one that a watcher must not hold."""
    if len(raw) > REQUEST_BYTES_LIMIT:
        raise DecodeError("too large")
    return str(health_pb2.HealthCheckRequest.FromString(raw).service)
