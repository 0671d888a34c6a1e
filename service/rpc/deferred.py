"""Calls that are answered later, from any thread, and hold no thread of their own meanwhile.

A handler of grpc's threaded server keeps a thread for each call that waits, and grpc.aio costs three times the
processor time of grpc's core: with ready-made answers of 25 kB 0.30 ms a call, where this takes 0.15 and the bare
core 0.10.

What is used is `experimental_thread_pool`, by which grpc's server hands a call to an executor of the handler's own
instead of its threads. This executor runs nothing: it reads what it was handed, has grpc's core fetch the message,
calls the handler's `begin` with it, and lets the core send what `finish`, or `send` of a call with many answers, is
given. The argument list that it reads, and what it does in the server's place, are grpc's own affair and may change; so
they are looked at when this module is loaded, and where they are not as they were, `POOL` is None, and calls wait in
the threads of the server's pool, as documented.

What grpc calls on its serving thread (the end of a call, an answer that was sent) must not wait for a thread that waits
for grpc: no lock is held here or in a handler while something is sent.

Nothing here or in a handler may be part of a cycle of references: grpc's core counts a call as open until its objects
are gone, and refuses calls of a connection that has too many; garbage is collected rarely.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import grpc
from grpc import _server
from grpc._cython import cygrpc

Trailers = tuple[tuple[str, str], ...]
NO_TRAILERS: Trailers = ()
# Code, message, details, trailing metadata. The first call counts; from any thread.
Finish = Callable[[grpc.StatusCode, bytes, str, Trailers], None]

# One answer of several, and what to call when it is on its way; not before that, another may be sent. Nothing happens
# if the call is over.
Send = Callable[[bytes, Callable[[], None]], None]

_MESSAGE = "receive_message"
_ANSWER = "send_message"
_ARGUMENTS = ["rpc_event", "state", "behavior", "argument_thunk", "request_deserializer", "response_serializer"]
_STATE = {"condition", "due", "code", "details", "trailing_metadata", "initial_metadata_allowed"}

log = logging.getLogger(__name__)


class Begins(Protocol):
    """A behaviour that need not wait for its answer. `begin` does not raise, and takes a Send if there may be many."""

    def begin(self, raw: bytes, context: grpc.ServicerContext, finish: Finish) -> None: ...


class Deferred(ThreadPoolExecutor):
    """An executor by name only: it has no threads."""

    def submit(self, run: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:  # type: ignore[override]
        """Begin the call that grpc's server would have run `behavior` for. Returns a future that is done."""
        run_here, event, state, behavior = arguments[:4]
        streams = run_here is _server._stream_response_in_pool

        def received(message: Any) -> Any:
            raw = message.batch_operations[0].message()
            with state.condition:
                result = _server._possibly_finish_call(state, _MESSAGE)
            finish = _finish(event, state)
            if raw is None:
                finish(grpc.StatusCode.UNIMPLEMENTED, b"", "the call ended before its request message", NO_TRAILERS)
                return result
            try:
                answers = (finish, _send(event, state)) if streams else (finish,)
                behavior.begin(raw, _server._Context(event, state, None), *answers)
            except Exception:  # would end the server's only thread
                log.exception("call could not be begun")
                finish(grpc.StatusCode.INTERNAL, b"", "internal error", NO_TRAILERS)
            return result

        with state.condition:
            if _server._is_rpc_state_active(state):
                event.call.start_server_batch((cygrpc.ReceiveMessageOperation(0),), received)
                state.due.add(_MESSAGE)
        return _DONE


def wait(behavior: Begins, raw: bytes, context: grpc.ServicerContext) -> bytes:
    """The answer of a behaviour, where grpc gives the call a thread that waits."""
    outcome: Future[tuple[grpc.StatusCode, bytes, str, Trailers]] = Future()
    behavior.begin(raw, context, lambda *parts: outcome.set_result(parts))
    code, response, details, trailers = outcome.result()
    if code is not grpc.StatusCode.OK:
        context.set_trailing_metadata(trailers)
        context.abort(code, details)
    return response


def _finish(event: Any, state: Any) -> Finish:
    def finish(code: grpc.StatusCode, response: bytes, details: str, trailers: Trailers) -> None:
        with state.condition:
            if not _server._is_rpc_state_active(state):  # answered, or its caller has gone
                return
            if code is not grpc.StatusCode.OK:
                state.code, state.details, state.trailing_metadata = code, details.encode(), trailers
                response = None  # type: ignore[assignment]
            _server._status(event, state, response)

    return finish


def _send(event: Any, state: Any) -> Send:
    def send(response: bytes, sent: Callable[[], None]) -> None:
        def done(_: Any) -> Any:
            with state.condition:
                result = _server._possibly_finish_call(state, _ANSWER)
            sent()
            return result

        with state.condition:
            if not _server._is_rpc_state_active(state):
                return
            operations: tuple[Any, ...] = (cygrpc.SendMessageOperation(response, 0),)
            if state.initial_metadata_allowed:
                state.initial_metadata_allowed = False
                operations = (_server._get_initial_metadata_operation(state, None), *operations)
            event.call.start_server_batch(operations, done)
            state.due.add(_ANSWER)

    return send


def _usable() -> bool:
    """Whether grpc's server is the one that this module knows."""
    try:
        return (
            list(inspect.signature(_server._unary_response_in_pool).parameters) == _ARGUMENTS
            and list(inspect.signature(_server._stream_response_in_pool).parameters) == _ARGUMENTS
            and list(inspect.signature(_server._status).parameters) == ["rpc_event", "state", "serialized_response"]
            and list(inspect.signature(_server._possibly_finish_call).parameters) == ["state", "token"]
            and list(inspect.signature(_server._Context).parameters) == ["rpc_event", "state", "request_deserializer"]
            and list(inspect.signature(_server._get_initial_metadata_operation).parameters) == ["state", "metadata"]
            and vars(_server._RPCState()).keys() >= _STATE
            and callable(_server._is_rpc_state_active)
            and callable(cygrpc.ReceiveMessageOperation)
            and callable(cygrpc.SendMessageOperation)
        )
    except (AttributeError, TypeError, ValueError):
        return False


_DONE: Future[Any] = Future()
_DONE.set_result(None)

POOL = Deferred(1) if _usable() else None
