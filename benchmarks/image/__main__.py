"""Build the image and run it as a cluster would: not root, read-only, no capability, stopped by SIGTERM.

    python -m benchmarks.image [--engine podman] [--device cuda] [--base IMAGE] [--models DIR] [--sbom FILE]
    python -m benchmarks.image --target training

Needs docker or podman, on Linux (the image shares the network of the machine, to be reached on loopback alone). Checks
what is in the image, who it runs as and what it can write; asks its health and its metrics, draws every class and
compares the samples with those of the file alone; stops it, idle and in the middle of a load. The training image does
the chart's training job on digits, and what it publishes is served and drawn. Prints what it measured; ends with status
1 and the reason at the first thing that is not as it should be. Leaves the image and nothing else.

2 minutes and 300 MB of downloads; with --device cuda, which can only be run on a machine with a GPU, 5 minutes and
1.5 GB. The training image downloads 3 GB, or 500 MB with
--build-options '--build-arg PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu'.
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
from pathlib import Path
from typing import Any

import augmint
from benchmarks.image.checks import (
    HARDENED,
    ROOT,
    USER,
    Wrong,
    check,
    check_stop_under_load,
    check_training,
    run,
    small,
)

# Belong to training, tests or stubs; their presence means that an extra too many was installed.
TOOLS = {"grpcio-tools", "mypy", "pip", "pytest", "ruff"}
STRANGERS = {
    "service": TOOLS | {"torch", "onnx", "onnxscript", "scikit-learn", "lightning-fabric"},
    "training": TOOLS,
}

# Runs inside the image.
LOOK = """
import importlib.metadata, json, os, shutil
places = ("/", "/app", "/app/service", "/models", "/runs", "/opt/augmint/bin", "/tmp")
def writable(place):
    try:
        with open(os.path.join(place, "probe"), "x"):
            pass
    except OSError:
        return False
    return True
def size(distribution):
    return sum(file.locate().stat().st_size for file in distribution.files or () if file.locate().is_file())
print(json.dumps({
    "sizes": {each.name: size(each) for each in importlib.metadata.distributions()},
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


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.image",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--engine", help="command, with its options; default: docker or podman, whichever there is")
    parser.add_argument("--target", choices=("service", "training"), default="service")
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
            image = build(engine, options.target, options.device, options.base, shlex.split(options.build_options))
            found = inspect(engine, image, options.target)
            if options.sbom:
                options.sbom.parent.mkdir(parents=True, exist_ok=True)
                options.sbom.write_text(json.dumps(bill(image, found), indent=1) + "\n")
                print(f"{options.sbom}: {len(found['distributions'])} components")
            more = shlex.split(options.run_options)
            if options.target == "training":
                check_training(engine, image, Path(scratch), more)
            else:
                models = options.models or small(Path(scratch))
                check(engine, image, models, more)
                check_stop_under_load(engine, image, models, more)
    except (Wrong, augmint.AugmintError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"error: exit status {error.returncode} of: {shlex.join(error.cmd)}", file=sys.stderr)
        return 1
    return 0


def build(engine: list[str], target: str, device: str, base: str | None, more: list[str]) -> str:
    """Name of the image: augmint:VERSION, with -cuda behind it for GPUs or -training, as the chart expects it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    revision = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    suffix = "-training" if target == "training" else "-cuda" if device == "cuda" else ""
    image = f"augmint:{version}{suffix}"
    arguments = {"DEVICE": device, "VERSION": version, "REVISION": revision} | ({"BASE": base} if base else {})
    began = time.perf_counter()
    given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    command = [*engine, "build", "--target", target, *given, *more, "--tag", image, str(ROOT)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    size = int(run([*engine, "image", "inspect", "--format", "{{.Size}}", image]))
    print(f"{image}: built in {time.perf_counter() - began:.0f} s, {size / 1e6:,.0f} MB with its base")
    return image


def inspect(engine: list[str], image: str, target: str) -> dict[str, Any]:
    """What is in it, who it is, what it can write; returns what LOOK found."""
    options = [*HARDENED, "--rm", "--network", "none", "--entrypoint", "python"]
    found = json.loads(run([*engine, "run", *options, image, "-c", LOOK]))
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    pins = {plain(name): version for name, version in pins.items()}
    ours = {"augmint", "augmint-platform"}
    installed = {plain(name): version for name, version in found["distributions"].items() if plain(name) not in ours}
    # A version may say by what it was built for: 2.13.0+cpu is 2.13.0.
    if loose := {name: version for name, version in installed.items() if pins.get(name) != version.partition("+")[0]}:
        raise Wrong(f"installed, but not as constraints.txt pins it: {loose}")
    if strangers := STRANGERS[target] & set(installed):
        raise Wrong(f"{target} does not need {', '.join(sorted(strangers))}")
    if found["compilers"]:
        raise Wrong(f"a compiler is in the image: {found['compilers']}")
    if found["user"] != USER:
        raise Wrong(f"runs as user {found['user']}, wanted {USER}")
    if found["writable"] != ["/tmp"]:
        raise Wrong(f"can write to {found['writable']}, wanted nothing but /tmp")
    print(f"{len(installed)} libraries, all as pinned; no compiler; user {USER}; can write to /tmp only")
    largest = sorted(found["sizes"].items(), key=lambda item: -item[1])[:5]
    print("largest: " + ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in largest))
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


def plain(name: str) -> str:
    """A distribution's name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
