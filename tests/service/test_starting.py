"""How the program starts, or says why it cannot."""

import re
import socket
import subprocess
import sys

import onnxruntime
import pytest
import structlog.testing

from service.__main__ import main
from service.server import Server
from service.settings import Settings
from tests import generators
from tests.processes import environment, fail


@pytest.fixture
def models(tmp_path):
    generators.publish(tmp_path)
    return tmp_path


def test_an_empty_folder_that_may_be_waited_for_is_said_to_be_empty(tmp_path):
    (tmp_path / "tiny" / "latest").mkdir(parents=True)
    (tmp_path / "tiny" / "latest" / "model.onnx").write_bytes(b"x")
    server = Server(Settings(models=str(tmp_path), port=0, metrics_port=0, start_empty=True))
    with structlog.testing.capture_logs() as lines:
        server.start()
    server.close()
    (line,) = [line for line in lines if line["event"] == "no generator yet"]
    assert line["reason"].endswith("rename tiny/latest to tiny/1")


def test_the_version_is_that_of_what_decides_about_the_samples(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["service", "--version"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    told = capsys.readouterr().out
    assert re.fullmatch(
        rf"augmint service \S+, ONNX Runtime {onnxruntime.__version__}, grpcio \S+, Python 3\S+\n", told
    )


def test_a_port_in_use_is_said_clearly(models):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, text = fail("--models", str(models), "--port", port, "--metrics-port", "0")
        assert status == 2
        assert f"error: cannot listen on 127.0.0.1:{port}: the port is in use" in text
        status, text = fail("--models", str(models), "--port", "0", "--metrics-port", port)
        assert status == 2
        assert f"error: cannot listen on 127.0.0.1:{port} for metrics" in text


def test_a_start_that_cannot_work_ends_with_its_reason(tmp_path):
    ports = ("--port", "0", "--metrics-port", "0")
    command = [sys.executable, "-m", "service", "--models", str(tmp_path / "none"), *ports]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment())
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"error: .*: no such folder.*\n", done.stderr)
    status, text = fail("--models", str(tmp_path), *ports)
    assert (status, "wanted <generator>/<version>/model.onnx" in text) == (2, True)
    (tmp_path / "bad" / "1").mkdir(parents=True)
    (tmp_path / "bad" / "1" / "model.onnx").write_bytes(b"hello")
    status, text = fail("--models", str(tmp_path), *ports)
    assert (status, "bad/1: ONNX Runtime cannot load the file" in text) == (2, True)
