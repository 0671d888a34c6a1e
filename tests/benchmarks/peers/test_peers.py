"""benchmarks/peers: the harness, with peers that need no environment of their own, over real sockets."""

import http.server
import signal
import sys
import threading
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.fleet.cluster import free_port
from benchmarks.peers import __main__ as peers
from benchmarks.peers import environment
from benchmarks.peers.model import Model
from benchmarks.peers.server import Server, listens
from benchmarks.serving.ceiling import Ceiling
from benchmarks.serving.readers import Readers
from tests import generators


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generators.publish(tmp_path_factory.mktemp("models"))


def test_a_peer_is_checked_measured_and_ended_with_its_family(file: Path, tmp_path: Path):
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.serving.plain", str(file), str(port)]
    # A shell that waits: the peer is its child, as the workers of a peer are.
    family = ["sh", "-c", 'exec 3<&0; "$@" <&3 & wait', "sh", *command]
    server = Server("plain", family, port, "augmint:", tmp_path / "log")
    try:
        server.readers.check(Ceiling(file.read_bytes()).samples(1, 5), 5)
        answer = server.ask("0.5 Python 3 7")
        assert answer["calls"] >= 1
        assert answer["rate"] > 0
        beside = server.ask("0.5 one")
        assert 0 < beside["p50"] <= beside["p99"]
        assert server.family.cpu_seconds() > 0
        assert server.family.resident_mib() > 10
        assert listens(port)
    finally:
        server.stop()
    assert not server.family.alive()
    assert not listens(port)


def test_a_peer_that_ends_is_a_reason(tmp_path: Path):
    command = [sys.executable, "-c", "print('once'); raise SystemExit('no such wheel')"]
    with pytest.raises(environment.PeerError, match="does not start: no such wheel"):
        Server("broken", command, free_port(), "http:/", tmp_path / "log")


def test_an_environment_that_cannot_be_made_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path / "environments")
    (tmp_path / "environments").write_text("not a folder")
    with pytest.raises(environment.PeerError, match=r"does not install: .*environments"):
        environment.install("litserve")


@pytest.mark.parametrize("seed", [0, 1])
def test_samples_over_http_are_compared_with_those_of_the_file(file: Path, tmp_path: Path, seed: int):
    other = tmp_path / "other.onnx"
    other.write_bytes(generators.build(seed=seed))
    model = Model(str(other))

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            rows = self.rfile.read(int(self.headers["content-length"]))
            # Three requests in one batch: each gets its own samples back.
            _, samples, _ = model.run_requests([rows[:28], rows, rows[:56]])
            self.send_response(200)
            self.send_header("content-length", str(len(samples)))
            self.end_headers()
            self.wfile.write(samples)

        def log_message(self, *words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    readers = Readers(f"127.0.0.1:{server.server_address[1]}", "http:/")
    try:
        expected = Ceiling(file.read_bytes()).samples(1, 5)
        if seed == 0:
            readers.check(expected, 5)
            assert readers.ask("0.05 Python 2 3")["calls"] >= 2
        else:
            with pytest.raises(ValueError, match="not those of the file"):
                readers.check(expected, 5)
    finally:
        readers.stop()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_peer_and_our_service_beside_it_are_two_rows():
    measured = {"LitServe": {"16 x 32, Python": [0.4, 0.2, 0.3], "versions": "litserve 1"}, "augmint": {}}
    lines = results.table(peers.rows("litserve", measured))
    assert lines[2].startswith("| LitServe |  |  |  | 0.3 (0.2 to 0.4) |  |")
    assert lines[2].endswith("| litserve 1 |")
    assert lines[3].startswith("| augmint, beside LitServe |  |")


def test_a_peer_that_cannot_be_measured_is_a_row_that_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    generators.publish(tmp_path / "models")
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path / "environments")
    (tmp_path / "environments").write_text("not a folder")
    out = tmp_path / "peers.jsonl"
    monkeypatch.setattr(sys, "argv", ["peers", "litserve", "--models", str(tmp_path / "models"), "--out", str(out)])
    handler = signal.getsignal(signal.SIGTERM)
    try:
        peers.main()
    finally:
        signal.signal(signal.SIGTERM, handler)
    (line,) = results.read(out)
    assert line["row"]["server"] == "LitServe"
    assert line["row"]["versions"].startswith("does not install:")
