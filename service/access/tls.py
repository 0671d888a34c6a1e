"""The certificates of the gRPC port."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import grpc

# Imported by the server only where TLS is on: 8 MiB of memory that others need not pay.
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from service.access.reload import FileError, Watched
from service.files import named
from service.metrics import Metrics

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Certificates:
    """What a handshake needs."""

    configuration: grpc.ServerCertificateConfiguration
    expires: dict[str, datetime.datetime]  # by setting: when the first of the file's certificates ends, UTC


def load(certificate: Path, key: Path, client_ca: Path | None) -> Certificates:
    """Read and check what the files hold.

    certificate: PEM, the server's first, then those between it and its authority.
    key:         PEM, of the server's certificate, not encrypted.
    client_ca:   PEM, authorities whose clients are let in; None: clients need no certificate.

    Raises FileError: a pair that cannot work is found here and not in the first handshake.
    """
    chain_pem, key_pem = _bytes(certificate), _bytes(key)
    chain = _parse(certificate, chain_pem, x509.load_pem_x509_certificates, "certificate in PEM form")
    private = _parse(
        key,
        key_pem,
        lambda pem: serialization.load_pem_private_key(pem, None),
        "private key in PEM form, not encrypted",
    )
    if private.public_key() != chain[0].public_key():
        raise FileError(f"{key} is not the key of the first certificate in {certificate}")
    now = datetime.datetime.now(datetime.UTC)
    if chain[0].not_valid_after_utc <= now:
        raise FileError(f"the certificate in {certificate} ended on {chain[0].not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    expires = {"tls_certificate": min(each.not_valid_after_utc for each in chain)}
    roots = None
    if client_ca is not None:
        roots = _bytes(client_ca)
        authorities = _parse(client_ca, roots, x509.load_pem_x509_certificates, "certificate in PEM form")
        expires["tls_client_ca"] = min(each.not_valid_after_utc for each in authorities)
    return Certificates(grpc.ssl_server_certificate_configuration([(key_pem, chain_pem)], roots), expires)


def watched(certificate: Path, key: Path, client_ca: Path | None, metrics: Metrics) -> Watched[Certificates]:
    """The certificates, read again when a file changes; their ends go to the metrics."""

    def read() -> Certificates:
        certificates = load(certificate, key, client_ca)
        for setting, end in certificates.expires.items():
            metrics.certificate_expiry.labels(setting).set(end.timestamp())
        return certificates

    files = [certificate, key, *([client_ca] if client_ca else [])]
    return Watched("tls_certificate", files, read, metrics)


def credentials(certificates: Watched[Certificates], mutual: bool) -> grpc.ServerCredentials:
    """For a port; a handshake takes the certificates that are the latest when it begins.

    mutual: clients must show a certificate of the client authority.
    """
    given = certificates.value

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        """Called by grpc, on a thread of its own, before each handshake; None: as before."""
        nonlocal given
        latest = certificates.value
        if latest is given:
            return None
        given = latest
        return latest.configuration

    return grpc.dynamic_ssl_server_credentials(given.configuration, fetch, require_client_authentication=mutual)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"{path.parent / named(path)} cannot be read: {error.strerror or error}") from error


def _parse(path: Path, pem: bytes, parse: Callable[[bytes], T], wanted: str) -> T:
    try:
        return parse(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise FileError(f"{path} holds no {wanted}") from error
