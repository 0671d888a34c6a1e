"""The wire: one blocking call per RPC, gRPC's statuses as typed errors."""

from __future__ import annotations

import json
import re
from typing import Any, Protocol

import grpc

from augmint import errors
from augmint.process import PerProcess
from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub

_PUSHBACK = "grpc-retry-pushback-ms"

_ERRORS: dict[grpc.StatusCode, type[errors.AugmintError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: errors.InvalidRequest,
    grpc.StatusCode.NOT_FOUND: errors.GeneratorNotFound,
    grpc.StatusCode.FAILED_PRECONDITION: errors.DigestMismatch,
    grpc.StatusCode.UNAUTHENTICATED: errors.AccessDenied,
    grpc.StatusCode.PERMISSION_DENIED: errors.AccessDenied,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
}

# gRPC has one status for "nobody there" and for a service that says so itself; only its words differ.
_NO_CONNECTION = re.compile(r"failed to connect|dns|resol|empty address list|no route|refused", re.IGNORECASE)

_SERVICE_CONFIG: dict[str, list] = {
    # One connection per address that the name resolves to. Behind a headless Service that is one per replica;
    # the default policy would pin a client to one of them.
    "loadBalancingConfig": [{"round_robin": {}}],
}

_CHANNEL_OPTIONS: list[tuple[str, int | str]] = [
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # `augmint.retry` retries until the deadline. gRPC's own retries end after five attempts (a restart takes longer)
    # and would multiply with ours.
    ("grpc.enable_retries", 0),
    # Pages are a few MiB; the default limit is 4 MiB.
    ("grpc.max_receive_message_length", -1),
    # Two minutes by default: after a restart that lasted, every caller would wait so long.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5000),  # despite its name: how long one attempt to connect may take
    ("grpc.max_reconnect_backoff_ms", 2000),
    # Notices a replica that vanished without a word. The service allows a ping per 30 s; others allow fewer and would
    # answer too_many_pings.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # The process-wide pool of connections outlives a fork: a child's new channel would take up the parent's socket
    # ("Wrong file descriptor generation", in 20 of 60 forks; none with this).
    ("grpc.use_local_subchannel_pool", 1),
]


class Transport(Protocol):
    """What a Client talks through. Every method blocks for at most `timeout` seconds and raises AugmintError."""

    target: str

    def generate(self, request: pb.GenerateRequest, timeout: float) -> pb.GenerateResponse: ...

    def get_generator(self, request: pb.GetGeneratorRequest, timeout: float) -> pb.GetGeneratorResponse: ...

    def list_generators(self, request: pb.ListGeneratorsRequest, timeout: float) -> pb.ListGeneratorsResponse: ...

    def close(self) -> None: ...


class _Connection:
    """A channel and its methods."""

    def __init__(self, target: str) -> None:
        self.channel = grpc.insecure_channel(target, options=_CHANNEL_OPTIONS)
        self.stub = GeneratorServiceStub(self.channel)

    def close(self) -> None:
        self.channel.close()


class GrpcTransport:
    """Calls a service over gRPC. Thread-safe; connects at the first call in each process; picklable."""

    def __init__(self, target: str) -> None:
        """target: HOST:PORT, or any gRPC name such as dns:///HOST:PORT or unix:PATH."""
        if "://" not in target and not target.startswith("unix:") and not re.fullmatch(r"\S+:[0-9]{1,5}", target):
            raise errors.InvalidRequest(f"target {target!r} is not HOST:PORT, e.g. localhost:50051")
        self.target = target
        self._connection = PerProcess(lambda: _Connection(target), _Connection.close)
        self._closed = False

    def __reduce__(self) -> tuple[type[GrpcTransport], tuple[str]]:
        return GrpcTransport, (self.target,)

    def generate(self, request: pb.GenerateRequest, timeout: float) -> pb.GenerateResponse:
        # A response is parsed by protobuf although its bytes could be used in place: that costs 0.1 ms of the 2 ms of
        # processor time that receiving a MiB takes.
        return self._call("Generate", request, timeout)

    def get_generator(self, request: pb.GetGeneratorRequest, timeout: float) -> pb.GetGeneratorResponse:
        return self._call("GetGenerator", request, timeout)

    def list_generators(self, request: pb.ListGeneratorsRequest, timeout: float) -> pb.ListGeneratorsResponse:
        return self._call("ListGenerators", request, timeout)

    def close(self) -> None:
        """Drop this process's connection; calls in progress end with ClientClosed."""
        self._closed = True
        self._connection.close()

    def _call(self, method: str, request: Any, timeout: float) -> Any:
        try:
            return getattr(self._connection.get().stub, method)(request, timeout=timeout)
        except grpc.RpcError as error:
            raise self._translate(error, timeout) from None
        except ValueError as error:  # grpc's way to say that the channel was closed meanwhile
            raise errors.ClientClosed(f"the client of {self.target} was closed") from error

    def _translate(self, error: Any, timeout: float) -> errors.AugmintError:
        code, details = error.code(), " ".join((error.details() or "").split())
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return errors.Overloaded(details or f"the service at {self.target} is overloaded", _pushback(error))
        if code is grpc.StatusCode.UNAVAILABLE:
            if _NO_CONNECTION.search(details):
                return errors.Unavailable(f"no service at {self.target} ({_reason(details)})", connected=False)
            return errors.Unavailable(f"the service at {self.target} is unavailable: {details}", _pushback(error))
        if code is grpc.StatusCode.DEADLINE_EXCEEDED and "deadline exceeded" in details.lower():
            return errors.DeadlineExceeded(f"no answer from {self.target} within {timeout:.3g} s")
        if code is grpc.StatusCode.CANCELLED:
            if self._closed:
                return errors.ClientClosed(f"the client of {self.target} was closed during a call")
            # Nobody here cancels calls. A server that stops does: those that reach it in the milliseconds in which it
            # closes its ears (seen in two of three stops under load). Another replica, or the next one, will answer.
            return errors.Unavailable(f"the service at {self.target} is stopping")
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return errors.ServiceFault(f"{self.target} speaks gRPC but offers no augmint.v1 service ({details})")
        if code in _ERRORS:
            return _ERRORS[code](details or f"{self.target} answered {code.name}")
        return errors.ServiceFault(f"{self.target} failed with {code.name}: {details}")


def _reason(details: str) -> str:
    """The end of gRPC's chain of causes, which is what a person can use, e.g. "Connection refused"."""
    return details.rpartition(": ")[2].strip("[]() ") or details


def _pushback(error: Any) -> float | None:
    """Seconds after which the service wants to be asked again; negative: never; None: it did not say."""
    for key, value in error.trailing_metadata() or ():
        if key == _PUSHBACK:
            text = value.decode(errors="replace") if isinstance(value, bytes) else value
            # As gRPC specifies: what is not a number counts as "do not retry".
            return int(text) / 1000 if re.fullmatch(r"[0-9]{1,9}", text) else -1.0
    return None
