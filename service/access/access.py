"""The client of each call, by token, certificate or address."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

import grpc

from service.access.quotas import Quotas, quotas_file
from service.access.reload import FileError, Watched
from service.access.tokens import Tokens, tokens_file
from service.call import Call
from service.errors import StartError, Unauthenticated
from service.metrics import Metrics
from service.settings import Settings

_HEADER = "authorization"
_SCHEME = "bearer "
_HOW_TO_CALL = "send the metadata `authorization: Bearer TOKEN`"


class Access:
    """Names the client of each call. Without tokens, quotas and mutual TLS there is no Access."""

    def __init__(self, tokens: Watched[Tokens] | None, certificates: bool, quotas: Quotas | None, metrics: Metrics):
        """certificates: clients show certificates (mutual TLS), whose names count where there are no tokens."""
        self._tokens = tokens
        self._certificates = certificates
        self._quotas = quotas
        self._refused = metrics.refused.labels("unauthenticated")

    def identify(self, call: Call, context: grpc.ServicerContext) -> None:
        """Give the call its client's name and quota; raises Unauthenticated."""
        if self._tokens is not None:
            call.caller = self._token_name(self._tokens.value, context)
        elif self._certificates:
            call.caller = certificate_name(context.auth_context()) or call.caller
        elif self._quotas is not None:
            # Without the port: more connections must not mean more quota.
            call.caller = address(call.caller)
        if self._quotas is not None:
            call.account = self._quotas.account(call.caller)

    def _token_name(self, tokens: Tokens, context: grpc.ServicerContext) -> str:
        given = next((value for key, value in context.invocation_metadata() or () if key == _HEADER), None)
        if given is None:
            self._refused.inc()
            raise Unauthenticated(f"this server wants a token; {_HOW_TO_CALL}")
        text = given.decode("latin-1") if isinstance(given, bytes) else given
        if text[: len(_SCHEME)].lower() != _SCHEME:
            self._refused.inc()
            raise Unauthenticated(f"the metadata `authorization` holds no bearer token; {_HOW_TO_CALL}")
        name = tokens.name(text[len(_SCHEME) :].strip())
        if name is None:
            self._refused.inc()
            raise Unauthenticated(
                "the token is unknown here; it may have been withdrawn: ask the operator for a new one"
            )
        return name


@dataclass
class Entrance:
    """What the settings say about access."""

    credentials: grpc.ServerCredentials | None = None  # of the gRPC port; None: plain text
    access: Access | None = None  # None: any client may call
    watched: list[Watched] = field(default_factory=list)  # files to be read again when they change


def open_entrance(settings: Settings, metrics: Metrics) -> Entrance:
    """Read the certificates, tokens and quotas; raises StartError."""
    _check(settings)
    mutual = settings.tls_client_ca is not None
    found = Entrance()
    try:
        if settings.tls_certificate and settings.tls_key:
            from service.access import tls

            pair = tls.watched(settings.tls_certificate, settings.tls_key, settings.tls_client_ca, metrics)
            found.watched.append(pair)
            found.credentials = tls.credentials(pair, mutual)
        tokens = tokens_file(settings.tokens, metrics) if settings.tokens else None
        rules = quotas_file(settings.quotas, metrics) if settings.quotas else None
    except FileError as error:
        raise StartError(str(error)) from error
    found.watched += [file for file in (tokens, rules) if file]
    if tokens or rules or mutual:
        found.access = Access(tokens, mutual, Quotas(rules, metrics) if rules else None, metrics)
    return found


def _check(settings: Settings) -> None:
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise StartError("--tls-certificate and --tls-key belong together; give both or neither")
    if settings.tls_client_ca and not settings.tls_certificate:
        raise StartError("--tls-client-ca needs --tls-certificate and --tls-key")
    if not (settings.insecure or settings.tls_certificate or settings.tokens or loopback(settings.host)):
        raise StartError(
            f"--host {settings.host} can be reached from other machines, and anybody there could call; "
            "give --tls-certificate and --tls-key, or --tokens, or say with --insecure that the network keeps "
            "strangers out"
        )


def certificate_name(facts: dict[str, list[bytes]]) -> str:
    """The common name of a client's certificate, else its first alternative name; empty: it has neither."""
    for kind in ("x509_common_name", "x509_subject_alternative_name"):
        for name in facts.get(kind, ()):
            return name.decode(errors="replace")[:128]
    return ""


def address(peer: str) -> str:
    """A peer without its port: `ipv4:10.0.0.7:41234` is `ipv4:10.0.0.7`."""
    return peer.rpartition(":")[0] if peer.startswith(("ipv4:", "ipv6:")) else peer


def loopback(host: str) -> bool:
    """True if only programs of this machine can connect to the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False  # a name may mean anything
