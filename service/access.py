"""Who calls: bearer tokens, names of client certificates, and what each client may have.

    python -m service.access NAME >> tokens

makes a token: its line goes to standard output, for the file of --tokens, and the token itself to standard error, for
the client. Only its SHA-256 is kept: whoever reads the file cannot call.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import sys
from pathlib import Path

import grpc

from service.errors import Unauthenticated, quote
from service.interceptors import Call
from service.metrics import Metrics
from service.quotas import Quotas
from service.watch import FileError, Watched, read_text

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
DIGEST = re.compile(r"[0-9a-f]{64}")

_HEADER = "authorization"
_SCHEME = "bearer "
_PREFIX = 4  # bytes of a digest by which its token is found; of no use to anyone
_HOW_TO_CALL = "send the metadata `authorization: Bearer TOKEN`"


class Tokens:
    """The lines `name sha256hex` of a file. A name may have several tokens, the old and the new one for example."""

    def __init__(self, text: str, source: Path) -> None:
        """Raises FileError naming the line; a line that begins with # is a comment."""
        self._found: dict[bytes, list[tuple[bytes, str]]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            # What is wrong is not quoted: it may be a token that somebody pasted here.
            if len(words) != 2 or not NAME.fullmatch(words[0]) or not DIGEST.fullmatch(words[1]):
                raise FileError(
                    f"{source}, line {number}: wanted `name sha256hex`, a name of letters, digits, '.', '_' and '-' "
                    "and 64 lower-case hexadecimal digits, as `python -m service.access NAME` prints it"
                )
            digest = bytes.fromhex(words[1])
            self._found.setdefault(digest[:_PREFIX], []).append((digest, words[0]))
        if not self._found:
            # An empty file would shut out everybody; whoever wants that stops the service.
            raise FileError(f"{source} holds no token; `python -m service.access NAME` makes one")

    def name(self, token: str) -> str | None:
        """Whose token it is; None: nobody's."""
        digest = hashlib.sha256(token.encode()).digest()
        for known, name in self._found.get(digest[:_PREFIX], ()):
            if hmac.compare_digest(known, digest):
                return name
        return None


class Access:
    """Names the client of each call. Where nothing is configured there is no Access, and calls cost what they did."""

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
            # More connections must not mean more quota.
            call.caller = address(call.caller)
        if self._quotas is not None:
            call.client = self._quotas.client(call.caller)

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


def tokens_file(path: Path, metrics: Metrics) -> Watched[Tokens]:
    """The tokens of a file, read again when it changes; raises FileError."""
    return Watched("tokens", [path], lambda: Tokens(read_text(path), path), metrics)


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


def main(names: list[str]) -> int:
    """Make one token. Exit status: 0, or 2 for other than one name."""
    if len(names) != 1 or not NAME.fullmatch(names[0]):
        given = f", not {quote(' '.join(names))}" if names else ""
        print(  # noqa: T201
            "usage: python -m service.access NAME >> tokens\n"
            f"error: wanted one name of letters, digits, '.', '_' and '-', up to 63{given}",
            file=sys.stderr,
        )
        return 2
    token = secrets.token_urlsafe(32)
    print(f"the token of {names[0]}, shown only now: {token}", file=sys.stderr)  # noqa: T201
    print(names[0], hashlib.sha256(token.encode()).hexdigest())  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
