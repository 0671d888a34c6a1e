"""What `auto` chooses for which data, and that it says why."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.training import mixed
from training.config.auto import FEW_PER_CLASS, Facts, candidates, choose, decided
from training.config.config import Config
from training.config.presets import AUTO, PresetError, resolve
from training.data.splits import split
from training.fit import _chosen
from training.kinds import load
from training.kinds.audio import Audio
from training.kinds.image import Image
from training.run.folder import Order, Run
from training.run.processes import Processes
from training.run.progress import bar


def facts(counts: list[int], *, has_gpu: bool = False) -> Facts:
    return Facts(np.array(counts), Image(28, 28, 1), has_gpu)


def test_plentiful_even_data_gets_the_default_as_it_is() -> None:
    choice = choose(facts([5400] * 10))
    assert choice.config({}) == Config()
    assert len(choice.reasons) == 1
    assert choice.reasons[0].startswith("rpgan: 54,000 training samples in 10 classes of 28 x 28, gray")


def test_one_class_is_not_told_to_the_discriminator() -> None:
    choice = choose(facts([500]))
    assert choice.config({}).discriminator_conditioning == "none"
    assert choice.reasons[0].startswith("rpgan: 500 training samples in one class of 28 x 28, gray")
    assert choose(facts([10])).preset == "vae"


def test_few_samples_in_every_class_get_the_autoencoder() -> None:
    assert choose(facts([FEW_PER_CLASS - 1] * 5)).preset == "vae"
    assert choose(facts([FEW_PER_CLASS, 5])).preset == "rpgan"  # one class is large enough to learn from


def test_scarce_data_is_told_of_augmentation_and_penalty() -> None:
    reasons = " ".join(choose(facts([100] * 10)).reasons)
    assert "augmentation up to 0.6" in reasons
    assert "gamma times 3" in reasons


def test_imbalance_is_told_with_its_shares() -> None:
    reasons = choose(facts([2369, 212, 209])).reasons
    assert any("2,369 to 209" in reason and "instead of 7.5%" in reason for reason in reasons)


def test_large_samples_get_small_networks_on_a_cpu() -> None:
    kind = Audio(8000, 6144)
    choice = choose(Facts(np.array([270] * 10), kind, False))
    assert (choice.config({}).width, choice.config({}).batch_size) == (8, 32)
    assert any("samples of 6,144 values" in reason for reason in choice.reasons)
    assert choose(Facts(np.array([270] * 10), kind, True)).config({}).width == 64
    assert choose(Facts(np.array([270] * 10), Image(64, 64, 3), False)).config({}).width == Config().width


def test_a_gpu_gets_wider_networks_and_larger_batches() -> None:
    config = choose(facts([5400] * 10, has_gpu=True)).config({})
    assert (config.width, config.batch_size, config.objective) == (64, 256, "relativistic")


def test_what_a_person_sets_is_stronger() -> None:
    assert choose(facts([5400] * 10, has_gpu=True)).config({"width": "32"}).width == 32
    with pytest.raises(PresetError, match="preset vae"):
        choose(facts([10] * 3)).config({"gamma": 1.0})


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30), st.booleans())
def test_any_data_gets_a_configuration_that_works(counts: list[int], has_gpu: bool) -> None:
    choice = choose(facts(counts, has_gpu=has_gpu))
    assert isinstance(choice.config({}), Config)
    assert all(reason.endswith(".") and "\n" not in reason for reason in choice.reasons)


def test_order_is_decided_once_and_kept(tmp_path: Path) -> None:
    """A resumed run reads what was decided, and does not decide again."""
    order = Order(
        data="digits",
        size=None,
        preset=AUTO,
        config=resolve(AUTO, {"width": "8"}),
        settings={"width": "8"},
        seed=2**63 - 1,
        budget_seconds=None,
        steps=1,
        out=str(tmp_path),
        name="digits",
    )
    run = Run.start(tmp_path, order)
    dataset = load("digits")
    with bar(Console(file=io.StringIO())) as progress:
        run.decide(_chosen(run, dataset, split(dataset), Processes(), progress))
    text = (run.folder / "order.json").read_text()
    read = Run(run.folder, Order.model_validate_json(text)).order
    assert read == run.order
    digits = str(2**63 - 1)  # a number would be rounded by most readers of JSON
    assert json.loads(text)["seed"] == digits
    assert Order.model_validate_json(text.replace(f'"{digits}"', digits)) == run.order  # of an older release
    assert (read.preset, read.config.width) == ("rpgan", 8)
    assert read.reasons[0].startswith("rpgan: 1,259 training samples")


@pytest.fixture(scope="module")
def tried_kind() -> mixed.Mixed:
    return mixed.Mixed(mixed.samples()[0])


def test_a_kind_that_asks_for_trials_has_its_recommendations_tried(tried_kind: mixed.Mixed) -> None:
    found, left_out = candidates(Facts(np.array([200, 200]), tried_kind, False), {"kl_weight": 0.3})
    assert [(each.preset, each.config.kl_weight) for each in found] == [("tabgan", 0.3), ("tvae", 0.3)]
    assert left_out == []


def test_what_goes_with_some_of_them_only_is_said(tried_kind: mixed.Mixed) -> None:
    facts = Facts(np.array([200, 200]), tried_kind, False)
    found, left_out = candidates(facts, {"gamma": 0.1})
    assert [each.preset for each in found] == ["tabgan"]
    assert left_out[0].startswith("tvae was not tried: preset tvae: objective 'evidence' has no discriminator")
    found, left_out = candidates(facts, {"architecture": "mlp", "shown": "none", "warmup": 0})
    assert [each.preset for each in found] == ["tabgan", "tvae"]
    with pytest.raises(PresetError, match="is for samples whose elements have neighbours"):
        candidates(facts, {"architecture": "conv", "shown": "none", "warmup": 0})


def test_the_best_of_the_trials_is_chosen_with_its_numbers() -> None:
    choice = decided([("tabgan", 0.71), ("tvae", 0.75), ("ctgan", -1.0)], "5 steps", ["x was not tried."])
    assert choice.preset == "tvae"
    assert "F1 of 0.750 on the validation split after a trial of 5 steps" in choice.reasons[0]
    assert "the others: tabgan 0.710, ctgan diverged." in choice.reasons[0]
    assert choice.reasons[1] == "x was not tried."
    assert decided([("tabgan", 0.7), ("tvae", 0.7)], "5 steps", []).preset == "tabgan"
    assert decided([("ctgan", -1.0), ("tvae", 0.01)], "5 steps", []).preset == "tvae"
    with pytest.raises(PresetError, match="all diverged"):
        decided([("tabgan", -1.0)], "5 steps", [])


def test_a_lead_that_a_short_trial_cannot_tell_leaves_the_order_of_recommendation() -> None:
    choice = decided([("argn", 0.784), ("tabgan", 0.799), ("tvae", 0.77)], "15 s", [])
    assert choice.preset == "argn"
    assert "the others: tabgan 0.799, tvae 0.770." in choice.reasons[0]
    assert choice.reasons[1].startswith("argn is recommended before what leads it by less than 0.03")
    assert decided([("argn", 0.76), ("tabgan", 0.799)], "15 s", []).preset == "tabgan"


def test_one_class_leaves_nothing_to_compare_by(tried_kind: mixed.Mixed) -> None:
    choice = choose(Facts(np.array([200]), tried_kind, False))
    assert choice.preset == "tabgan"
    assert choice.config({}).discriminator_conditioning == "none"
    assert "one class" in choice.reasons[0]
