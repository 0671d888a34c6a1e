"""Build the image and run it as a cluster would: not root, read-only, no capability, stopped by SIGTERM.

    python -m benchmarks.image [--engine podman] [--device cuda] [--base IMAGE] [--models DIR] [--sbom FILE]

Needs docker or podman, on Linux (the image shares the network of the machine, to be reached on loopback alone). Checks
what is in the image, who it runs as and what it can write; asks its health and its metrics, draws every class and
compares the samples with those of the file alone; stops it. Prints what it measured; ends with status 1 and the reason
at the first thing that is not as it should be. Leaves the image and nothing else. 2 minutes and 300 MB of downloads;
with --device cuda, which can only be run on a machine with a GPU, 5 minutes and 1.5 GB.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

import augmint
from benchmarks.demo import replay
from service.server import LIVENESS

ROOT = Path(__file__).parents[1]
USER = 10001
STOP_SECONDS = 60

# Belong to training, tests or stubs; their presence means that an extra too many was installed.
STRANGERS = {"torch", "onnx", "onnxscript", "scikit-learn", "lightning-fabric", "grpcio-tools", "pytest", "pip"}

# Runs inside the image.
LOOK = """
import importlib.metadata, json, os, shutil
places = ("/", "/app", "/app/service", "/models", "/opt/augmint/bin", "/tmp")
def writable(place):
    try:
        with open(os.path.join(place, "probe"), "x"):
            pass
    except OSError:
        return False
    return True
print(json.dumps({
    "distributions": {each.name: each.version for each in importlib.metadata.distributions()},
    "licenses": {
        each.name: each.metadata.get("License-Expression") or (each.metadata.get("License") or "").partition("\\n")[0]
        for each in importlib.metadata.distributions()
    },
    "compilers": [name for name in ("cc", "gcc", "c++", "clang", "nvcc") if shutil.which(name)],
    "user": os.getuid(),
    "writable": [place for place in places if writable(place)],
}))
"""


class Wrong(Exception):
    """The image is not as it should be; the message says what was found and what was wanted."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.image", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", help="command, with its options; default: docker or podman, whichever there is")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--base", help="base image; default: the Dockerfile's")
    parser.add_argument(
        "--models", type=Path, help="folder of generators, readable for all; default: makes a small one"
    )
    parser.add_argument("--sbom", type=Path, help="write what is in the image there, as CycloneDX 1.6")
    parser.add_argument("--build-options", default="", help="more options of `build`, in one word")
    parser.add_argument("--run-options", default="", help="more options of `run`, in one word, e.g. '--gpus all'")
    options = parser.parse_args()
    engine = shlex.split(options.engine or shutil.which("docker") or shutil.which("podman") or "")
    if not engine:
        print("error: neither docker nor podman is here; name another with --engine", file=sys.stderr)
        return 1
    try:
        with tempfile.TemporaryDirectory() as scratch:
            image = build(engine, options.device, options.base, shlex.split(options.build_options))
            found = inspect(engine, image)
            if options.sbom:
                options.sbom.parent.mkdir(parents=True, exist_ok=True)
                options.sbom.write_text(json.dumps(bill(image, found), indent=1) + "\n")
                print(f"{options.sbom}: {len(found['distributions'])} components")
            check(engine, image, options.models or small(Path(scratch)), shlex.split(options.run_options))
    except (Wrong, augmint.AugmintError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"error: exit status {error.returncode} of: {shlex.join(error.cmd)}", file=sys.stderr)
        return 1
    return 0


