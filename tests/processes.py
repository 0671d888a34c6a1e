"""The real service in a process of its own, over real sockets."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import grpc
import pytest


class Service:
    """Started with the flags given, on free ports; `stop` it, or use it as a context.

    target: of its gRPC port; health: of its health port; log: its lines so far.
    """

    def __init__(self, models: Path, *flags: str) -> None:
        command = [sys.executable, "-m", "service", "--models", str(models), "--port", "0", "--metrics-port", "0"]
        self.process = subprocess.Popen(
            [*command, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )
        line = self.process.stdout.readline()
        fields = dict(word.split("=", 1) for word in line.split()[1:])
        assert fields, self.process.communicate()
        self.target, self.metrics_url, self.generators = fields["grpc"], fields["metrics"], fields["generators"]
        self.health = fields.get("health", "")
        self.log: list[str] = []
        # A full pipe would stop the service.
        self._reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
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
            time.sleep(0.01)

    def metric(self, name: str) -> float:
        """Sum over all its labels."""
        text = urllib.request.urlopen(self.metrics_url, timeout=10).read().decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if re.match(rf"{name}[ {{]", line))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Exit status."""
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join()
            self.process.stdout.close()
            self.process.stderr.close()


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AUGMINT_")}


def fail(*flags: str) -> tuple[int, str]:
    """Exit status and complaint of a start that must not succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "service", *flags], capture_output=True, text=True, timeout=60, env=environment()
    )
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def code_of(call: Any, *arguments: Any, **options: Any) -> tuple[grpc.StatusCode, str]:
    """Status and message of a call that must fail."""
    with pytest.raises(grpc.RpcError) as error:
        call(*arguments, timeout=20, **options)
    return error.value.code(), error.value.details()
