"""Generators that a pod fetches, and the sample that `helm test` draws: the rendered commands, run as they are."""

import hashlib
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.fleet.cluster import replica
from tests.generators import publish
from tests.k8s.rendering import CASES, FILE, container, everything, pod
from tests.processes import fail

CONTENT = b"x" * 3_000_000


class Store(BaseHTTPRequestHandler):
    """Gives /file to whoever knows the word, /moved leads there, /short breaks off."""

    seen: list[str | None]

    def do_GET(self):
        self.seen.append(self.headers["Authorization"])
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path not in ("/file", "/short"):
            self.send_error(404, "no such file")
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/file" else CONTENT[:1000])

    def log_message(self, *_):
        pass


@pytest.fixture
def store():
    handler = type("Handler", (Store,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler.seen
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(models, url, sha256=None, secret=""):
    """What the chart's init container does with this file, in `models`."""
    file = {**FILE, "url": url, "sha256": sha256 or hashlib.sha256(CONTENT).hexdigest()}
    values = {"models": {"source": "fetch", "fetch": {"files": [file], "secret": secret, "timeoutSeconds": 60}}}
    (init,) = pod(values)["initContainers"]
    program, flag, code = init["command"]
    assert (program, flag) == ("python", "-c")
    arguments = [str(models) if each == "/models" else each for each in init["args"]]
    environment = {each["name"]: "Bearer word" for each in init.get("env", [])}
    # Isolated: nothing of this checkout is in a pod.
    command = [sys.executable, "-I", "-S", "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_generator_is_fetched_to_where_the_service_looks(store, tmp_path):
    url, seen = store
    done = fetch(tmp_path, f"{url}/file")
    assert (done.returncode, done.stderr) == (0, f"digits/3 from {url}/file: as asked for\n")
    assert (tmp_path / "digits/3/model.onnx").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "digits/3").iterdir()] == ["model.onnx"]
    assert seen == [None]


def test_a_secret_goes_to_the_store_and_not_where_it_sends_us(store, tmp_path):
    url, seen = store
    assert fetch(tmp_path, f"{url}/moved", secret="store").returncode == 0
    assert (tmp_path / "digits/3/model.onnx").read_bytes() == CONTENT
    assert seen == ["Bearer word", None]


@pytest.mark.parametrize(
    ("path", "sha256", "reason"),
    [
        ("/file", "0" * 64, f"sha256 is {hashlib.sha256(CONTENT).hexdigest()}, wanted {'0' * 64}"),
        ("/nothing", None, "HTTP Error 404: no such file"),
        ("/short", None, "wanted"),
    ],
)
def test_what_is_not_the_file_stops_the_pod_with_the_reason(store, tmp_path, path, sha256, reason):
    url, _ = store
    done = fetch(tmp_path, url + path, sha256)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: digits/3 from {url}{path}: ")
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "digits/3/model.onnx").exists()


@pytest.mark.parametrize("names", [("AUGMINT_TOKENS",), ("AUGMINT_TLS_CERTIFICATE", "AUGMINT_TLS_KEY")])
def test_a_secret_without_its_key_ends_the_pod_with_the_files_name(tmp_path, names):
    publish(tmp_path / "models")
    variables = {each["name"]: each.get("value") for each in container(CASES["TLS"])["env"]}
    given = {name: variables[name].replace("/etc/augmint", str(tmp_path)) for name in names}
    start = ("--models", str(tmp_path / "models"), "--port", "0", "--metrics-port", "0")
    assert fail(*start, **given) == (2, f"error: {given[names[0]]} cannot be read: No such file or directory\n")


def draw(target):
    (test,) = [each for each in everything({}) if each["kind"] == "Pod"]
    (each,) = test["spec"]["containers"]
    _, _, code = each["command"]
    assert each["args"] == ["dns:///release-augmint-headless.lab.svc:50051", "60"]
    command = [sys.executable, "-c", code, target, "1", "nothing"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_helm_test_draws_a_sample_of_every_generator(tmp_path):
    publish(tmp_path, "tiny")
    publish(tmp_path, "small", shape=(4, 4, 3))
    with replica(tmp_path) as running:
        done = draw(running.target)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == ["small/1: (1, 4, 4, 3) uint8", "tiny/1: (1, 8, 8, 1) uint8"]


def test_helm_test_fails_where_nobody_serves():
    done = draw("127.0.0.1:1")
    assert done.returncode == 1
    assert "no service at 127.0.0.1:1" in done.stderr
