"""What a container of the image is asked to do: serve and stop, idle and under load; train and publish."""

from __future__ import annotations

import re
import subprocess
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import helm_python as helm
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

import augmint
from augmint.v1 import generator_pb2 as pb
from augmint.v1 import generator_pb2_grpc as rpc
from benchmarks.demo import replay, serving
from service.rpc.readiness import LIVENESS

ROOT = Path(__file__).parents[2]
USER = 10001
# As the chart's settings.drainSeconds and settings.stopSeconds, and what a pod is given in all.
DRAIN_SECONDS, STOP_SECONDS, GRACE_SECONDS = 2, 30, 60
READERS = 8
PAUSE_SECONDS = 0.0  # between the calls of a reader
# As the chart's securityContext and its volume for /tmp.
HARDENED = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]


class Wrong(Exception):
    """The image is not as it should be; the message says what was found and what was wanted."""


SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def health(channel: grpc.Channel, service: str) -> int:
    """What a probe of the kubelet is told."""
    request = health_pb2.HealthCheckRequest(service=service)
    return health_pb2_grpc.HealthStub(channel).Check(request, timeout=10).status


def check(engine: list[str], image: str, models: Path, more: list[str]) -> None:
    """Serve, answer, stop."""
    began = time.perf_counter()
    with container(engine, image, models, more) as (name, process, ready):
        print(
            f"ready in {time.perf_counter() - began:.1f} s, resident {resident(engine, name):.0f} MiB: {ready['grpc']}"
        )
        with grpc.insecure_channel(ready["grpc"]) as channel:
            for service in ("", LIVENESS):
                if (status := health(channel, service)) != SERVING:
                    raise Wrong(f"health of {service!r} is {status}, wanted SERVING")
        drawn = 0
        with augmint.Client(ready["grpc"]) as client:
            for generator in filter(lambda status: status.is_default, client.generators()):
                for label in generator.labels:
                    samples = client.generate(label, 64, generator=generator.name, seed=7)
                    drawn += len(samples)
                replay(models, samples)
        with urllib.request.urlopen(ready["metrics"], timeout=10) as page:
            counted = re.findall(r"^augmint_samples_total\S* (\S+)$", page.read().decode(), re.MULTILINE)
        if sum(map(float, counted)) != drawn:
            raise Wrong(f"metrics count {counted} samples; {drawn} were drawn")
        print(f"healthy; {drawn} samples drawn, as many counted")

        print(f"stopped {stop(engine, name, process):.1f} s after SIGTERM, exit status 0")


def stop(engine: list[str], name: str, process: subprocess.Popen[str]) -> float:
    """As a cluster stops a pod; returns after how many seconds it had ended. Raises Wrong if it had to be killed."""
    began = time.perf_counter()
    run([*engine, "stop", "-t", str(GRACE_SECONDS), name])
    if status := process.wait(GRACE_SECONDS):
        raise Wrong(f"exit status {status} after SIGTERM, wanted 0")
    return time.perf_counter() - began


class Readers:
    """Draw the same page again and again, without the client's retries, so that nothing is made good."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.told: list[tuple[bool, str]] = []  # of each call: whether it began after SIGTERM, and how it ended
        self.readiness: set[int] = set()  # what probes were told
        self.stopping, self._over = threading.Event(), threading.Event()
        self._channel, self._stub = channel, rpc.GeneratorServiceStub(channel)
        generator = self._stub.ListGenerators(pb.ListGeneratorsRequest(), timeout=30).generators[0].name
        self._request = pb.GenerateRequest(generator=generator, class_indices=[0] * 512, seed=7)
        self._wanted = self._stub.Generate(self._request, timeout=30).data
        self._threads = [threading.Thread(target=self._read) for _ in range(READERS)]
        self._threads.append(threading.Thread(target=self._probe))
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        while not self._over.wait(PAUSE_SECONDS):
            late = self.stopping.is_set()
            try:
                data = self._stub.Generate(self._request, timeout=60).data
                self.told.append((late, "answered" if data == self._wanted else "answered wrongly"))
            except grpc.RpcError as error:
                self.told.append((late, error.code().name))
                if late:
                    return  # goes elsewhere, as it is told to

    def _probe(self) -> None:
        while not self._over.wait(0.1):
            try:
                self.readiness.add(health(self._channel, ""))
            except grpc.RpcError:
                return  # it has gone

    def answered(self, late: bool) -> int:
        return sum(each == (late, "answered") for each in self.told)

    def close(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def check_stop_under_load(engine: list[str], image: str, models: Path, more: list[str]) -> None:
    """Stop it while readers draw: what was accepted is answered and right, what comes too late is told so."""
    flags = ["--drain-seconds", str(DRAIN_SECONDS), "--stop-seconds", str(STOP_SECONDS)]
    with (
        container(engine, image, models, more, flags) as (name, process, ready),
        grpc.insecure_channel(ready["grpc"]) as channel,
    ):
        readers = Readers(channel)
        try:
            while readers.answered(late=False) < 10 * READERS:
                if process.poll() is not None:
                    raise Wrong(f"the service ended under load (exit status {process.returncode})")
                time.sleep(0.05)
            readers.stopping.set()
            seconds = stop(engine, name, process)
        finally:
            readers.close()
    if lost := {how for late, how in readers.told if not late} - {"answered"}:
        raise Wrong(f"calls that began before SIGTERM ended as {', '.join(sorted(lost))}; wanted answers")
    if lost := {how for late, how in readers.told if late} - {"answered", "UNAVAILABLE"}:
        raise Wrong(f"calls that began after SIGTERM ended as {', '.join(sorted(lost))}; wanted answers or UNAVAILABLE")
    if NOT_SERVING not in readers.readiness:
        raise Wrong("readiness was never NOT_SERVING while it drained, so that no route would have been taken away")
    early, late = readers.answered(late=False), readers.answered(late=True)
    print(f"stopped {seconds:.1f} s after SIGTERM under load, {DRAIN_SECONDS} s of them to drain")
    print(f"{early} calls from before it and {late} from after it answered, none lost")


def training_job(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Arguments of the container of the chart's training job, and its volumes by where they are mounted."""
    values = {
        "models": {"source": "claim", "claim": "models"},
        "training": {"enabled": True, "arguments": arguments},
    }
    with helm.Chart.load(str(ROOT / "k8s/augmint")) as chart:
        texts = chart.render(values, name="release", namespace="lab")
    (text,) = [text for path, text in texts.items() if path.endswith("/training.yaml")]
    (trainer,) = yaml.safe_load(text)["spec"]["template"]["spec"]["containers"]
    return trainer["args"], {mount["mountPath"]: mount["name"] for mount in trainer["volumeMounts"]}


