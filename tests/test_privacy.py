"""What docs/privacy.md says: nobody is called, and nothing is written but where one said."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import alone, generators

ROOT = Path(__file__).parents[1]
VARIABLE = "ORT_DISABLE_TELEMETRY"

# Draws from the service, as a library and by the command, into FOLDER/out; FOLDER/home.json is what then is at home.
# Then the data set of Hugging Face's library that is kept on disk, where that is installed.
SERVED = """
import importlib.util, json, subprocess, sys
from pathlib import Path
import augmint
from tests.processes import Service
models, folder = map(Path, sys.argv[1:])
with Service(models) as service:
    with augmint.Client(service.target) as client:
        assert len(client.generate("3", 5, seed=1)) == 5
    for arguments in (["list"], ["export", "--n", "20", "--seed", "1", "--out", str(folder / "out")]):
        subprocess.run([sys.executable, "-m", "augmint", *arguments, "--target", service.target], check=True)
    (folder / "home.json").write_text(json.dumps([str(path) for path in Path.home().rglob("*")]))
    if importlib.util.find_spec("datasets"):
        from augmint import huggingface
        assert len(huggingface.dataset(service.target, length=20, seed=3)) == 20
"""
# The judge of its samples learns for a moment only: no number of this run is looked at.
TRAINED = """
import sys
from training.judge import fitting
fitting.default_steps = lambda samples: 10
from training.__main__ import app
app(sys.argv[1:])
"""


OURS = ("AUGMINT_", "XDG_", "ORT_", "HF_")


def variables(folder):
    """Of a user who has set none of ours, and has empty folders of his own, `home` and `tmp` in this one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**kept, "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONPATH": paths}


@pytest.fixture
def environment(tmp_path):
    return variables(tmp_path)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder, after what is served was read; and how often that tried to reach somebody."""
    folder = tmp_path_factory.mktemp("served")
    generators.publish(folder / "models")
    program = [sys.executable, "-c", SERVED, str(folder / "models"), str(folder)]
    return folder, alone.attempts(program, variables(folder))


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_this_looks_for_would_be_seen(tmp_path, environment):
    """ONNX Runtime, allowed to tell."""
    program = [sys.executable, "-c", "import service, onnxruntime"]
    alone.attempts(program, {**environment, VARIABLE: "0"})
    if not files(tmp_path / "home"):
        pytest.skip("this build of ONNX Runtime keeps nothing to tell")
    assert any("onnxruntime" in path for path in files(tmp_path / "home"))
    told = sorted((tmp_path / "home").rglob("*"))
    alone.attempts(program, environment)
    assert sorted((tmp_path / "home").rglob("*")) == told


def test_a_service_and_its_client_write_nothing_unasked_and_call_nobody(served):
    folder, attempts = served
    assert attempts == 0
    assert json.loads((folder / "home.json").read_text()) == files(folder / "tmp") == []
    assert files(folder / "models") == ["tiny/1/model.onnx"]
    assert "manifest.json" in files(folder / "out")


def test_a_data_set_of_hugging_face_is_kept_in_its_cache_and_told_to_nobody(served):
    if importlib.util.find_spec("datasets") is None:  # importing it takes a second
        pytest.skip("datasets is not installed")
    folder, attempts = served
    assert attempts == 0
    assert files(folder / "tmp") == []
    assert {path.split("/datasets/")[0] for path in files(folder / "home")} == {".cache/huggingface"}


def test_a_training_run_writes_where_it_was_told_to_and_calls_nobody(tmp_path, environment):
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (60, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "noise.npz", images=images, labels=np.arange(60) % 2)
    arguments = ["fit", str(tmp_path / "noise.npz"), "--name", "noise", "--preset", "rpgan", "--steps", "2", "--force"]
    arguments += ["--set", "width=8", "--set", "latent_size=16", "--set", "batch_size=16"]
    arguments += ["--out", str(tmp_path / "models"), "--runs", str(tmp_path / "runs")]
    assert alone.attempts([sys.executable, "-c", TRAINED, *arguments], environment) == 0
    assert files(tmp_path / "home") == files(tmp_path / "tmp") == []
    assert "noise/1/model.onnx" in files(tmp_path / "models")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(None, "1"), ("", "1"), ("1", "1"), ("yes", "1"), ("TRUE", "1"), ("0", "0"), ("False", "False")],
)
@pytest.mark.parametrize("package", ["service", "training", "benchmarks"])
def test_telemetry_is_off_before_anything_is_imported_unless_one_asked_for_it(environment, package, given, wanted):
    told = environment if given is None else {**environment, VARIABLE: given}
    program = f"import {package}, os, sys; assert 'onnxruntime' not in sys.modules; print(os.environ['{VARIABLE}'])"
    done = subprocess.run([sys.executable, "-c", program], env=told, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == wanted


def test_nothing_but_the_package_that_switches_it_off_imports_the_runtime():
    """But for a program that runs where there is no such package, and starts from one that has switched it off."""
    found = {
        str(path.relative_to(ROOT))
        for folder in ("service", "training", "benchmarks", "client/augmint")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"^\s*(import|from) onnxruntime\b", path.read_text(), re.MULTILINE)
    }
    assert {path for path in found if not path.startswith("service/")} == {"benchmarks/peers/model.py"}
