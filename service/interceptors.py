"""Around every call: typed errors become statuses once, and each call is counted and logged.

A wrapper around each method rather than a grpc.aio.ServerInterceptor, which rebuilds the handler for every call.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import grpc
import structlog

from service import errors
from service.metrics import Metrics
from service.unread import Unread

if TYPE_CHECKING:
    from service.quotas import Client

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


@dataclass(slots=True)
class Call:
    """What a method may know of the call that it answers."""

    caller: str  # the client's name where it has one, else the peer's address: whom to be fair to
    seconds_left: float  # until its deadline
    facts: dict[str, Any] = field(default_factory=dict)  # for the log: with the address, any sample can be made again
    client: Client | None = None  # whose quota the work counts against; None: there are no quotas


class Identifies(Protocol):
    """See service.access.Access."""

    def identify(self, call: Call, context: grpc.aio.ServicerContext) -> None: ...


Method = Callable[[bytes, Call], Awaitable[bytes]]
Handler = Callable[[bytes, grpc.aio.ServicerContext], Awaitable[bytes]]


def guard(
    name: str, method: Method, metrics: Metrics, access: Identifies | None = None, unread: Unread | None = None
) -> Handler:
    """A handler for grpc.aio around a method that knows nothing of grpc.

    name:   of the method, for metrics and log.
    access: names the client, or refuses it; None: anybody may call.
    unread: counts the answers that wait for their callers; None: they are too small to count.
    """
    # Bound now: a logger that is bound at its first line is bound again for every line.
    log = structlog.get_logger("augmint.access").bind()
    duration = metrics.request_duration.labels(name)
    codes = {code: metrics.requests.labels(name, code.name) for code in grpc.StatusCode}
    in_flight = metrics.in_flight

    async def handler(raw: bytes, context: grpc.aio.ServicerContext) -> bytes:
        start = time.perf_counter()
        in_flight.inc()
        left = context.time_remaining()
        connection = context.peer()
        call = Call(connection, math.inf if left is None else left)
        code, response, problem = grpc.StatusCode.OK, b"", ""
        trailers: tuple[tuple[str, str], ...] = ()
        try:
            if access is not None:
                access.identify(call, context)
            if unread is not None:
                unread.check(connection)
            response = await method(raw, call)
            if unread is not None:
                # The call's task is done when its last byte is sent, or when that will never be. (A callback of the
                # context would be a cycle of references for every call: it is kept by what it is bound to.)
                task = asyncio.current_task()
                assert task is not None
                task.add_done_callback(unread.hold(connection, len(response)))
        except errors.ServiceError as error:
            code, problem = STATUS[type(error)], str(error)
            if isinstance(error, errors.Overloaded):
                trailers = ((PUSHBACK, str(max(1, round(error.retry_after_seconds * 1000)))),)
            call.facts["error"] = problem
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED
            raise
        except Exception:
            # Untyped, so it is our bug: all of it in the log, none of it on the wire.
            code, problem = grpc.StatusCode.INTERNAL, "internal error"
            log.exception(problem, method=name, caller=call.caller, **call.facts)
        finally:
            seconds = time.perf_counter() - start
            in_flight.dec()
            duration.observe(seconds)
            codes[code].inc()
            log.info("call", method=name, code=code.name, seconds=round(seconds, 6), caller=call.caller, **call.facts)
        if problem:
            # gRPC keeps its exception for this, and with it what is held here, until a garbage collection, far away.
            raw = response = b""
            await context.abort(code, problem, trailers)
        return response

    return handler
