"""The real service in a process of its own, over real sockets."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog

SERVE = "import sys; from service.__main__ import main; sys.exit(main())"


def started(*arguments: str) -> subprocess.Popen[str]:
    command, pipe = [sys.executable, *arguments], subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment())


class Service:
    """Started with the flags given, on free ports; `stop` it, or use it as a context.

    start: what starts a program by its code and its arguments, instead of a new Python.
    target: of its gRPC port; health: of its health port; log: its lines so far.
    """

    def __init__(self, models: Path, *flags: str, start: Callable[..., Any] | None = None) -> None:
        flags = ("--models", str(models), "--port", "0", "--metrics-port", "0", *flags)
        self.process = start(SERVE, *flags) if start else started("-m", "service", *flags)
        assert self.process.stdout
        assert self.process.stderr
        self._output, self._errors = self.process.stdout, self.process.stderr
        line = self._output.readline()
        fields = dict(word.split("=", 1) for word in line.split()[1:])
        assert fields, self.process.communicate()
        self.target, self.metrics_url, self.generators = fields["grpc"], fields["metrics"], fields["generators"]
        self.health = fields.get("health", "")
        self.log: list[str] = []
        # A full pipe would stop the service.
        self._reader = threading.Thread(target=lambda: self.log.extend(self._errors), daemon=True)
        self._reader.start()

    def __enter__(self) -> Service:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        status = self.stop()
        assert kind or status == 0

    def channel(self, credentials: grpc.ChannelCredentials | None = None, target: str = "") -> grpc.Channel:
        """Of its own connection; credentials: None for plain text."""
        options = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        if credentials is None:
            return grpc.insecure_channel(target or self.target, options)
        return grpc.secure_channel(target or self.target, credentials, options)

    def wait_for_log(self, text: str) -> str:
        """The first line that holds the text."""
        while True:
            for line in self.log:
                if text in line:
                    return line
            assert self.process.poll() is None, self.log
            time.sleep(0.05)

    def metric(self, name: str) -> float:
        """Sum over all its labels. name: a pattern of the lines to add up, which begins with the name."""
        begins = re.split(r"\W", name)[0]  # all of them would be a page of a thousand lines
        text = urllib.request.urlopen(f"{self.metrics_url}?name[]={begins}", timeout=60).read().decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if re.match(rf"{name}[ {{]", line))

    def wait_for_metric(self, name: str, value: float) -> None:
        """Until it has the value: what follows an answer is counted when the answer has left."""
        deadline = time.monotonic() + 30
        while (found := self.metric(name)) != value:
            assert time.monotonic() < deadline, (name, found, value)
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Exit status."""
        self.process.send_signal(number)
        return self.wait()

    def kill(self) -> None:
        """Without leave, in the middle of whatever it does."""
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        """Exit status."""
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join()
            self._output.close()
            self._errors.close()


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AUGMINT_")}


def fail(*flags: str, **variables: str) -> tuple[int, str]:
    """Exit status and complaint of a start that must not succeed, made in this process: it ends before it serves.

    variables: of its environment.
    """
    from service.__main__ import main  # not where services only run in processes of their own

    out, complaints = io.StringIO(), io.TextIOWrapper(io.BytesIO())
    handlers = list(logging.root.handlers)
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - environment().keys():
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["service", *flags])
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", complaints)
        try:
            status = main()
        finally:  # what it has set up for the whole process
            structlog.reset_defaults()
            logging.root.handlers[:] = handlers
    complaints.flush()
    said = complaints.buffer.getvalue().decode()
    assert out.getvalue() == ""
    assert "Traceback" not in said
    return status, said


def code_of(call: Any, *arguments: Any, **options: Any) -> tuple[grpc.StatusCode, str]:
    """Status and message of a call that must fail."""
    with pytest.raises(grpc.RpcError) as error:
        call(*arguments, timeout=60, **options)
    return error.value.code(), error.value.details()


def throw_garbage(target: str) -> None:
    """Send to HOST:PORT what it does not speak, and read whatever it answers until it hangs up."""
    host, port = target.rsplit(":", 1)
    for garbage in (
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000,
        b"\x16\x03\x01\x02\x00" + bytes(512),  # TLS
        b"\x16\x03\x01\xff\xff" + bytes(1000),  # nearly
        b"\x00" * 10_000,
        b"",
    ):
        # It may hang up before it has heard all.
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=60) as plain:
            plain.sendall(garbage)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(4096):
                pass
