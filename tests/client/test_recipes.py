"""docs/recipes.md: every program runs, against a real service with a tiny generator."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import generators
from tests.client import recipes
from tests.client.test_against_service import Service

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    models, place = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("recipes")
    generators.publish(models, "digits")
    service = Service(models)
    try:
        command = [sys.executable, "-m", "tests.client.recipes", service.target]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "client")]),
            "HF_HOME": str(place),
        }
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=300)
    finally:
        service.kill()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("recipe", recipes.programs())
def test_recipe_runs(outcomes, recipe):
    if outcomes[recipe].startswith("skipped"):
        pytest.skip(f"{recipe}: {outcomes[recipe].removeprefix('skipped: ')}")
    assert outcomes[recipe] == "passed", outcomes[recipe]


def test_only_recipes_for_optional_frameworks_may_be_skipped(outcomes):
    skipped = {name for name, outcome in outcomes.items() if outcome.startswith("skipped")}
    assert skipped <= {"Lightning", "accelerate", "Ignite", "Hugging Face Trainer", "Keras", "JAX", "NVIDIA DALI"}
