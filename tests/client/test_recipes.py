"""docs/recipes.md: every program runs, against a real service with a tiny generator."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import augmint
from augmint.v1 import generator_pb2 as pb
from tests import generators
from tests.client import recipes, sounds, tables, texts, tunes
from tests.client.test_against_service import Service

ROOT = Path(__file__).parents[2]
OF_A_TABLE = "My table is imbalanced"
OF_SOUNDS = "Keyword spotting with 20 recordings of each word"
OF_TEXTS = "Intents with ten examples each"
OF_MUSIC = "A tune of each kind"
INTENTS = ("lights", "music", "weather")
ADULT = pb.TableSpec(
    columns=[
        pb.ColumnSpec(name="age", integer=True, minimum=17, maximum=90),
        pb.ColumnSpec(name="workclass", categories=["Private", "State-gov", "Never-worked"], missing=True),
        pb.ColumnSpec(name="education-num", integer=True, minimum=1, maximum=16),
        pb.ColumnSpec(name="sex", categories=["Female", "Male"]),
    ],
    label="income",
)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    models, place = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("recipes")
    generators.publish(models / "digits", "digits")
    tables.publish(models / "tables", "adult", ADULT)
    sounds.publish(models / "sounds", "words")
    texts.publish(models / "texts", "intents", INTENTS)
    tunes.publish(models / "music", "tunes")
    kinds = (OF_A_TABLE, OF_SOUNDS, OF_TEXTS, OF_MUSIC)
    others = [name for name in recipes.programs() if name not in kinds]
    found = run(models / "digits", place, others) | run(models / "tables", place, [OF_A_TABLE])
    found |= run(models / "sounds", place, [OF_SOUNDS]) | run(models / "texts", place, [OF_TEXTS])
    return found | run(models / "music", place, [OF_MUSIC])


def run(models, place, headings):
    """Outcomes of some recipes, by a service of these generators."""
    service = Service(models)
    try:
        if OF_A_TABLE in headings:
            with augmint.Client(service.target) as client:
                for seed, (name, counts) in enumerate({"train": (400, 40), "test": (200, 100)}.items()):
                    rows = client.generate(classes=np.repeat([0, 1], counts), seed=seed).to_frame()
                    rows.to_csv(place / f"{name}.csv", index=False)
        if OF_TEXTS in headings:
            with augmint.Client(service.target) as client:
                for seed, name in enumerate(("train", "test")):
                    made = client.generate(classes=INTENTS * 10, seed=seed)
                    rows = [
                        {"text": text, "intent": label} for text, label in zip(made.to_text(), made.labels, strict=True)
                    ]
                    (place / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = [sys.executable, "-m", "tests.client.recipes", service.target, *headings]
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