def check_training(engine: list[str], image: str, folder: Path, more: list[str]) -> None:
    """Do the chart's training job with a tiny budget, then serve from the checkout what it has published."""
    # --force: so few steps make nothing that the gate would let pass.
    arguments, volumes = training_job(["digits", "--preset", "cgan", "--steps", "60", "--force"])
    options = [*HARDENED, "--rm", "--network", "none", *more]
    folder.chmod(0o755)
    for place, name in volumes.items():
        if place == "/tmp":
            continue  # of HARDENED
        shared = folder / name
        shared.mkdir()
        shared.chmod(0o777)  # a volume of Kubernetes belongs to the group podSecurityContext.fsGroup
        options += ["--volume", f"{shared}:{place}"]
    began = time.perf_counter()
    said = subprocess.run([*engine, "run", *options, image, *arguments], capture_output=True, text=True, check=False)
    if said.returncode:
        raise Wrong(f"the training job ended with exit status {said.returncode}:\n{said.stdout}\n{said.stderr}")
    published = folder / "models/digits/1/model.onnx"
    if not published.is_file():
        raise Wrong(f"the training job published nothing:\n{said.stdout}")
    if (owner := published.stat().st_uid) != USER:
        raise Wrong(f"{published} belongs to user {owner}, wanted {USER}")
    size = published.stat().st_size
    print(f"trained and published in {time.perf_counter() - began:.0f} s: {size / 1e6:.1f} MB, by user {USER}")
    with serving(folder / "models", "--allow-withheld", "true") as target, augmint.Client(target) as client:
        samples = [client.generate(label, 16, seed=7) for label in client.describe("digits").labels]
        replay(folder / "models", samples[0])
    print(f"{len(samples)} classes drawn from what it published")


@contextmanager
def container(
    engine: list[str], image: str, models: Path, more: list[str], flags: Iterable[str] = ()
) -> Iterator[tuple[str, subprocess.Popen[str], dict[str, str]]]:
    """A running service: the container's name, its process, and the fields of its ready line."""
    name = f"augmint-check-{uuid.uuid4().hex[:8]}"
    options = [*HARDENED, "--rm", "--name", name, "--network", "host", "--env", "AUGMINT_HOST=127.0.0.1"]
    options += ["--volume", f"{models.resolve()}:/models:ro", *more]
    command = [*engine, "run", *options, image, "--port", "0", "--metrics-port", "0", "--log-level", "warning"]
    process = subprocess.Popen([*command, *flags], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        ready = dict(word.split("=", 1) for word in process.stdout.readline().split() if "=" in word)
        if "grpc" not in ready:
            raise Wrong(f"the service did not start (exit status {process.wait()})")
        yield name, process, ready
    finally:
        if process.poll() is None:
            subprocess.run([*engine, "rm", "--force", name], check=False, stdout=subprocess.DEVNULL)
            process.wait()
        process.stdout.close()


def resident(engine: list[str], name: str) -> float:
    """MiB of memory that process 1 of a container holds."""
    status = run([*engine, "exec", name, "cat", "/proc/1/status"])
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def small(folder: Path) -> Path:
    """A folder with one generator that took no training."""
    from tests.generators import publish

    folder.chmod(0o755)
    publish(folder / "models")
    return folder / "models"


def run(command: list[str]) -> str:
    """Standard output. Raises CalledProcessError; the command's own complaint has gone to stderr."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
