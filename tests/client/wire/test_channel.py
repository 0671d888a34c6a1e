"""Channels: what is refused before anything connects, and replicas that come and go behind a name."""

import contextlib
import pickle
import socket
import socketserver
import struct
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from grpc._cython import cygrpc

import augmint
from augmint.wire.channel import Channel, Tls
from tests.client.fakes import FakeService, served


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"target": "https://host:443"}, "web address; it must be HOST:PORT, with tls=True"),
        ({"tls": "yes"}, "tls is 'yes'; it must be True, False or"),
        ({"token": 7}, "token must be a str, a pathlib.Path"),
        ({"token": "secret"}, "would cross the network in the clear: give tls=True, or tls=False"),
        ({"proxy": "proxy:3128"}, "proxy is 'proxy:3128'; it must be http://HOST:PORT"),
        ({"proxy": True}, "proxy is True"),
        ({"compression": "zstd"}, "compression is 'zstd'; it must be 'gzip', 'deflate' or None"),
        ({"max_message_bytes": 10}, "max_message_bytes is 10"),
        ({"hedge_after": 0}, "hedge_after is 0"),
    ],
)
def test_a_wrong_setting_is_refused_and_named(settings, named):
    with pytest.raises(augmint.InvalidRequest, match=named) as raised:
        augmint.Client(**{"target": "augmint.example:50051", **settings})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("given", [{"certificate": "a.pem"}, {"key": "a.key"}])
def test_half_a_certificate_is_refused(given):
    with pytest.raises(augmint.InvalidRequest, match="certificate and key, or neither"):
        augmint.Tls(**given)


@pytest.mark.parametrize(("content", "named"), [(None, "No such file"), (b"\x30\x82", "is no PEM file")])
def test_a_file_that_is_no_certificate_is_named_at_the_first_call(tmp_path, content, named):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    client = augmint.Client("localhost:1", tls=augmint.Tls(ca=path))
    with pytest.raises(augmint.InvalidRequest, match=named) as raised:
        client.generators()
    assert str(path) in str(raised.value)


def test_a_token_may_be_renewed_in_its_file_and_is_never_shown(tmp_path):
    path = tmp_path / "token"
    channel = Channel("localhost:1", token=path)
    path.write_text("first\n")
    assert channel.metadata() == (("authorization", "Bearer first"),)
    path.write_text("second")
    assert channel.metadata() == (("authorization", "Bearer second"),)
    assert "hush" not in repr(Channel("localhost:1", token="hush"))


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "ключ", lambda: None])
def test_what_is_no_token_is_refused_without_repeating_it(token):
    with pytest.raises(augmint.InvalidRequest, match="the token is empty or holds") as raised:
        Channel("localhost:1", token=token).metadata()
    assert token == "" or callable(token) or token not in str(raised.value)


def test_a_token_file_that_is_missing_is_named():
    with pytest.raises(augmint.InvalidRequest, match=r"cannot read /nowhere/token: No such file"):
        Channel("localhost:1", token=Path("/nowhere/token")).metadata()


def test_settings_survive_pickling():
    channel = Channel("h:1", tls=augmint.Tls(ca="ca.pem", server_name="x"), token="t")
    assert pickle.loads(pickle.dumps(channel)) == channel


def test_a_request_may_be_compressed():
    fake = FakeService(max_samples=4096, preferred=4096)
    with served(fake) as target, augmint.Client(target, compression="gzip") as client:
        assert len(client.fetch(np.arange(0, 4000, 2), np.arange(2000) % 4, seed=7)) == 2000


class Proxy(socketserver.StreamRequestHandler):
    """An HTTP proxy that knows CONNECT."""

    def handle(self):
        line = self.rfile.readline().decode()
        while self.rfile.readline().strip():
            pass
        self.server.lines.append(line.strip())
        host, port = line.split()[1].rsplit(":", 1)
        with socket.create_connection((host, int(port))) as there:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=self.copy, args=(there, self.connection), daemon=True)
            back.start()
            self.copy(self.connection, there)
            back.join(60)

    @staticmethod
    def copy(source, sink):
        try:
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


def test_calls_go_through_a_proxy_when_one_is_named():
    fake = FakeService()
    with served(fake) as target, socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as proxy:
        proxy.daemon_threads, proxy.lines = True, []
        threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
        try:
            with augmint.Client(target, proxy=f"http://127.0.0.1:{proxy.server_address[1]}") as client:
                assert len(client.generate("bag", 20)) == 20
        finally:
            proxy.shutdown()
    assert [line.split()[:2] for line in proxy.lines] == [["CONNECT", target]]


class Names(socketserver.BaseRequestHandler):
    """A name server: every name has the addresses of `server.addresses`, for one second."""

    def handle(self):
        query, sock = self.request
        end = query.index(b"\0", 12) + 5
        kind = struct.unpack("!H", query[end - 4 : end - 2])[0]
        found = self.server.addresses if kind == 1 else []
        answer = query[:2] + struct.pack("!HHHHH", 0x8580, 1, len(found), 0, 0) + query[12:end]
        for address in found:
            answer += b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(address)
        sock.sendto(answer, self.client_address)


def test_replicas_that_come_are_found_and_those_that_go_are_left():
    """Behind one name, as behind a headless Service; replicas end old connections, as ours do."""
    fakes = [FakeService(max_samples=64, preferred=8) for _ in range(3)]
    hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
    age = [("grpc.max_connection_age_ms", 500), ("grpc.max_connection_age_grace_ms", 5000)]
    with socketserver.UDPServer(("127.0.0.1", 0), Names) as names:
        names.addresses = hosts[:2]
        threading.Thread(target=names.serve_forever, args=(0.02,), daemon=True).start()
        first = served(fakes[0], host=hosts[0], options=age)
        port = int(first.__enter__().rpartition(":")[2])
        expected = fakes[0].expected(7, np.arange(32), np.ones(32))
        try:
            with (
                served(fakes[1], port, host=hosts[1], options=age),
                augmint.Client(f"dns://127.0.0.1:{names.server_address[1]}/augmint.test:{port}") as client,
            ):

                def drawn_until(condition):
                    end = time.monotonic() + 120
                    while not condition():
                        assert time.monotonic() < end
                        assert np.array_equal(client.generate("bag", 32, seed=7).array, expected)
                        time.sleep(0.02)

                drawn_until(lambda: fakes[0].requests and fakes[1].requests)
                with served(fakes[2], port, host=hosts[2], options=age):
                    names.addresses = hosts
                    drawn_until(lambda: fakes[2].requests)
                    first.__exit__(None, None, None)  # in the middle of its answers
                    before = [len(fake.requests) for fake in fakes[1:]]
                    drawn_until(lambda: all(len(f.requests) > n for f, n in zip(fakes[1:], before, strict=True)))
        finally:
            names.shutdown()


def test_grpc_knows_every_option():
    # It ignores those that it does not know without a word.
    known = Path(cygrpc.__file__).read_bytes()
    channel = Channel("host:443", tls=Tls(server_name="other"), proxy="http://proxy:3128")
    assert [name for name, _ in channel._options() if name.encode() not in known] == []
