"""What the Dockerfile claims, read from the Dockerfile. `make image` builds it and looks at the result."""

import fnmatch
import importlib.metadata
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from service import settings as service_settings
from tests.k8s.tools import tool

ROOT = Path(__file__).parents[1]


def stages() -> list[list[tuple[str, str]]]:
    """(instruction, rest) pairs of each stage; what comes before the first FROM is left out."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found: list[list[tuple[str, str]]] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if not line.strip():
            continue
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            found.append([])
        if found:
            found[-1].append((instruction, re.sub(r"\s+", " ", rest).strip()))
    return found


def final(instruction: str) -> list[str]:
    return [rest for name, rest in stages()[-1] if name == instruction]


def environment(device: str) -> dict[str, str]:
    (text,) = final("ENV")
    return dict(word.replace("${DEVICE}", device).split("=", 1) for word in text.split())


def pins() -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def needed(distribution: str, extra: str) -> set[str]:
    """Names of everything that pip installs for `distribution[extra]` here; what is not installed is a leaf."""
    names: set[str] = set()
    waiting = [Requirement(f"{distribution}[{extra}]")]
    seen = set()
    while waiting:
        requirement = waiting.pop()
        extras = frozenset(requirement.extras)
        if (requirement.name, extras) in seen:
            continue
        seen.add((requirement.name, extras))
        names.add(canonicalize_name(requirement.name))
        try:
            described = importlib.metadata.requires(requirement.name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for text in described:
            part = Requirement(text)
            if part.marker is None or any(part.marker.evaluate({"extra": each}) for each in {"", *extras}):
                waiting.append(part)
    return names - {"augmint", "augmint-platform"}


def stage(name: str) -> list[tuple[str, str]]:
    (found,) = [each for each in stages() if each[0][1].endswith(f" AS {name}")]
    return found


def test_what_runs_comes_from_the_base_that_is_given_and_the_service_is_the_default():
    assert [each[0][1] for each in stages()] == [
        *("${BASE} AS build", "build AS build-training", "${BASE} AS training", "${BASE} AS service"),
    ]
    (default,) = re.findall(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    name, _, tag = default.rpartition(":")
    assert name.endswith("/python")
    assert tag.endswith("-slim")


def test_the_last_user_is_the_charts_and_not_root():
    values = yaml.safe_load((ROOT / "k8s/augmint/values.yaml").read_text())
    user = values["podSecurityContext"]["runAsUser"]
    assert final("USER") == [f"{user}:{values['podSecurityContext']['runAsGroup']}"]
    assert user > 0


def test_the_service_is_process_one():
    (entrypoint,) = final("ENTRYPOINT")
    assert json.loads(entrypoint) == ["python", "-m", "service"]
    assert not final("CMD")


def test_nothing_is_installed_in_the_image_itself():
    assert not final("RUN")
    assert not [rest for name, rest in stage("training") if name == "RUN"]
    assert not [rest for stage in stages() for name, rest in stage if name in {"ADD", "VOLUME", "HEALTHCHECK"}]


def test_libraries_are_wheels_of_pinned_versions():
    installs = [rest for each in stages() for name, rest in each if name == "RUN" and "install" in rest]
    assert len(installs) == 2
    for command in installs:
        assert "--only-binary=:all:" in command
        assert "-c constraints.txt" in command


@pytest.mark.parametrize("extra", ["service", "otel", "cuda", "training"])
def test_everything_the_image_installs_is_pinned(extra):
    names = needed("augmint-platform", extra)
    assert ("opentelemetry-sdk" if extra == "otel" else "onnxruntime-gpu") in names
    assert names - set(pins()) == set()


def test_training_is_another_image_for_the_same_user():
    training = dict(stage("training"))
    assert json.loads(training["ENTRYPOINT"]) == ["python", "-m", "training"]
    assert [training["USER"]] == final("USER")
    # The chart's job works in the volume that is mounted there, and writes nowhere else but to the models.
    assert training["WORKDIR"] == "/runs"


@pytest.mark.parametrize("name", ["training", "service"])
def test_the_runtimes_telemetry_is_off(name):
    (text,) = [rest for kind, rest in stage(name) if kind == "ENV"]
    assert "ORT_DISABLE_TELEMETRY=1" in text.split()


def test_training_for_cpus_alone_may_take_its_torch_from_elsewhere():
    (name,) = [rest for kind, rest in stage("build-training") if kind == "ARG"]
    assert name == "PIP_EXTRA_INDEX_URL="  # empty: PyPI alone
    order = [kind for kind, _ in stage("build-training")]
    assert order.index("ARG") < order.index("RUN")


def test_hadolint_finds_no_fault():
    done = subprocess.run([tool("hadolint"), str(ROOT / "Dockerfile")], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_has_no_part_of_training():
    assert (
        needed("augmint-platform", "service") & {"torch", "onnx", "scikit-learn", "lightning-fabric", "pillow"} == set()
    )
    assert "torch" in needed("augmint-platform", "training")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_service_accepts_the_images_environment(device):
    variables = {name: value for name, value in environment(device).items() if name.startswith("AUGMINT_")}
    chosen = service_settings.load([], variables)
    assert chosen.device == device
    assert chosen.host == "0.0.0.0"
    assert str(chosen.models) == "/models"
    assert "/models" in final("WORKDIR")


def test_the_ports_are_those_of_the_service():
    fields = service_settings.Settings.model_fields
    assert final("EXPOSE") == [f"{fields['port'].default} {fields['metrics_port'].default}"]


def test_what_is_copied_exists_and_is_let_through():
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignored[0] == "*"
    copied = [rest for each in stages() for name, rest in each if name == "COPY" and not rest.startswith("--from")]
    sources = {source for rest in copied for source in rest.split()[:-1]}
    for source in sources:
        assert (ROOT / source).exists()
    assert {line[1:] for line in ignored if line[0] == "!"} == sources
    # Later lines win: what is taken out of the folders again is only what tools leave there.
    left = [line for line in ignored[1:] if line[0] != "!"]
    assert not [
        path for path in ("service/server.py", "client/augmint/v1") if any(fnmatch.fnmatch(path, p) for p in left)
    ]
