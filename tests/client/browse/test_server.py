"""The command: where it listens, what it says, how it ends."""

import json
import re
import signal
import socket
import subprocess
import sys

import pytest

from augmint import commands, extras
from augmint.__main__ import main
from augmint.browse.server import PORT, listen
from augmint.errors import InvalidRequest, MissingExtra
from tests.client.browse.serving import get
from tests.client.fakes import FakeService, served
from tests.processes import environment


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_is_and_ends_when_it_is_told_though_a_draw_goes_on(number):
    fake = FakeService()
    with served(fake) as target:
        command = [sys.executable, "-m", "augmint", "browse", target, "--port", "0", "--no-open"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )
        line = process.stdout.readline()
        site = re.fullmatch(rf"{re.escape(target)} is shown at (http://127\.0\.0\.1:\d+)/ until Ctrl-C\n", line)[1]
        assert get(f"{site}/g/fake/1").status == 200
        fake.gate.clear()
        host, port = site.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as reader:
            reader.sendall(f"GET /g/fake/1?seed=2 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            while not fake.in_flight:
                pass
            process.send_signal(number)
            out, complaints = process.communicate(timeout=60)
        fake.gate.set()
    assert (process.returncode, out, complaints) == (0, "", "")


def test_a_port_that_is_taken_is_said_where_it_was_asked_for(capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(InvalidRequest, match=f"--port {port}: cannot listen there: Address already in use"):
            listen("127.0.0.1", port)
        assert main(["browse", "localhost:1", "--port", str(port), "--no-open"]) == 2
    assert "cannot listen there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--port", "99999"], "port is 99999; it must be a whole number in [0, 65535]"),
        (["--host", "nowhere.invalid"], "--host nowhere.invalid: cannot listen there"),
        (["--ca", "gone.pem"], "cannot read gone.pem"),
        (["--token-file", "gone"], "cannot read gone"),
        (["--timeout", "0"], "timeout is 0.0"),
    ],
)
def test_what_cannot_work_is_said_before_a_page_is_opened(given, told, capsys):
    assert main(["browse", "localhost:1", "--no-open", *given]) == 2
    assert told in capsys.readouterr().err


def test_another_port_is_taken_where_none_was_asked_for(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setattr("augmint.browse.server.PORT", other.getsockname()[1])
        with listen("127.0.0.1", None) as listener:
            assert listener.getsockname()[1] != other.getsockname()[1]
    assert 1024 < PORT < 2**16


def test_scripts_are_told_in_json():
    command = [sys.executable, "-m", "augmint", "browse", "h.example:1", "--port", "0", "--no-open", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        told = json.loads(process.stdout.readline())
        assert get(f"{told['address']}alive").text == "ok\n"
        process.terminate()
    assert told["target"] == "h.example:1"


def test_a_library_that_is_missing_is_named_with_its_extra(monkeypatch):
    def load(module, extra):
        if module == "uvicorn":
            raise MissingExtra(f"this needs {module}: pip install 'augmint[{extra}]'")
        return extras.load(module, extra)

    monkeypatch.setattr(commands, "extras", type("", (), {"load": staticmethod(load)}))
    with pytest.raises(MissingExtra, match=re.escape("this needs uvicorn: pip install 'augmint[browse]'")):
        commands.browse(None, None)


def test_a_wrong_address_is_said_before_anything_starts(capsys):
    assert main(["browse", "localhost", "--no-open"]) == 2
    assert "is not HOST:PORT" in capsys.readouterr().err
