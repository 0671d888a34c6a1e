"""The recipes for these trainers run, against a real service with a tiny generator."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import generators
from tests.processes import Service

ROOT = Path(__file__).parents[2]
RECIPES = ("Lightning", "accelerate", "Ignite", "Hugging Face Trainer")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    models, place = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("recipes")
    generators.publish(models, "digits")
    service = Service(models)
    try:
        command = [sys.executable, "-m", "tests.client.recipes", *(f"{service.target}={name}" for name in RECIPES)]
        paths = os.pathsep.join([str(ROOT), str(ROOT / "client")])
        environment = {**os.environ, "PYTHONPATH": paths, "HF_HOME": str(place)}
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=300)
    finally:
        service.kill()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_recipe_runs(outcomes, recipe):
    assert outcomes[recipe] == "passed", outcomes[recipe]
