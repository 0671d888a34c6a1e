"""docs/recipes.md: every program runs, against a real service with a tiny generator."""

import contextlib
import json

import numpy as np
import pytest

import augmint
from augmint.v1 import generator_pb2 as pb
from tests import generators
from tests.client import recipes, sounds, tables, texts, tunes
from tests.processes import Service

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

RECIPES = """
import os, sys
from tests.client import recipes
_, place, *asked = sys.argv
os.environ["HF_HOME"] = place
os.chdir(place)
recipes.main(asked)
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory, forked):
    models, place = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("recipes")
    generators.publish(models / "digits", "digits", transforms=True)
    tables.publish(models / "others", "adult", ADULT)
    sounds.publish(models / "others", "words")
    texts.publish(models / "others", "intents", INTENTS)
    tunes.publish(models / "others", "tunes")
    with contextlib.ExitStack() as stack:
        alone, others = (Service(models / name, start=forked) for name in ("digits", "others"))
        stack.callback(alone.kill)
        stack.callback(others.kill)
        write_real_data(place, others.target)
        targets = dict.fromkeys((OF_A_TABLE, OF_SOUNDS, OF_TEXTS, OF_MUSIC), others.target)
        asked = [f"{targets.get(heading, alone.target)}={heading}" for heading in recipes.programs()]
        process = forked(RECIPES, str(place), *asked)
        outcomes, complaints = process.communicate(timeout=300)
    assert process.returncode == 0, complaints
    return json.loads(outcomes)


def write_real_data(place, target):
    """What the recipes take for real: samples of the generators, with few of some classes."""
    with augmint.Client(target) as client:
        for seed, (name, counts) in enumerate({"train": (400, 40), "test": (200, 100)}.items()):
            rows = client.generate(classes=np.repeat([0, 1], counts), seed=seed, generator="adult").to_frame()
            rows.to_csv(place / f"{name}.csv", index=False)
        for seed, name in enumerate(("train", "test")):
            made = client.generate(classes=INTENTS * 10, seed=seed, generator="intents")
            rows = [{"text": text, "intent": label} for text, label in zip(made.to_text(), made.labels, strict=True)]
            (place / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize("recipe", recipes.programs())
def test_recipe_runs(outcomes, recipe):
    if outcomes[recipe].startswith("skipped"):
        pytest.skip(f"{recipe}: {outcomes[recipe].removeprefix('skipped: ')}")
    assert outcomes[recipe] == "passed", outcomes[recipe]


def test_only_recipes_for_optional_frameworks_may_be_skipped(outcomes):
    skipped = {name for name, outcome in outcomes.items() if outcome.startswith("skipped")}
    assert skipped <= {"Lightning", "accelerate", "Ignite", "Hugging Face Trainer", "Keras", "JAX", "NVIDIA DALI"}
