"""Certificates, alone and at the real server: mutual TLS, exchanged while it runs, and everything that goes wrong."""

import datetime
import json
import re
import socket
import ssl
import time

import grpc
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from grpc_health.v1 import health_pb2, health_pb2_grpc

from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from service.access import tls
from service.access.reload import FileError
from tests import generators
from tests.processes import Service, code_of, fail, throw_garbage

ENDED = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def stranger():
    return trustme.CA()


def write(folder, certificate, name="server"):
    """Returns the paths of certificate and key."""
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    paths[1].write_bytes(certificate.private_key_pem.bytes())
    return paths


# -- alone ---------------------------------------------------------------------------------------------------


def test_the_end_of_a_file_is_that_of_its_first_certificate_to_end(tmp_path, authority):
    soon = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(days=3)
    paths = write(tmp_path, authority.issue_cert("localhost", not_after=soon))
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    expires = tls.load(*paths, tmp_path / "ca.crt").expires
    assert expires["tls_certificate"] == soon
    assert expires["tls_client_ca"] > soon


def test_a_pair_that_cannot_work_is_refused_with_the_reason(tmp_path, authority):
    good, key = write(tmp_path, authority.issue_cert("localhost"))
    _, other_key = write(tmp_path, authority.issue_cert("localhost"), "other")
    ended, ended_key = write(tmp_path, authority.issue_cert("localhost", not_after=ENDED), "ended")
    text = tmp_path / "text"
    text.write_text("hello")
    locked = tmp_path / "locked.key"
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    for certificate, its_key, client_ca, message in [
        (good, other_key, None, "other.key is not the key of the first certificate in .*server.crt"),
        (ended, ended_key, None, "the certificate in .*ended.crt ended on 2020-01-01 00:00 UTC"),
        (text, key, None, "text holds no certificate in PEM form"),
        (key, key, None, "server.key holds no certificate in PEM form"),
        (good, text, None, "text holds no private key in PEM form, not encrypted"),
        (good, good, None, "server.crt holds no private key"),
        (good, locked, None, "locked.key holds no private key in PEM form, not encrypted"),
        (good, key, text, "text holds no certificate"),
        (tmp_path / "none", key, None, "none cannot be read: No such file"),
        (good, tmp_path, None, "cannot be read: Is a directory"),
    ]:
        with pytest.raises(FileError, match=message):
            tls.load(certificate, its_key, client_ca)


# -- at the server -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory, authority):
    folder = tmp_path_factory.mktemp("tls")
    write(folder, authority.issue_cert("127.0.0.1", common_name="first"))
    authority.cert_pem.write_to_path(folder / "clients.crt")
    return folder


@pytest.fixture(scope="module")
def service(tmp_path_factory, folder):
    models = tmp_path_factory.mktemp("models")
    generators.publish(models)
    flags = ["--tls-certificate", str(folder / "server.crt"), "--tls-key", str(folder / "server.key")]
    flags += ["--tls-client-ca", str(folder / "clients.crt"), "--health-port", "0", "--reflection", "false"]
    with Service(models, "--max-batch", "8", "--log-format", "json", *flags) as service:
        yield service


def credentials(root, client=None):
    if client is None:
        return grpc.ssl_channel_credentials(root.cert_pem.bytes())
    chain = b"".join(part.bytes() for part in client.cert_chain_pems)
    return grpc.ssl_channel_credentials(root.cert_pem.bytes(), client.private_key_pem.bytes(), chain)


def draws(service, authority, client):
    with service.channel(credentials(authority, client)) as channel:
        return GeneratorServiceStub(channel).Generate(pb.GenerateRequest(label="1", n=2, seed=4711), timeout=60)


def shown(service):
    """Serial number of the certificate that a handshake is now answered with."""
    host, port = service.target.rsplit(":", 1)
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["h2"])
    with socket.create_connection((host, int(port)), timeout=60) as plain, context.wrap_socket(plain) as wrapped:
        pem = ssl.DER_cert_to_PEM_cert(wrapped.getpeercert(binary_form=True))
    return tls.x509.load_pem_x509_certificate(pem.encode()).serial_number


