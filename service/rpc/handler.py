"""Around every call: typed errors become statuses once, and each call is counted and logged.

A wrapper around each method rather than a grpc.ServerInterceptor, which rebuilds the handler for every call.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

import grpc
import structlog

from service import errors
from service.call import Call, Method
from service.metrics import Metrics
from service.rpc import deferred
from service.rpc.backpressure import Unread

if TYPE_CHECKING:
    pass

STATUS: dict[type[errors.ServiceError], grpc.StatusCode] = {
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.GeneratorNotFound: grpc.StatusCode.NOT_FOUND,
    errors.GeneratorNotReady: grpc.StatusCode.UNAVAILABLE,
    errors.DeviceBroken: grpc.StatusCode.UNAVAILABLE,
    errors.DigestMismatch: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.QuotaExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.AnswersUnread: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Draining: grpc.StatusCode.UNAVAILABLE,
}

# A client's retry policy waits this long (milliseconds) before it tries again.
PUSHBACK = "grpc-retry-pushback-ms"


class Identifies(Protocol):
    """See service.access.Access."""

    def identify(self, call: Call, context: grpc.ServicerContext) -> None: ...


Exemplar = Callable[[], dict[str, str] | None]


def handlers(
    methods: dict[str, Method],
    metrics: Metrics,
    access: Identifies | None = None,
    unread: Unread | None = None,
    free: frozenset[str] = frozenset(),
    exemplar: Exemplar = lambda: None,
) -> dict[str, grpc.RpcMethodHandler]:
    """What a grpc server takes; without serialisers, so that bytes go in and out.

    free:     names of methods that anybody may call, whose answers are too small to be counted.
    exemplar: see Guarded.
    """
    return {
        name: grpc.unary_unary_rpc_method_handler(
            Guarded(name, method, metrics, *((None, None) if name in free else (access, unread)), exemplar)
        )
        for name, method in methods.items()
    }


class Guarded:
    """A grpc behaviour around a method that knows nothing of grpc."""

    def __init__(
        self,
        name: str,
        method: Method,
        metrics: Metrics,
        access: Identifies | None = None,
        unread: Unread | None = None,
        exemplar: Exemplar = lambda: None,
    ) -> None:
        """
        name:     of the method, for metrics and log.
        access:   names the client, or refuses it; None: anybody may call.
        unread:   counts the answers that wait for their callers; None: they are too small to count.
        exemplar: asked in the thread that a call begins in: what leads from its duration to its trace.
        """
        self._exemplar = exemplar
        self._name = name
        self._method = method
        self._access = access
        self._unread = unread
        # Bound now: a logger that is bound at its first line is bound again for every line.
        self._log = structlog.get_logger("augmint.access").bind()
        self._duration = metrics.request_duration.labels(name)
        self._codes = {code: metrics.requests.labels(name, code.name) for code in grpc.StatusCode}
        self._in_flight = metrics.in_flight
        if deferred.POOL is not None:
            self.experimental_thread_pool = deferred.POOL

    def __call__(self, raw: bytes, context: grpc.ServicerContext) -> bytes:
        """As grpc documents a behaviour. Taken where an interceptor of grpc's stands before it."""
        return deferred.wait(self, raw, context)

    def begin(self, raw: bytes, context: grpc.ServicerContext, finish: deferred.Finish) -> None:
        """Answer a call: now, or when its work is done. `finish` is called once."""
        start = time.perf_counter()
        self._in_flight.inc()
        connection = context.peer()
        call = Call(connection, context.time_remaining())
        exemplar = self._exemplar()

        def end(outcome: bytes | BaseException | None) -> None:
            """outcome: None if the caller has gone."""
            code, problem = grpc.StatusCode.OK, ""
            response, trailers = b"", deferred.NO_TRAILERS
            if isinstance(outcome, bytes):
                response = outcome
                if self._unread is not None:
                    try:
                        release = self._unread.hold(connection, len(response))
                    except errors.AnswersUnread as error:
                        response, (code, problem, trailers) = b"", _status(error)
                    else:
                        # The call is done when its last byte is sent, or when that will never be.
                        if not context.add_callback(release):
                            release()
            elif outcome is None:
                code = grpc.StatusCode.CANCELLED
            elif isinstance(outcome, errors.ServiceError):
                code, problem, trailers = _status(outcome)
            else:
                # Untyped, so it is our bug: all of it in the log, none of it on the wire.
                code, problem = grpc.StatusCode.INTERNAL, "internal error"
                self._log.error(problem, method=self._name, caller=call.caller, exc_info=outcome, **call.facts)
            if problem:
                call.facts["error"] = problem
            seconds = time.perf_counter() - start
            self._in_flight.dec()
            self._duration.observe(seconds, exemplar)
            self._codes[code].inc()
            try:
                facts = {"code": code.name, "seconds": round(seconds, 6), "caller": call.caller, **call.facts}
                self._log.info("call", method=self._name, **facts)
            finally:  # a log that cannot be written must not cost the caller its answer
                finish(code, response, problem, trailers)

        try:
            if self._access is not None:
                self._access.identify(call, context)
            if self._unread is not None:
                self._unread.check(connection)
            answer = self._method(raw, call)
        except Exception as error:
            end(error)
            return
        if isinstance(answer, bytes):
            end(answer)
            return
        work, encode = answer.work, answer.encode

        def computed(done: Future[Any]) -> None:
            if done.cancelled():
                end(None)
                return
            # Not by raising it: its traceback would know this frame, which knows `done`, which knows it.
            failure = done.exception()
            if failure is not None:
                end(failure)
                return
            try:
                response = encode(done.result())
            except Exception as error:
                end(error)
            else:
                end(response)

        work.add_done_callback(computed)
        if not context.add_callback(work.cancel):
            work.cancel()


def _status(error: errors.ServiceError) -> tuple[grpc.StatusCode, str, deferred.Trailers]:
    trailers = deferred.NO_TRAILERS
    if isinstance(error, errors.Overloaded):
        trailers = ((PUSHBACK, str(max(1, round(error.retry_after_seconds * 1000)))),)
    return STATUS[type(error)], str(error), trailers