def build(engine: list[str], device: str, base: str | None, more: list[str]) -> str:
    """Name of the image: augmint:VERSION, with -cuda behind it for GPUs, as the chart expects it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    revision = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    image = f"augmint:{version}{'-cuda' if device == 'cuda' else ''}"
    arguments = {"DEVICE": device, "VERSION": version, "REVISION": revision} | ({"BASE": base} if base else {})
    began = time.perf_counter()
    given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    subprocess.run([*engine, "build", *given, *more, "--tag", image, str(ROOT)], check=True, stdout=sys.stderr)
    size = int(run([*engine, "image", "inspect", "--format", "{{.Size}}", image]))
    print(f"{image}: built in {time.perf_counter() - began:.0f} s, {size / 1e6:,.0f} MB with its base")
    return image


def inspect(engine: list[str], image: str) -> dict[str, Any]:
    """What is in it, who it is, what it can write; returns what LOOK found."""
    options = [*HARDENED, "--rm", "--network", "none", "--entrypoint", "python"]
    found = json.loads(run([*engine, "run", *options, image, "-c", LOOK]))
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    pins = {plain(name): version for name, version in pins.items()}
    ours = {"augmint", "augmint-platform"}
    installed = {plain(name): version for name, version in found["distributions"].items() if plain(name) not in ours}
    if loose := {name: version for name, version in installed.items() if pins.get(name) != version}:
        raise Wrong(f"installed, but not as constraints.txt pins it: {loose}")
    if strangers := STRANGERS & set(installed):
        raise Wrong(f"the service does not need {', '.join(sorted(strangers))}")
    if found["compilers"]:
        raise Wrong(f"a compiler is in the image: {found['compilers']}")
    if found["user"] != USER:
        raise Wrong(f"runs as user {found['user']}, wanted {USER}")
    if found["writable"] != ["/tmp"]:
        raise Wrong(f"can write to {found['writable']}, wanted nothing but /tmp")
    print(f"{len(installed)} libraries, all as pinned; no compiler; user {USER}; can write to /tmp only")
    return found


def bill(image: str, found: dict[str, Any]) -> dict[str, Any]:
    """A bill of materials of the Python part of an image, as CycloneDX 1.6.

    image: its name and tag; found: what LOOK printed. The base image has a bill of its own.
    """
    name, _, version = image.rpartition(":")
    components = []
    for library, number in sorted(found["distributions"].items(), key=lambda item: plain(item[0])):
        component = {"type": "library", "name": library, "version": number}
        component |= {"bom-ref": f"pkg:pypi/{plain(library)}@{number}", "purl": f"pkg:pypi/{plain(library)}@{number}"}
        if license := found["licenses"].get(library):
            component["licenses"] = [{"license": {"name": license}}]
        components.append(component)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": name, "version": version, "bom-ref": image}},
        "components": components,
    }


def check(engine: list[str], image: str, models: Path, more: list[str]) -> None:
    """Serve, answer, stop."""
    began = time.perf_counter()
    with container(engine, image, models, more) as (name, process, ready):
        print(
            f"ready in {time.perf_counter() - began:.1f} s, resident {resident(engine, name):.0f} MiB: {ready['grpc']}"
        )
        with grpc.insecure_channel(ready["grpc"]) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            for service in ("", LIVENESS):
                status = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status
                if status != health_pb2.HealthCheckResponse.SERVING:
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

        began = time.perf_counter()
        run([*engine, "stop", "-t", str(STOP_SECONDS), name])
        status = process.wait(STOP_SECONDS)
        if status:
            raise Wrong(f"exit status {status} after SIGTERM, wanted 0")
        print(f"stopped {time.perf_counter() - began:.1f} s after SIGTERM, exit status 0")


# As the chart's securityContext and its volume for /tmp.
HARDENED = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]


@contextmanager
def container(
    engine: list[str], image: str, models: Path, more: list[str]
) -> Iterator[tuple[str, subprocess.Popen[str], dict[str, str]]]:
    """A running service: the container's name, its process, and the fields of its ready line."""
    name = f"augmint-check-{uuid.uuid4().hex[:8]}"
    options = [*HARDENED, "--rm", "--name", name, "--network", "host", "--env", "AUGMINT_HOST=127.0.0.1"]
    options += ["--volume", f"{models.resolve()}:/models:ro", *more]
    command = [*engine, "run", *options, image, "--port", "0", "--metrics-port", "0", "--log-level", "warning"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
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


def plain(name: str) -> str:
    """A distribution's name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
