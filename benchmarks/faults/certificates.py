"""Certificates run out, on either side."""

from __future__ import annotations

import argparse
import datetime
import functools
import time
from pathlib import Path

import grpc
import trustme

from augmint.v1 import generator_pb2 as pb
from benchmarks.faults.readers import Readers, until
from benchmarks.faults.replica import GENERATE, OPTIONS, Replica
from benchmarks.faults.table import Row, first
from tests import generators

ENDED = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
ASK = pb.GenerateRequest(class_indices=[1] * 8, seed=1).SerializeToString()


def run(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """Mutual TLS: bad certificates put in place of good ones, a good one that ends, clients whose own have ended.

    Beside them readers of one connection for all calls, and of a new one for each.
    """
    generators.publish(scratch / "models")
    authority = trustme.CA()
    certificate, key = scratch / "server.crt", scratch / "server.key"
    _write(certificate, key, authority.issue_cert("127.0.0.1"))
    authority.cert_pem.write_to_path(scratch / "clients.crt")
    flags = ("--tls-certificate", certificate, "--tls-key", key, "--tls-client-ca", scratch / "clients.crt")
    client = _client(authority, authority.issue_cert("a@b.org", common_name="reader"))
    ended = _client(authority, authority.issue_cert("a@b.org", common_name="reader", not_after=ENDED))
    bad = reloads = let_in = kept_out = 0
    with Replica(str(scratch / "models"), *map(str, flags)) as replica:
        with grpc.secure_channel(replica.target, client, OPTIONS) as channel:
            lasting = channel.unary_unary(GENERATE)

            def read(reader: int) -> None:
                if reader:
                    _call(replica, client)
                else:
                    lasting(ASK, timeout=60)

            with Readers(2, read, pause=options.pause) as readers:
                for number in range(options.swaps):
                    good = _put_in(number, certificate, key, authority)
                    reloads += good
                    bad += not good
                    until(functools.partial(_reloaded, replica, reloads, bad), "the change is noticed")
                    kept_out += 1
                    let_in += _code(replica, ended) is not grpc.StatusCode.UNAVAILABLE
        # One that ends while it is served: nobody can connect, until another takes its place, without a restart.
        soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=4)
        _write(certificate, key, authority.issue_cert("127.0.0.1", not_after=soon))
        until(lambda: _reloaded(replica, reloads + 1, bad), "the change is noticed")
        time.sleep(max(0.0, (soon - datetime.datetime.now(datetime.UTC)).total_seconds()))
        until(lambda: _code(replica, client) is grpc.StatusCode.UNAVAILABLE, "the certificate has ended")
        _write(certificate, key, authority.issue_cert("127.0.0.1"))
        renewed = time.perf_counter()
        until(lambda: _code(replica, client) is grpc.StatusCode.OK, "the new certificate is served")
        seconds = time.perf_counter() - renewed
    failures = readers.failures
    return [
        Row(
            f"{bad} bad certificates put in, {reloads} good: calls failed",
            len(readers.times),
            len(failures),
            first(failures),
        ),
        Row("  clients whose certificate has ended: let in", kept_out, let_in, ""),
        Row("  a certificate that ends while it is served: not renewed", 1, 0, f"renewed in {seconds:.1f} s"),
    ]


def _put_in(number: int, certificate: Path, key: Path, authority: trustme.CA) -> bool:
    """Write files: the odd ones good, the even ones bad in one of three ways. Returns whether they are good."""
    if number % 2:
        _write(certificate, key, authority.issue_cert("127.0.0.1"))
    elif number // 2 % 3 == 0:
        _write(certificate, key, authority.issue_cert("127.0.0.1", not_after=ENDED))
    elif number // 2 % 3 == 1:
        certificate.write_bytes(certificate.read_bytes()[: 100 + number])
    else:
        certificate.write_bytes(authority.issue_cert("127.0.0.1").cert_chain_pems[0].bytes())
    return number % 2 == 1


def _write(certificate: Path, key: Path, issued: trustme.LeafCert) -> None:
    certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())


def _client(authority: trustme.CA, issued: trustme.LeafCert) -> grpc.ChannelCredentials:
    chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
    return grpc.ssl_channel_credentials(authority.cert_pem.bytes(), issued.private_key_pem.bytes(), chain)


def _reloaded(replica: Replica, good: int, bad: int) -> bool:
    seen = [replica.metric("augmint_reloads_total", f'result="{result}"') for result in ("ok", "failed")]
    return seen == [good, bad]


def _call(replica: Replica, credentials: grpc.ChannelCredentials) -> None:
    with grpc.secure_channel(replica.target, credentials, OPTIONS) as channel:
        channel.unary_unary(GENERATE)(ASK, timeout=60)


def _code(replica: Replica, credentials: grpc.ChannelCredentials) -> grpc.StatusCode:
    try:
        _call(replica, credentials)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK
