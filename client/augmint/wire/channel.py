"""How to reach a service: its address and everything that a channel is set to."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from augmint import checks
from augmint.errors import InvalidRequest
from augmint.near import did_you_mean_file

Token = str | Path | Callable[[], str]

_SERVICE_CONFIG: dict[str, object] = {
    # One connection per address that the name resolves to. Behind a headless Service that is one per replica;
    # the default policy would pin a client to one of them.
    "loadBalancingConfig": [{"round_robin": {}}],
    # Leaves out replicas that say themselves that they are starting or stopping.
    "healthCheckConfig": {"serviceName": ""},
}

_OPTIONS: list[tuple[str, int | str]] = [
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # calls/retry.py retries until the deadline. gRPC's own retries end after five attempts (a restart takes longer) and
    # would multiply with ours.
    ("grpc.enable_retries", 0),
    # 30 s by default. A name is looked up again when a replica ends a connection, as a service does with old ones, and
    # this is how soon a replica that was added since then is found.
    ("grpc.dns_min_time_between_resolutions_ms", 5000),
    # Two minutes by default: after a restart that lasted, every caller would wait that long.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5000),  # despite its name: how long one attempt to connect may take
    ("grpc.max_reconnect_backoff_ms", 2000),
    # Notices a replica that vanished without a word, before a page's 60 s are over; one that leaves a call unanswered
    # is noticed sooner (patience.py). The service allows a ping per 30 s, and would answer more often ones with
    # too_many_pings.
    ("grpc.keepalive_time_ms", 31_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # The process-wide pool of connections outlives a fork: a child's new channel would take up the parent's socket
    # ("Wrong file descriptor generation", in 20 of 60 forks; none with this).
    ("grpc.use_local_subchannel_pool", 1),
]

_COMPRESSION = {None: None, "gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}

# Where a token in the clear crosses no network.
_LOCAL = re.compile(r"unix:.*|(localhost|127\.\d+\.\d+\.\d+|\[::1\]):\d+")


@dataclass(frozen=True, slots=True)
class Tls:
    """How to recognise a service, and to prove who one is. Files are PEM, read whenever a connection is made.

    ca:          authorities to trust, instead of the public ones that gRPC brings.
    certificate: of the client, with `key`, for a service that wants one.
    server_name: name that the service's certificate must hold, where that is not the target's host.
    """

    ca: str | os.PathLike[str] | None = None
    certificate: str | os.PathLike[str] | None = None
    key: str | os.PathLike[str] | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise InvalidRequest("Tls: give certificate and key, or neither")

    def credentials(self) -> grpc.ChannelCredentials:
        """For gRPC; InvalidRequest if a file cannot be read or is no PEM."""
        return grpc.ssl_channel_credentials(
            _pem("ca", self.ca), _pem("key", self.key), _pem("certificate", self.certificate)
        )


@dataclass(frozen=True, slots=True)
class Channel:
    """Settings of the connections to one service, checked. Picklable if the token is; files are named, not held.

    The fields are as `Client` takes them; it says what each means.
    """

    target: str
    tls: bool | Tls | None = None
    token: Token | None = field(default=None, repr=False)
    proxy: str | bool | None = None
    compression: str | None = None
    max_message_bytes: int | None = None
    hedge_after: float | None = None

    def __post_init__(self) -> None:
        target = self.target
        if not isinstance(target, str) or (
            "://" not in target and not target.startswith("unix:") and not re.fullmatch(r"\S+:[0-9]{1,5}", target)
        ):
            raise InvalidRequest(f"target {target!r} is not HOST:PORT, e.g. localhost:50051")
        if target.startswith(("http://", "https://")):
            raise InvalidRequest(f"target {target!r} is a web address; it must be HOST:PORT, with tls=True for https")
        if self.tls is not None and not isinstance(self.tls, bool | Tls):
            raise InvalidRequest(f"tls is {self.tls!r}; it must be True, False or augmint.Tls(...)")
        if self.token is not None and not isinstance(self.token, str | Path) and not callable(self.token):
            raise InvalidRequest("token must be a str, a pathlib.Path of a file, or a function that returns a str")
        if self.token is not None and self.tls is None and not _LOCAL.fullmatch(target):
            raise InvalidRequest(
                f"a token for {target} would cross the network in the clear: give tls=True, or tls=False if something "
                "else (a service mesh) encrypts"
            )
        if self.proxy is not None and not isinstance(self.proxy, bool | str):
            raise InvalidRequest(f"proxy is {self.proxy!r}; it must be http://HOST:PORT, or False for none")
        if self.proxy is True or (isinstance(self.proxy, str) and not re.fullmatch(r"http://\S+:\d+/?", self.proxy)):
            raise InvalidRequest(f"proxy is {self.proxy!r}; it must be http://HOST:PORT, or False for none")
        if self.compression not in _COMPRESSION:
            raise InvalidRequest(f"compression is {self.compression!r}; it must be 'gzip', 'deflate' or None")
        if self.max_message_bytes is not None:
            checks.whole("max_message_bytes", self.max_message_bytes, 1024, 2**31 - 1)
        if self.hedge_after is not None:
            checks.seconds("hedge_after", self.hedge_after)

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return bool(self.tls)

    def open(self) -> grpc.Channel:
        """A new channel, for calls that block."""
        if self.secure:
            return grpc.secure_channel(self.target, self._credentials(), self._options(), self._compression())
        return grpc.insecure_channel(self.target, self._options(), self._compression())

    def open_async(self) -> grpc.aio.Channel:
        """A new channel of the running event loop."""
        if self.secure:
            return grpc.aio.secure_channel(self.target, self._credentials(), self._options(), self._compression())
        return grpc.aio.insecure_channel(self.target, self._options(), self._compression())

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with a call: the token as it is now. A file is read anew, since platforms renew tokens in place."""
        if self.token is None:
            return ()
        if isinstance(self.token, Path):
            try:
                token = self.token.read_text()
            except (OSError, UnicodeDecodeError) as error:
                raise InvalidRequest(f"token: cannot read {self.token}: {_why(error, self.token)}") from error
        else:
            token = self.token if isinstance(self.token, str) else self.token()
        token = token.strip() if isinstance(token, str) else ""
        if not re.fullmatch(r"[!-~]+", token):
            raise InvalidRequest("the token is empty or holds blanks or characters other than ASCII")  # never shown
        return (("authorization", f"Bearer {token}"),)

    def _credentials(self) -> grpc.ChannelCredentials:
        return (self.tls if isinstance(self.tls, Tls) else Tls()).credentials()

    def _compression(self) -> grpc.Compression | None:
        return _COMPRESSION[self.compression]

    def _options(self) -> list[tuple[str, int | str]]:
        # Pages are a few MiB; gRPC's default limit is 4 MiB.
        options = [*_OPTIONS, ("grpc.max_receive_message_length", self.max_message_bytes or -1)]
        if isinstance(self.tls, Tls) and self.tls.server_name is not None:
            options.append(("grpc.ssl_target_name_override", self.tls.server_name))
        if isinstance(self.proxy, str):
            options.append(("grpc.http_proxy", self.proxy))
        elif self.proxy is False:
            options.append(("grpc.enable_http_proxy", 0))
        return options


def _pem(name: str, path: str | os.PathLike[str] | None) -> bytes | None:
    if path is None:
        return None
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InvalidRequest(f"Tls: {name}: cannot read {os.fspath(path)}: {_why(error, path)}") from error
    if b"-----BEGIN " not in content:
        raise InvalidRequest(f"Tls: {name}: {os.fspath(path)} is no PEM file")
    return content


def _why(error: Exception, path: str | os.PathLike[str]) -> str:
    return (getattr(error, "strerror", None) or str(error)) + did_you_mean_file(path)
