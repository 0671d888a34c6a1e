"""client/augmint/wire/status.py, against real servers of each wrong kind: every fault is one typed, plain sentence."""

import asyncio
import http.server
import socket
import threading

import grpc
import pytest
import trustme
from grpc_health.v1.health_pb2 import HealthCheckResponse

import augmint
from service.rpc.health import Health
from tests.client.fakes import FakeService, served

AUTHORITY, STRANGER = trustme.CA(), trustme.CA()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Paths of PEM files: ca, stranger (another authority), certificate and key of a client."""
    folder = tmp_path_factory.mktemp("tls")
    AUTHORITY.cert_pem.write_to_path(folder / "ca")
    STRANGER.cert_pem.write_to_path(folder / "stranger")
    mine = AUTHORITY.issue_cert("client@example.org")
    mine.cert_chain_pems[0].write_to_path(folder / "certificate")
    mine.private_key_pem.write_to_path(folder / "key")
    return folder


def credentials(name="127.0.0.1", mutual=False):
    own = AUTHORITY.issue_cert(name)
    pair = (own.private_key_pem.bytes(), b"".join(blob.bytes() for blob in own.cert_chain_pems))
    return grpc.ssl_server_credentials([pair], AUTHORITY.cert_pem.bytes() if mutual else None, mutual)


def raised(target, **settings):
    """The error of a call, the same from both clients."""
    settings = {"connect_timeout": 0.3, "timeout": 20, **settings}
    with augmint.Client(target, **settings) as client, pytest.raises(augmint.AugmintError) as first:
        client.generate("bag", seed=7)

    async def draw():
        async with augmint.AsyncClient(target, **settings) as client:
            await client.generate("bag", seed=7)

    with pytest.raises(augmint.AugmintError) as second:
        asyncio.run(draw())
    assert type(second.value) is type(first.value)
    assert first.value.__cause__ is None  # no gRPC traceback at a user
    return first.value


def test_a_service_with_tls_is_used_once_its_authority_is_known(files):
    own = augmint.Tls(ca=files / "ca")
    with served(FakeService(), credentials=credentials()) as target, augmint.Client(target, tls=own) as client:
        assert len(client.generate("bag", 20)) == 20


def test_a_client_may_prove_itself_with_a_certificate(files):
    mine = augmint.Tls(files / "ca", files / "certificate", files / "key")
    with served(FakeService(), credentials=credentials(mutual=True)) as target:
        with augmint.Client(target, tls=mine) as client:
            assert len(client.generate("bag")) == 1
        error = raised(target, tls=augmint.Tls(files / "ca"))
    assert isinstance(error, augmint.TlsError)
    assert "a certificate of the client" in str(error)


@pytest.mark.parametrize("tls", [True, "stranger"])
def test_an_authority_that_is_not_trusted_is_said_at_once(files, tls):
    with served(FakeService(), credentials=credentials()) as target:
        error = raised(target, tls=tls if tls is True else augmint.Tls(files / tls), connect_timeout=60)
    assert type(error) is augmint.TlsError
    assert str(error).startswith(f"the certificate of {target} is not trusted: ")


def test_a_certificate_for_another_name_needs_that_name(files):
    with served(FakeService(), credentials=credentials("augmint.example")) as target:
        with augmint.Client(target, tls=augmint.Tls(files / "ca", server_name="augmint.example")) as client:
            assert len(client.generate("bag")) == 1
        error = raised(target, tls=augmint.Tls(files / "ca"))
    assert type(error) is augmint.TlsError
    assert "server_name" in str(error)


def test_tls_on_one_side_only_is_told_from_either_side(files):
    with served(FakeService(), credentials=credentials()) as target:
        error = raised(target)
    assert type(error) is augmint.TlsError
    assert "does it want TLS (tls=True)?" in str(error)
    with served(FakeService()) as target:
        error = raised(target, tls=augmint.Tls(files / "ca"), connect_timeout=60)
    assert type(error) is augmint.TlsError
    assert "does not speak TLS" in str(error)


@pytest.mark.parametrize("secure", [False, True])
def test_a_token_lets_in_and_its_absence_is_access_denied(files, secure):
    server = {"credentials": credentials()} if secure else {}
    client = {"tls": augmint.Tls(files / "ca")} if secure else {}
    with served(FakeService(), token="right", **server) as target:
        with augmint.Client(target, token=lambda: "right", **client) as inside:
            assert len(inside.generate("bag", 20)) == 20
        missing, wrong = raised(target, **client), raised(target, token="wrong", **client)
    assert type(missing) is type(wrong) is augmint.AccessDenied
    assert "a bearer token is needed; give Client(token=...)" in str(missing)
    assert "this token may not draw" in str(wrong)


def test_a_port_that_speaks_http_is_told_at_once():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        error = raised(f"127.0.0.1:{server.server_port}", connect_timeout=60)
        server.shutdown()
    assert type(error) is augmint.NotAService
    assert "speaks HTTP, not gRPC: is the port right?" in str(error)


def test_a_port_that_never_answers_meets_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = raised(f"127.0.0.1:{silent.getsockname()[1]}", timeout=0.5)
    assert type(error) is augmint.DeadlineExceeded


def test_a_name_that_does_not_exist_is_no_service():
    error = raised("augmint.invalid:50051")
    assert type(error) is augmint.Unavailable
    assert str(error).startswith("no service at augmint.invalid:50051 (")


def test_a_service_that_is_starting_is_waited_for():
    health = Health()
    health.set("", HealthCheckResponse.NOT_SERVING)
    fake = FakeService()
    with served(fake, health=health) as target:
        error = raised(target, timeout=3)
        assert type(error) is augmint.Unavailable
        assert f"the service at {target} is starting or stopping" in str(error)
        assert error.connected
        assert not fake.requests
        with augmint.Client(target, connect_timeout=0.1) as client:
            threading.Timer(0.5, health.set, ("", HealthCheckResponse.SERVING)).start()
            assert len(client.generate("bag")) == 1


def test_a_replica_that_says_that_it_stops_gets_no_more_calls():
    healths, fakes = [Health(), Health()], [FakeService(), FakeService()]
    for health in healths:
        health.set("", HealthCheckResponse.SERVING)
    with served(fakes[0], health=healths[0]) as one, served(fakes[1], health=healths[1]) as two:
        both = f"ipv4:{one},{two}".replace("ipv4:", "ipv4:///", 1)
        with augmint.Client(both) as client:
            while not (fakes[0].requests and fakes[1].requests):
                client.generate("bag", 16)
            healths[0].set("", HealthCheckResponse.NOT_SERVING)
            quiet = 0
            while quiet < 20:
                before = len(fakes[0].requests)
                client.generate("bag")
                quiet = quiet + 1 if len(fakes[0].requests) == before else 0
            assert fakes[1].requests


def test_an_answer_above_the_limit_names_the_limit():
    fake = FakeService(max_samples=4096, preferred=4096)
    with served(fake) as target, augmint.Client(target, max_message_bytes=10_000) as client:
        assert len(client.generate("bag", 10)) == 10
        with pytest.raises(augmint.InvalidRequest, match=r"larger than max_message_bytes \(10000\)"):
            client.generate("bag", 4000)


def test_a_label_that_vanished_in_a_new_version_is_named(monkeypatch):
    fake = FakeService()
    with augmint.Client(transport=fake) as client:
        client.generate("bag")
        fake.version = 2
        monkeypatch.setattr("tests.client.fakes.LABELS", ("ankle boot", "coat"))
        with pytest.raises(
            augmint.LabelNotFound, match="version 2 has no label 'bag'; its labels are ankle boot, coat"
        ):
            client.generate("bag")


def test_a_label_that_is_new_is_found_by_a_client_that_knew_the_old_version(monkeypatch):
    fake = FakeService()
    with augmint.Client(transport=fake) as client:
        client.generate("bag")
        fake.version = 2
        monkeypatch.setattr("tests.client.fakes.LABELS", ("ankle boot", "bag", "scarf"))
        assert client.generate("scarf").labels == ["scarf"]
