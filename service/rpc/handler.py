"""Around every call: typed errors become statuses once, and each call is counted and logged.

A wrapper around each method rather than a grpc.ServerInterceptor, which rebuilds the handler for every call.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

import grpc
import structlog

from service import errors
from service.call import Call, Method
from service.metrics import Metrics
from service.rpc import deferred
from service.rpc.backpressure import Unread
from service.rpc.ports import BODY_BYTES_LIMIT, REQUEST_BYTES_LIMIT

STATUS: dict[type[errors.ServiceError], grpc.StatusCode] = {
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.GeneratorNotFound: grpc.StatusCode.NOT_FOUND,
    errors.GeneratorNotReady: grpc.StatusCode.UNAVAILABLE,
    errors.DeviceBroken: grpc.StatusCode.UNAVAILABLE,
    errors.DigestMismatch: grpc.StatusCode.FAILED_PRECONDITION,
    errors.CannotTransform: grpc.StatusCode.FAILED_PRECONDITION,
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


# A request that is larger counts as an answer does: it is held until the call is answered.
LITTLE = 2**16

Exemplar = Callable[[], dict[str, str] | None]


def handlers(
    methods: dict[str, Method],
    metrics: Metrics,
    access: Identifies | None = None,
    unread: Unread | None = None,
    free: frozenset[str] = frozenset(),
    bodies: frozenset[str] = frozenset(),
    exemplar: Exemplar = lambda: None,
) -> dict[str, grpc.RpcMethodHandler]:
    """What a grpc server takes; without serialisers, so that bytes go in and out.

    free:     names of methods without access checks, whose answers are too small to be counted.
    bodies:   names of methods whose requests may be as large as answers.
    exemplar: see Handler.
    """
    return {
        name: grpc.unary_unary_rpc_method_handler(
            Handler(
                name,
                method,
                metrics,
                *((None, None) if name in free else (access, unread)),
                exemplar,
                BODY_BYTES_LIMIT if name in bodies else REQUEST_BYTES_LIMIT,
            )
        )
        for name, method in methods.items()
    }


class Handler:
    """A grpc behaviour around a method that knows nothing of grpc."""

    def __init__(
        self,
        name: str,
        method: Method,
        metrics: Metrics,
        access: Identifies | None = None,
        unread: Unread | None = None,
        exemplar: Exemplar = lambda: None,
        limit: int = REQUEST_BYTES_LIMIT,
    ) -> None:
        """
        name:     of the method, for metrics and log.
        access:   names the client, or refuses it; None: any client may call.
        unread:   counts the answers that wait for their callers; None: they are too small to count.
        exemplar: gives the trace of the call that the thread begins, for the metric of its duration.
        limit:    bytes of a request.
        """
        self.name = name
        self._method = method
        self.access = access
        self.unread = unread
        self.exemplar = exemplar
        self._limit = limit
        # Bound now: a logger that is bound at its first line is bound again for every line.
        self.log = structlog.get_logger("augmint.access").bind()
        self.duration = metrics.request_duration.labels(name)
        self.codes = {code: metrics.requests.labels(name, code.name) for code in grpc.StatusCode}
        self.in_flight = metrics.in_flight
        if deferred.POOL is not None:
            self.experimental_thread_pool = deferred.POOL

    def __call__(self, raw: bytes, context: grpc.ServicerContext) -> bytes:
        """As grpc documents a behaviour. Taken where an interceptor of grpc's stands before it."""
        return deferred.wait(self, raw, context)

    def begin(self, raw: bytes, context: grpc.ServicerContext, finish: deferred.Finish) -> None:
        """Answer a call: now, or when its work is done. `finish` is called once."""
        open_call = _OpenCall(self, context, finish)
        try:
            if self.access is not None:
                self.access.identify(open_call.call, context)
            if self.unread is not None:
                self.unread.check(open_call.connection)
                if len(raw) > LITTLE:
                    open_call.release = self.unread.hold(open_call.connection, len(raw))
            if len(raw) > self._limit:
                raise errors.InvalidRequest(
                    f"the request has {len(raw):,} bytes; one of {self.name} has at most {self._limit:,}"
                )
            answer = self._method(raw, open_call.call)
        except Exception as error:
            open_call.end(error)
            return
        if isinstance(answer, bytes):
            open_call.end(answer)
            return
        open_call.encode = answer.encode
        answer.work.add_done_callback(open_call.computed)
        if not context.add_callback(answer.work.cancel):
            answer.work.cancel()


class _OpenCall:
    """One call, from its beginning to its answer."""

    __slots__ = ("_context", "_exemplar", "_finish", "_handler", "_start", "call", "connection", "encode", "release")
    encode: Callable[[Any], bytes]  # see Later
    release: Callable[[], None] | None  # of what the caller sent, if that is much

    def __init__(self, handler: Handler, context: grpc.ServicerContext, finish: deferred.Finish) -> None:
        self._start = time.perf_counter()
        handler.in_flight.inc()
        self._handler, self._context, self._finish = handler, context, finish
        self.release = None
        self.connection = context.peer()
        self.call = Call(self.connection, context.time_remaining())
        self._exemplar = handler.exemplar()

    def computed(self, work: Future[Any]) -> None:
        """The work is done, has failed, or was cancelled because the caller has gone."""
        if work.cancelled():
            self.end(None)
            return
        # Not by raising it: its traceback would know this frame, which knows `work`, which knows it.
        failure = work.exception()
        if failure is not None:
            self.end(failure)
            return
        try:
            response = self.encode(work.result())
        except Exception as error:
            self.end(error)
        else:
            self.end(response)

    def end(self, outcome: bytes | BaseException | None) -> None:
        """Answer, count and log the call. outcome: None if the caller has gone."""
        handler, call = self._handler, self.call
        code, problem = grpc.StatusCode.OK, ""
        response, trailers = b"", deferred.NO_TRAILERS
        if self.release is not None:
            self.release()
        if isinstance(outcome, bytes):
            try:
                self._hold(len(outcome))
                response = outcome
            except errors.AnswersUnread as error:
                code, problem, trailers = _status(error)
        elif outcome is None:
            code = grpc.StatusCode.CANCELLED
        elif isinstance(outcome, errors.ServiceError):
            code, problem, trailers = _status(outcome)
        else:
            # Untyped, so it is our bug: all of it in the log, none of it on the wire.
            code, problem = grpc.StatusCode.INTERNAL, "internal error"
            handler.log.error(problem, method=handler.name, caller=call.caller, exc_info=outcome, **call.facts)
        if problem:
            call.facts["error"] = problem
        seconds = time.perf_counter() - self._start
        handler.in_flight.dec()
        handler.duration.observe(seconds, self._exemplar)
        handler.codes[code].inc()
        try:
            facts = {"code": code.name, "seconds": round(seconds, 6), "caller": call.caller, **call.facts}
            handler.log.info("call", method=handler.name, **facts)
        finally:  # a log that cannot be written must not cost the caller its answer
            self._finish(code, response, problem, trailers)

    def _hold(self, size: int) -> None:
        """Count an answer until its last byte is sent, or that will never be; raises AnswersUnread."""
        if self._handler.unread is None:
            return
        release = self._handler.unread.hold(self.connection, size)
        if not self._context.add_callback(release):
            release()


def _status(error: errors.ServiceError) -> tuple[grpc.StatusCode, str, deferred.Trailers]:
    trailers = deferred.NO_TRAILERS
    if isinstance(error, errors.Overloaded):
        trailers = ((PUSHBACK, str(max(1, round(error.retry_after_seconds * 1000)))),)
    return STATUS[type(error)], str(error), trailers
