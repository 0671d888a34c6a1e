"""Combinations of settings that cannot work, each with its reason: one table, applied to every configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from training.config.config import Config
from training.config.systems import PRESETS

if TYPE_CHECKING:  # PyTorch takes seconds, and a misspelt option should not wait for it
    from training.data.kind import Kind

MOST_DRAWS = 65_536 - 64  # of an address, less what rounding up takes


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
        lambda c: c.architecture not in ("conv", "segments") and c.generator_norm == "conditional-batch",
        "generator_norm 'conditional-batch' is for the architectures 'conv' and 'segments'; use batch, layer, pixel or "
        "none",
    ),
    Rule(
        lambda c: c.architecture == "mlp" and c.minibatch_deviation and not _is_vae(c),
        "minibatch_deviation is a plane beside feature planes, which architecture 'mlp' has not; set it to false",
    ),
    Rule(
        lambda c: c.architecture == "blocks" and c.minibatch_deviation,
        "minibatch_deviation is a plane beside feature planes, which architecture 'blocks' has not; set it to false, "
        "and pack to what the discriminator shall see together",
    ),
    Rule(
        lambda c: c.architecture != "blocks" and (c.shown != "none" or c.pack > 1),
        "shown and pack are for architecture 'blocks': no other has a generator that is shown samples, or a "
        "discriminator that judges several at once",
    ),
    Rule(
        lambda c: c.warmup > 0 and c.shown != "first",
        "warmup without shown 'first': there is nothing that the generator could learn by itself; set it to 0",
    ),
    Rule(
        lambda c: c.pack > 1 and c.discriminator_conditioning in ("projection", "auxiliary-classifier"),
        "pack above 1 with a discriminator that meets one class at a time; use discriminator_conditioning "
        "'concatenation' or 'none'",
    ),
    Rule(
        lambda c: c.batch_size % c.pack > 0,
        "batch_size is no multiple of pack: some samples would be judged with those of the other side; change one",
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
        lambda c: _is_vae(c) and c.architecture == "blocks",
        "objective 'evidence' with architecture 'blocks': there is no encoder of it; use mlp",
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
        lambda c: c.architecture == "wave" and c.minibatch_deviation and not _is_vae(c),
        "minibatch_deviation is a plane beside feature planes, which architecture 'wave' has not; set it to false",
    ),
    Rule(
        lambda c: _is_vae(c) and c.architecture == "segments",
        "objective 'evidence' with architecture 'segments': there is no encoder of segments; use conv or mlp",
    ),
    Rule(
        lambda c: c.phase_shuffle > 0 and c.architecture != "wave",
        "phase_shuffle is for architecture 'wave': of other samples nothing is a phase",
    ),
    Rule(
        lambda c: _is_vae(c) and c.architecture == "wave",
        "objective 'evidence' with architecture 'wave': there is no encoder of waves; use conv or mlp",
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


def _divides(segments: int, form: tuple[int, ...]) -> bool:
    return form[1] % segments == 0 and form[1] // segments >= 4 and form[1] // segments % 2 == 0


def unfit(config: Config, kind: Kind) -> list[str]:
    """What cannot work with samples of the kind, in words; empty if all can."""
    found, head, tokens = [], kind.head(), kind.tokens
    draws = 0 if head is None else head.draws
    if config.objective == "likelihood":
        draws = 0 if tokens is None else len(tokens.sizes)
        if tokens is None:
            found.append(
                f"objective 'likelihood' is of choices, and {kind.words} are not made of any; for these there are "
                f"{', '.join(kind.recommended)}"
            )
    if config.architecture in ("conv", "progressive") and len(kind.form) == 1:
        found.append(
            f"architecture '{config.architecture}' is for samples whose elements have neighbours, such as pixels, and "
            f"those of {kind.words} have none; python -m training presets --kind {kind.spec.WhichOneof('kind')} lists "
            "what is for them"
        )
    if config.architecture == "wave" and not (len(kind.form) == 2 and kind.form[1] >= 256 and kind.form[1] % 16 == 0):
        found.append(
            f"architecture 'wave' is for waves, such as sounds read with --waves, and not for {kind.words} in this "
            "form; use conv"
        )
    if config.architecture == "segments" and not (len(kind.form) == 3 and _divides(config.segments, kind.form)):
        found.append(
            f"architecture 'segments' is for samples of {config.segments} parts in time, each of 4, 6, 8 or more "
            f"steps, such as bars of music, and not for {kind.words}; set segments to a divisor, or use conv"
        )
    if config.architecture == "blocks" and not (kind.blocks and draws):
        found.append(
            f"architecture 'blocks' is for samples of choices and values, such as rows of a table, and not for "
            f"{kind.words}; use conv or mlp"
        )
    if config.latent_size + draws > MOST_DRAWS:
        found.append(
            f"a sample would take {config.latent_size + draws:,} draws and an address has {MOST_DRAWS:,}: there are "
            "too many options to choose from; leave out what has most of them"
        )
    return found


def untransformed(config: Config, kind: Kind) -> list[str]:
    """Why the generator of a configuration cannot carry samples into other classes; empty if it can."""
    if config.latent_size:
        return []
    others = ", ".join(name for name in kind.recommended if PRESETS[name].settings.get("latent_size") != 0)
    return [
        f"--transform with objective '{config.objective}': its samples are drawn choice by choice and have no latent "
        f"by which one could be made again in another class; presets for {kind.words} that have one: {others}"
    ]
