"""Every rule against one configuration that breaks it and nothing else, and the presets against all."""

from __future__ import annotations

import pytest

from tests.training import mixed
from training.config import rules
from training.config.presets import PRESETS, PresetError, prove, resolve
from training.config.rules import RULES, faults, unfit
from training.kinds.image import Image

# Preset, what is set on top, and words of the reason; in the order of the table.
BROKEN = [
    ("rpgan", {"output": "sigmoid"}, "half is out of reach"),
    ("rpgan", {"discriminator_norm": "batch"}, "couples the samples"),
    ("rpgan", {"unit_slope": 10}, "to 0, the other to 1"),
    ("rpgan", {"weight_clip": 0.01}, "cannot follow the penalty"),
    ("sngan", {"weight_clip": 0.01}, "scales clipped weights back up"),
    ("wgan", {"weight_clip": 0}, "no lower end"),
    ("lsgan", {"label_smoothing": 0.1}, "no probability to smooth"),
    ("progan", {"generator_norm": "conditional-batch"}, "is for the architectures 'conv'"),
    ("cgan", {"minibatch_deviation": True}, "'mlp' has not"),
    ("ctgan", {"minibatch_deviation": True}, "'blocks' has not"),
    ("cgan", {"pack": 4}, "are for architecture 'blocks'"),
    ("ctgan", {"warmup": 0.5}, "nothing that the generator could learn"),
    ("tabgan", {"pack": 10}, "one class at a time"),
    ("ctgan", {"pack": 8}, "no multiple of pack"),
    ("wgan", {"weight_decay": 0.1}, "decoupled from"),
    ("progan", {"compile": True}, "would be compiled at each"),
    ("sngan", {"equalised_rate": True}, "takes out any scale"),
    ("progan", {"weight_deviation": 0.02}, "stores all weights"),
    ("vae", {"architecture": "progressive"}, "no encoder that grows"),
    ("tvae", {"architecture": "blocks"}, "no encoder of it"),
    ("vae", {"output": "linear"}, "only 'tanh' keeps"),
    ("vae", {"discriminator_conditioning": "projection"}, "by discriminator_conditioning 'concatenation'"),
    ("vae", {"critic_steps": 5}, "has no discriminator"),
    ("wavegan", {"minibatch_deviation": True}, "'wave' has not"),
    ("vae", {"architecture": "segments"}, "no encoder of segments"),
    ("wgan-gp", {"phase_shuffle": 2}, "nothing is a phase"),
    ("vae", {"architecture": "wave"}, "no encoder of waves"),
    ("vanilla", {"architecture": "autoregressive"}, "go together"),
    ("argn", {"latent_size": 8}, "drawn choice by choice"),
    ("argn", {"gamma": 0.3}, "has no discriminator"),
    ("argn", {"spectral_norm": "both"}, "has layers of its own"),
]


@pytest.mark.parametrize("number", range(len(RULES)))
def test_combination_that_cannot_work_is_refused_with_its_reason(number: int) -> None:
    preset, settings, words = BROKEN[number]
    config = PRESETS[preset].config.model_copy(update=settings)
    assert faults(config) == [RULES[number].fault]
    with pytest.raises(PresetError, match=words):
        resolve(preset, settings)


def test_every_rule_is_tested() -> None:
    assert len(BROKEN) == len(RULES)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_break_no_rule(preset: str) -> None:
    assert faults(PRESETS[preset].config) == []


@pytest.mark.parametrize(
    ("preset", "settings"),
    [
        ("vanilla", {"objective": "minimax", "optimizer": "sgd", "label_smoothing": 0.1}),
        ("wgan-gp", {"discriminator_conditioning": "projection", "critic_steps": 1, "generator_norm": "layer"}),
        ("sngan", {"objective": "wasserstein"}),
        ("dcgan", {"weight_deviation": 0.02, "discriminator_learning_rate": 4e-4}),
        ("progan", {"objective": "relativistic", "gamma": 0.3, "unit_slope": 0, "generator_norm": "batch"}),
    ],
)
def test_combinations_that_work_are_free(preset: str, settings: dict[str, object]) -> None:
    config = resolve(preset, settings)
    assert all(getattr(config, name) == value for name, value in settings.items())


def test_what_does_not_fit_the_kind_is_refused_with_what_does() -> None:
    pictures, choices = Image(8, 8, 1), mixed.Mixed(mixed.samples()[0])
    for preset in PRESETS:
        config = resolve(preset)
        if config.objective == "likelihood":
            assert "are not made of any" in " ".join(unfit(config, pictures))
            continue
        wrong = " ".join(unfit(config, choices))
        assert bool(wrong) == (config.architecture in ("conv", "progressive", "segments", "wave"))
        assert (
            not wrong
            or config.architecture in ("segments", "wave")
            or "those of 4 choices and values have none" in wrong
        )
        assert bool(unfit(config, pictures)) == (config.architecture in ("blocks", "segments", "wave"))
    with pytest.raises(PresetError, match="not for 8 x 8, gray; use conv or mlp"):
        prove(resolve("ctgan"), pictures)


def test_more_draws_than_an_address_has_are_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = mixed.Mixed(mixed.samples()[0])
    monkeypatch.setattr(rules, "MOST_DRAWS", 130)
    assert unfit(resolve("tabgan", {"latent_size": 32}), kind) == []
    (fault,) = unfit(resolve("tabgan", {"latent_size": 128}), kind)
    assert "too many options" in fault
