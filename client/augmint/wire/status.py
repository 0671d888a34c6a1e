"""gRPC's statuses as typed errors. gRPC has one status for many faults; only its words tell them apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc

from augmint import errors
from augmint.wire.channel import Channel

_PUSHBACK = "grpc-retry-pushback-ms"

_ERRORS: dict[grpc.StatusCode, type[errors.AugmintError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: errors.InvalidRequest,
    grpc.StatusCode.NOT_FOUND: errors.GeneratorNotFound,
    grpc.StatusCode.FAILED_PRECONDITION: errors.DigestMismatch,
    grpc.StatusCode.PERMISSION_DENIED: errors.AccessDenied,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
}

# The words of gRPC 1.62 to 1.85; tests hold them against real servers of each kind.
_NO_CONNECTION = re.compile(
    r"failed to connect|all backends failing|resolving|name resolution|dns|empty address list|no route|refused", re.I
)
_UNHEALTHY = re.compile(r"backend unhealthy|health ?check", re.I)
_HTTP = re.compile(r"expected SETTINGS frame|failed parsing HTTP/2|http1|http response|\bHTTP status code\b", re.I)
_UNTRUSTED = re.compile(
    r"CERTIFICATE_VERIFY_FAILED(?:: (?P<why>[\w ,-]+))?|(?P<name>hostname verification|not in peer certificate)", re.I
)
_HANDSHAKE = re.compile(r"handshake|WRONG_VERSION_NUMBER|tls|ssl", re.I)
_CUT_OFF = re.compile(r"socket closed|connection reset|reset by peer|broken pipe", re.I)
_NO_ENCODER = re.compile("cannot transform")  # the service's own words, beside those about digests
_TOO_LARGE = re.compile(r"received message larger than max", re.I)

# gRPC's own words when a deadline passes here. A service that lets one pass, or would, has others.
_SILENCE = "deadline exceeded"

# Of a call that another replica may well answer.
_PASSING = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
)

# Means: do not ask again by yourself.
_NEVER = -1.0


def is_silence(call: Any) -> bool:
    """Whether a call of gRPC's that is over met its deadline without a word of a service."""
    silent = _SILENCE in (call.details() or "").lower()
    return call.code() is grpc.StatusCode.DEADLINE_EXCEEDED and silent


def is_final(call: Any) -> bool:
    """Whether every replica would answer as this call of gRPC's, which failed, was answered."""
    return call.code() not in _PASSING


@dataclass(frozen=True, slots=True)
class Failure:
    """How one call ended. timeout: seconds that it had; closed: whether the client was closed meanwhile."""

    code: grpc.StatusCode
    details: str
    trailers: Iterable[tuple[str, str | bytes]]
    timeout: float
    closed: bool

    def error(self, channel: Channel) -> errors.AugmintError:
        """What to raise at the caller."""
        code, target = self.code, channel.target
        details = " ".join(self.details.split())
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            if _TOO_LARGE.search(details):
                return errors.InvalidRequest(
                    f"an answer of {target} is larger than max_message_bytes ({channel.max_message_bytes}): raise it"
                )
            return errors.Overloaded(details or f"the service at {target} is overloaded", self._pushback())
        if code is grpc.StatusCode.UNAVAILABLE:
            return self._unavailable(channel, details)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED and _SILENCE in details.lower():
            return errors.DeadlineExceeded(f"no answer from {target} within {self.timeout:.3g} s")
        if code is grpc.StatusCode.CANCELLED:
            if self.closed:
                return errors.ClientClosed(f"the client of {target} was closed during a call")
            # Nobody here cancels calls that somebody waits for. A server that stops does: those that reach it in the
            # milliseconds in which it closes its ears (seen in two of three stops under load). Another replica, or the
            # next one, will answer.
            return errors.Unavailable(f"the service at {target} is stopping")
        if code is grpc.StatusCode.UNAUTHENTICATED:
            advice = "give Client(token=...)" if channel.token is None else "it does not accept this token"
            return errors.AccessDenied(f"{target}: {details or 'not authenticated'}; {advice}")
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return errors.NotAService(f"{target} speaks gRPC but offers no augmint.v1 service ({details})")
        if code is grpc.StatusCode.FAILED_PRECONDITION and _NO_ENCODER.search(details):
            return errors.InvalidRequest(details)
        if code in _ERRORS:
            return _ERRORS[code](details or f"{target} answered {code.name}")
        if _HTTP.search(details):
            return errors.NotAService(f"what answers at {target} speaks HTTP, not gRPC: is the port right? ({details})")
        return errors.ServiceFault(f"{target} failed with {code.name}: {details}")

    def _unavailable(self, channel: Channel, details: str) -> errors.AugmintError:
        target = channel.target
        if _UNHEALTHY.search(details):
            return errors.Unavailable(f"the service at {target} is starting or stopping", self._pushback())
        if _HTTP.search(details):
            return errors.NotAService(f"what answers at {target} speaks HTTP, not gRPC: is the port right?")
        if not _NO_CONNECTION.search(details):
            return errors.Unavailable(f"the service at {target} is unavailable: {details}", self._pushback())
        if channel.secure:
            if found := _UNTRUSTED.search(details):
                why = (found["why"] or "no authority that is trusted here issued it").strip()
                why = "it is for another name (Tls(server_name=...))" if found["name"] else why
                return errors.TlsError(f"the certificate of {target} is not trusted: {why}", _NEVER, connected=False)
            if "security handshaker" in details:
                return errors.TlsError("Tls: a file holds no usable certificate or key", _NEVER, connected=False)
            if _HANDSHAKE.search(details):
                return errors.TlsError(f"{target} does not speak TLS: use tls=False?", _NEVER, connected=False)
        if _CUT_OFF.search(details):
            # Also what a proxy without a service behind it does for a while: worth repeating.
            wants = (
                "a certificate of the client (Tls(certificate=..., key=...))" if channel.secure else "TLS (tls=True)"
            )
            return errors.TlsError(f"{target} ends every connection at once; does it want {wants}?", connected=False)
        return errors.Unavailable(f"no service at {target} ({_reason(details)})", connected=False)

    def _pushback(self) -> float | None:
        """Seconds after which the service wants to be asked again; negative: never; None: it did not say."""
        for key, value in self.trailers or ():
            if key == _PUSHBACK:
                text = value.decode(errors="replace") if isinstance(value, bytes) else value
                # As gRPC specifies: what is not a number counts as "do not retry".
                return int(text) / 1000 if re.fullmatch(r"[0-9]{1,9}", text) else _NEVER
        return None


def _reason(details: str) -> str:
    """The end of gRPC's chain of causes, which is what a person can use, e.g. "Connection refused"."""
    return details.rpartition(": ")[2].strip("[]() ") or details