def test_a_client_is_known_by_its_certificate(service, authority):
    assert len(draws(service, authority, authority.issue_cert("a@b.org", common_name="vision")).data) == 128
    assert json.loads(service.wait_for_log("4711"))["caller"] == "vision"


def test_who_has_no_good_certificate_is_kept_out_and_nobody_else_notices(service, authority, stranger):
    good = authority.issue_cert("a@b.org", common_name="vision")
    ask = pb.ListGeneratorsRequest()
    for wrong in (
        None,
        credentials(authority),
        credentials(authority, stranger.issue_cert("a@b.org")),
        credentials(authority, authority.issue_cert("a@b.org", not_after=ENDED)),
        credentials(stranger, good),
    ):
        with service.channel(wrong) as channel:
            code, _ = code_of(GeneratorServiceStub(channel).ListGenerators, ask)
        assert code == grpc.StatusCode.UNAVAILABLE
    assert draws(service, authority, good).data


def test_health_has_a_port_of_its_own_that_does_nothing_else(service):
    with service.channel(target=service.health) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", "liveness", "tiny"):
            assert health.Check(health_pb2.HealthCheckRequest(service=name), timeout=60).status == 1
        code, _ = code_of(GeneratorServiceStub(channel).ListGenerators, pb.ListGeneratorsRequest())
    assert code == grpc.StatusCode.UNIMPLEMENTED


def test_reflection_can_be_switched_off(service, authority):
    with service.channel(credentials(authority, authority.issue_cert("a@b.org"))) as channel:
        ask = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        with pytest.raises(grpc.RpcError) as error:
            next(ask(iter([b""]), timeout=60))
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_garbage_on_the_port_harms_nobody(service, authority):
    host, port = service.target.rsplit(":", 1)
    stalled = socket.create_connection((host, int(port)), timeout=60)
    stalled.sendall(b"\x16\x03\x01")  # the beginning of a handshake, and no more
    throw_garbage(service.target)
    assert draws(service, authority, authority.issue_cert("a@b.org")).data
    stalled.close()


def test_certificates_change_while_the_server_runs_and_bad_ones_change_nothing(service, folder, authority, stranger):
    client = authority.issue_cert("a@b.org", common_name="vision")
    with service.channel(credentials(authority, client)) as channel:
        old = GeneratorServiceStub(channel)
        old.ListGenerators(pb.ListGeneratorsRequest(), timeout=60)
        first = shown(service)
        soon = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(days=3)
        write(folder, authority.issue_cert("127.0.0.1", not_after=soon))
        service.wait_for_log("change taken")
        second = shown(service)
        assert second != first
        assert service.metric("augmint_certificate_expiry_timestamp_seconds.*tls_certificate.*") == soon.timestamp()
        write(folder, authority.issue_cert("127.0.0.1", not_after=ENDED))
        assert "change refused, the old one stays" in service.wait_for_log("ended on 2020-01-01")
        (folder / "server.key").unlink()
        service.wait_for_log("server.key cannot be read")
        assert shown(service) == second
        assert draws(service, authority, client).data
        # Connections that were open before go on.
        assert old.ListGenerators(pb.ListGeneratorsRequest(), timeout=60).generators
    assert service.metric("augmint_reloads_total.*failed.*") == 2

    # Another authority for clients: the old ones are out, the new ones are in.
    write(folder, authority.issue_cert("127.0.0.1"))
    stranger.cert_pem.write_to_path(folder / "clients.crt")
    while service.metric("augmint_reloads_total.*ok.*") < 2:
        time.sleep(0.05)
    assert draws(service, authority, stranger.issue_cert("a@b.org")).data
    with service.channel(credentials(authority, client)) as channel:
        assert code_of(GeneratorServiceStub(channel).ListGenerators, pb.ListGeneratorsRequest())[0] == (
            grpc.StatusCode.UNAVAILABLE
        )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--tls-certificate", "server.crt"], "--tls-certificate and --tls-key belong together"),
        (["--tls-client-ca", "clients.crt"], "--tls-client-ca needs --tls-certificate and --tls-key"),
    ],
)
def test_flags_that_do_not_fit_are_refused_at_start(tmp_path, flags, message):
    status, text = fail("--models", str(tmp_path), "--port", "0", "--metrics-port", "0", *flags)
    assert status == 2
    assert re.search(message, text)
