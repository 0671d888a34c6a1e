"""A cluster's parts on loopback: replicas of the real service, Prometheus, names.

Each replica has an address of its own (127.0.0.2, 127.0.0.3, ...) and the same port, as pods have; Linux only.
"""

from __future__ import annotations

import json
import math
import os
import queue
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dnslib
import dnslib.server

ROOT = Path(__file__).parents[2]
# A machine may be very busy; nothing here should take a tenth of it.
PATIENCE_SECONDS = 120.0


class FleetError(RuntimeError):
    """A part did not start or did not answer; the message says which and why."""


def program(name: str) -> str:
    """Path of a program from .tools (`make tools`) or of the machine; raises FleetError."""
    found = shutil.which(name, path=ROOT / ".tools") or shutil.which(name)
    if found is None:
        raise FleetError(f"{name} is not here; `make tools` gets it where apt-get and npm can")
    return found


class Replica:
    """One process of the service. It is started when made; `ready` turns true by itself."""

    def __init__(self, models: Path, host: str, port: int, pod: str, flags: Mapping[str, object]) -> None:
        """host: on loopback; port: of gRPC, 0 for a free one. flags: settings of the service, by name."""
        self.pod = pod
        self.host = host
        self.target = ""
        self.metrics = ""
        self.stopped_at: float | None = None  # when it was told to stop, time.monotonic()
        options = {"models": models, "host": host, "port": port, "metrics-port": 0, "log-level": "warning"} | dict(
            flags
        )
        command = [sys.executable, "-m", "service"]
        command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AUGMINT_")}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put("")

    def _note(self, line: str) -> None:
        fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if "grpc" not in fields:
            raise FleetError(f"{self.pod} did not start (exit status {self._process.wait()})")
        self.target, self.metrics = fields["grpc"], fields["metrics"]

    @property
    def ready(self) -> bool:
        """Whether it serves and was not told to stop. Raises FleetError if it could not start."""
        if not self.target and not self._lines.empty():
            self._note(self._lines.get())
        return bool(self.target) and self.stopped_at is None

    def wait_ready(self) -> Replica:
        if not self.ready:
            try:
                self._note(self._lines.get(timeout=PATIENCE_SECONDS))
            except queue.Empty:
                raise FleetError(f"{self.pod} was not ready after {PATIENCE_SECONDS:g} s") from None
        return self

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """As a cluster does: SIGTERM, and no waiting."""
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()
            self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Exit status; kills what does not end in time."""
        try:
            return self._process.wait(PATIENCE_SECONDS)
        finally:
            self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(PATIENCE_SECONDS)


@contextmanager
def replica(models: Path, **flags: object) -> Iterator[Replica]:
    """One ready replica on a free port."""
    one = Replica(models, "127.0.0.1", 0, "release-augmint-0-aaaaa", flags)
    try:
        yield one.wait_ready()
        one.stop()
        if status := one.wait():
            raise FleetError(f"the service stopped with exit status {status}")
    finally:
        one.kill()


def free_port(hosts: int = 1) -> int:
    """A port that is free on 127.0.0.1 to 127.0.0.<hosts>.

    Below those that systems hand out (from 32768 on Linux), so that no connection gets it before the caller does.
    """
    for _ in range(100):
        port = random.SystemRandom().randrange(15_000, 30_000)
        try:
            for number in range(1, hosts + 1):
                with socket.socket() as other:
                    other.bind((f"127.0.0.{number}", port))
            return port
        except OSError:
            continue
    raise FleetError("no port is free on all addresses")


class NoAnswer(Exception):
    """Prometheus has no one number for a query; KEDA counts this as a failure and the fleet keeps its size."""


class Prometheus:
    """The real thing, in a process of its own, scraping what `targets` names."""

    def __init__(self, folder: Path, interval: str = "1s", rules: str = "", honor_labels: bool = False) -> None:
        """folder: for its files; interval: between scrapes. rules: text of a rule file; empty: none.

        honor_labels: whether what a target calls its namespace and pod beats what `targets` says.
        """
        self._targets = folder / "targets.json"
        self.targets({})
        (folder / "rules.yml").write_text(rules or "groups: []")
        config = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "rule_files": ["rules.yml"],
            "scrape_configs": [
                {
                    "job_name": "augmint",
                    "honor_labels": honor_labels,
                    "file_sd_configs": [{"files": [str(self._targets)]}],
                }
            ],
        }
        # JSON is YAML.
        (folder / "prometheus.yml").write_text(json.dumps(config))
        self.url = f"http://127.0.0.1:{free_port()}"
        self._command = [
            program("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            "--log.level=error",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/-/ready", timeout=5).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise FleetError(f"Prometheus did not start: {' '.join(self._command)}") from None
                time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def targets(self, pods: Mapping[str, str], namespace: str = "lab") -> None:
        """What to scrape from now on: the host and port of each pod's metrics."""
        groups = [
            {"targets": [address], "labels": {"namespace": namespace, "pod": pod}} for pod, address in pods.items()
        ]
        # Written aside: Prometheus reads it at any moment.
        aside = self._targets.with_suffix(".part")
        aside.write_text(json.dumps(groups))
        aside.rename(self._targets)

    def vector(self, query: str) -> list[dict[str, Any]]:
        """The elements of an instant query. Raises NoAnswer if Prometheus does not answer or refuses the query."""
        address = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise NoAnswer(f"Prometheus refuses {query!r}: {json.load(error).get('error')}") from error
        except OSError as error:
            raise NoAnswer(f"Prometheus does not answer: {error}") from error

    def number(self, query: str) -> float:
        """The query's only element, as KEDA's scaler reads it with ignoreNullValues "false"; else raises NoAnswer."""
        found = self.vector(query)
        if len(found) != 1:
            raise NoAnswer(f"{query!r} has {len(found)} elements, wanted 1")
        value = float(found[0]["value"][1])
        if not math.isfinite(value):
            raise NoAnswer(f"{query!r} is {value}")
        return value


class Names(dnslib.server.BaseResolver):
    """A name server on loopback that knows one name: what a headless Service is to a client."""

    def __init__(self, name: str) -> None:
        self.addresses: list[str] = []
        self._name = name
        port = free_port()
        self._server = dnslib.server.DNSServer(
            self, port=port, address="127.0.0.1", logger=dnslib.server.DNSLogger("-request,-reply,-data")
        )
        self._server.start_thread()
        self.authority = f"127.0.0.1:{port}"

    def target(self, port: int) -> str:
        """What a client connects to."""
        return f"dns://{self.authority}/{self._name}:{port}"

    def resolve(self, request: dnslib.DNSRecord, handler: object) -> dnslib.DNSRecord:
        reply = request.reply()
        if request.q.qtype == dnslib.QTYPE.A:
            for address in self.addresses:
                reply.add_answer(dnslib.RR(request.q.qname, dnslib.QTYPE.A, rdata=dnslib.A(address), ttl=1))
        return reply

    def close(self) -> None:
        self._server.stop()
        self._server.server.server_close()
