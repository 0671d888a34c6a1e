"""Combinations of settings that cannot work, each with its reason: one table, applied to every configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from training.config.config import Config


class Rule(NamedTuple):
    """broken: whether a configuration has the combination; fault: what, why, and what would be right."""

    broken: Callable[[Config], bool]
    fault: str


def _is_vae(config: Config) -> bool:
    return config.objective == "evidence"


def _is_likelihood(config: Config) -> bool:
    return config.objective == "likelihood"


def _has_opponents_settings(config: Config) -> bool:
    """Whether something is set that only a discriminator has."""
    weights = (config.gamma, config.unit_slope, config.weight_clip, config.drift, config.augmentation)
    return any(weights) or config.minibatch_deviation or config.critic_steps > 1


def _slope_is_bounded(config: Config) -> bool:
    return bool(config.weight_clip or config.unit_slope or config.gamma or config.spectral_norm != "none")


RULES: tuple[Rule, ...] = (
    Rule(
        lambda c: c.output == "sigmoid",
        "output 'sigmoid' makes values in [0, 1], and samples are trained in [-1, 1]: half is out of reach; use "
        "tanh or linear",
    ),
    Rule(
        lambda c: c.discriminator_norm == "batch" and bool(c.gamma or c.unit_slope),
        "discriminator_norm 'batch' with gamma or unit_slope above 0: a batch norm couples the samples whose gradients "
        "the penalty measures one by one; use layer or none, or no penalty",
    ),
    Rule(
        lambda c: c.gamma > 0 and c.unit_slope > 0,
        "gamma with unit_slope: one draws the slope to 0, the other to 1; set one of them to 0",
    ),
    Rule(
        lambda c: c.weight_clip > 0 and bool(c.gamma or c.unit_slope),
        "weight_clip with gamma or unit_slope: clipped weights cannot follow the penalty's gradient; set one to 0",
    ),
    Rule(
        lambda c: c.weight_clip > 0 and c.spectral_norm != "none",
        "weight_clip with spectral_norm: the norm scales clipped weights back up; set weight_clip to 0",
    ),
    Rule(
        lambda c: c.objective == "wasserstein" and not _slope_is_bounded(c),
        "objective 'wasserstein' with nothing that bounds the critic's slope: its loss has no lower end; set "
        "unit_slope (WGAN-GP: 10), weight_clip (WGAN: 0.01), spectral_norm or gamma",
    ),
    Rule(
        lambda c: c.label_smoothing > 0 and c.objective not in ("minimax", "non-saturating"),
        "label_smoothing is for the objectives 'minimax' and 'non-saturating': others have no probability to smooth",
    ),
    Rule(
        lambda c: c.architecture != "conv" and c.generator_norm == "conditional-batch",
        "generator_norm 'conditional-batch' is for architecture 'conv'; use batch, layer, pixel or none",
    ),
    Rule(
        lambda c: c.architecture == "mlp" and c.minibatch_deviation and not _is_vae(c),
        "minibatch_deviation is a plane beside feature planes, which architecture 'mlp' has not; set it to false",
    ),
    Rule(
        lambda c: c.weight_decay > 0 and c.optimizer != "adam",
        "weight_decay is for the optimizer 'adam', which it is decoupled from (AdamW); set it to 0",
    ),
    Rule(
        lambda c: c.compile and c.architecture == "progressive",
        "compile with architecture 'progressive': networks that change from step to step would be compiled at each "
        "one; set it to false",
    ),
    Rule(
        lambda c: c.equalised_rate and c.spectral_norm != "none",
        "equalised_rate with spectral_norm: the norm takes out any scale that the other puts in; use one of them",
    ),
    Rule(
        lambda c: c.equalised_rate and c.weight_deviation is not None,
        "weight_deviation with equalised_rate, which stores all weights with a deviation of 1; leave it out",
    ),
    Rule(
        lambda c: _is_vae(c) and c.architecture == "progressive",
        "objective 'evidence' with architecture 'progressive': there is no encoder that grows; use conv or mlp",
    ),
    Rule(
        lambda c: _is_vae(c) and c.output != "tanh",
        "objective 'evidence' reads the output as probabilities, which only 'tanh' keeps within bounds",
    ),
    Rule(
        lambda c: _is_vae(c) and c.discriminator_conditioning in ("projection", "auxiliary-classifier"),
        "objective 'evidence' has an encoder, which meets the class by discriminator_conditioning 'concatenation' or "
        "'none'",
    ),
    Rule(
        lambda c: _is_vae(c) and _has_opponents_settings(c),
        "objective 'evidence' has no discriminator: gamma, unit_slope, weight_clip, drift and augmentation must be 0, "
        "critic_steps 1 and minibatch_deviation false",
    ),
    Rule(
        lambda c: _is_likelihood(c) != (c.architecture in ("autoregressive", "recurrent")),
        "objective 'likelihood' and the architectures 'autoregressive' and 'recurrent' go together: other "
        "networks do not say how probable a sample is, and these have nothing that a discriminator could teach it by",
    ),
    Rule(
        lambda c: _is_likelihood(c) != (c.latent_size == 0),
        "latent_size is 0 for the objective 'likelihood', whose samples are drawn choice by choice, and at least 1 for "
        "others, which make all of a sample of it",
    ),
    Rule(
        lambda c: _is_likelihood(c) and (_has_opponents_settings(c) or c.discriminator_conditioning != "none"),
        "objective 'likelihood' has no discriminator: gamma, unit_slope, weight_clip, drift and augmentation must be "
        "0, critic_steps 1, minibatch_deviation false and discriminator_conditioning none",
    ),
    Rule(
        lambda c: (
            _is_likelihood(c)
            and (
                c.equalised_rate
                or c.weight_deviation is not None
                or c.spectral_norm != "none"
                or c.generator_norm != "none"
            )
        ),
        "a network of a likelihood has layers of its own: generator_norm and spectral_norm must be none, "
        "equalised_rate false, and weight_deviation left out",
    ),
)


def faults(config: Config) -> list[str]:
    """What cannot work in a configuration, in words; empty if all can."""
    return [rule.fault for rule in RULES if rule.broken(config)]
