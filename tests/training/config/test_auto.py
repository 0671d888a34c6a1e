"""What `auto` chooses for which data, and that it says why."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.config.auto import FEW_PER_CLASS, Facts, choose
from training.config.config import Config
from training.config.presets import AUTO, PresetError, resolve
from training.data.splits import split
from training.fit import _chosen
from training.kinds import load
from training.kinds.audio import Audio
from training.kinds.image import Image
from training.run.folder import Order, Run


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
    run.decide(_chosen(order, dataset, split(dataset)))
    text = (run.folder / "order.json").read_text()
    read = Run(run.folder, Order.model_validate_json(text)).order
    assert read == run.order
    digits = str(2**63 - 1)  # a number would be rounded by most readers of JSON
    assert json.loads(text)["seed"] == digits
    assert Order.model_validate_json(text.replace(f'"{digits}"', digits)) == run.order  # of an older release
    assert (read.preset, read.config.width) == ("rpgan", 8)
    assert read.reasons[0].startswith("rpgan: 1,259 training samples")
