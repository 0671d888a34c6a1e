"""The preset `auto`: reads the data and the machine, chooses a system and its settings, and says why.

Of a kind that asks for trials it tries the recommended systems (training.run.trials), and goes by what they come to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.config.config import Config
from training.config.presets import AUTO, PresetError, prove, resolve
from training.data.kind import Kind

# Training samples of every class; below, a discriminator knows them all by heart before the generator has
# learned anything from it. Digits with 10 a class, 15 s of one core: coverage 0.91 and a classification accuracy score
# of 95.2 % for the autoencoder, 0.72 and 91.4 % for rpgan.
FEW_PER_CLASS = 20
# Cells of a sample from which the default widths take a CPU a second and more for a step. Spoken digits of 6,144 cells:
# 0.31 s of a core at width 8 and batches of 64, four times that at width 16.
LARGE = 64 * 64
# Of macro-averaged F1: a lead that a trial, a sixteenth of a run, may give to what learns fast and then stops. Adult,
# after 15 s and 45 s: argn 0.781 and 0.791, tabgan 0.790 and 0.801; when trained, 0.810 and 0.796
# (python -m benchmarks.tables.trials).
CLEAR_LEAD = 0.03
UNEVEN = 3  # largest class over smallest; from here the draw is worth a word


@dataclass(frozen=True)
class Facts:
    """What is read of the data and the machine.

    counts:    int64 [classes], training samples of each class.
    transform: whether the generator is to carry samples into other classes, too.
    """

    counts: np.ndarray
    kind: Kind
    has_gpu: bool
    transform: bool = False


@dataclass(frozen=True)
class Choice:
    """A preset, what it changes in it, and the reasons in words, one sentence each."""

    preset: str
    settings: dict[str, Any]
    reasons: tuple[str, ...]

    def config(self, overrides: dict[str, Any]) -> Config:
        """The configuration, with what the person who started the run has set on top. Raises PresetError."""
        return resolve(self.preset, {**self.settings, **overrides})


@dataclass(frozen=True)
class Candidate:
    """A row of the preset table that is tried, with what the person who started the run has set on top."""

    preset: str
    config: Config


def candidates(facts: Facts, overrides: dict[str, Any]) -> tuple[list[Candidate], list[str]]:
    """What is tried of the rows that the kind recommends, and why others are not, one sentence each.

    Raises PresetError if what has been set goes with none of them.
    """
    found, left_out, fault = [], [], None
    for preset in facts.kind.recommended:
        try:
            config = resolve(preset, overrides)
            prove(config, facts.kind, facts.transform)
            found.append(Candidate(preset, config))
        except PresetError as error:
            left_out.append(f"{preset} was not tried: {error}.")
            fault = error
    if not found:
        assert fault is not None, "a kind recommends something"
        raise fault
    return found, left_out


def decided(tried: Sequence[tuple[str, float]], budget: str, left_out: Sequence[str]) -> Choice:
    """The first of what was tried, in the order in which it is recommended, that nothing leads by more than CLEAR_LEAD.

    tried: preset and macro-averaged F1, below 0 for one that diverged; budget: of each, in words.
    Raises PresetError if all have diverged.
    """
    most = max(score for _, score in tried)
    if most < 0:
        raise PresetError(f"{', '.join(name for name, _ in tried)} all diverged in their trials; name a --preset")
    chosen, score = next(each for each in tried if each[1] >= max(0.0, most - CLEAR_LEAD))
    others = [f"{name} {_in_words(value)}" for name, value in tried if name != chosen]
    reason = (
        f"{chosen}: a classifier that learned from its samples alone has a macro-averaged F1 of {score:.3f} on the "
        f"validation split after a trial of {budget}"
    )
    reason += f"; the others: {', '.join(others)}." if others else "; nothing else could be tried."
    reasons = [reason]
    if score < most:
        reasons.append(
            f"{chosen} is recommended before what leads it by less than {CLEAR_LEAD:g}: a trial favours what learns "
            "fast."
        )
    return Choice(chosen, {}, (*reasons, *left_out))


def _in_words(score: float) -> str:
    return f"{score:.3f}" if score >= 0 else "diverged"


def choose(facts: Facts) -> Choice:
    """A system for the data, with its reasons from the strongest to the weakest."""
    if facts.kind.trials:
        return _untried(facts)
    counts = facts.counts
    total, most, least = int(counts.sum()), int(counts.max()), int(counts.min())
    settings: dict[str, Any] = {}
    reasons = []
    if most < FEW_PER_CLASS:
        preset = "vae"
        reasons.append(
            f"vae: with at most {most} training samples in a class a discriminator learns them by heart; an "
            f"autoencoder blurs, but leaves none of them out. From {FEW_PER_CLASS} a class on, rpgan is chosen."
        )
    else:
        preset = "rpgan"
        where = f"in {len(counts)} classes" if len(counts) > 1 else "in one class"
        reasons.append(
            f"rpgan: {total:,} training samples {where} of {facts.kind.words}; in "
            "the comparison (python -m benchmarks.quality) a classifier learns as much from its samples as from the "
            "best system's, within the noise, and they keep more of the spread inside a class than an autoencoder's."
        )
    config = resolve(preset)
    if len(counts) == 1:
        settings["discriminator_conditioning"] = "none"
        reasons.append("discriminator_conditioning none: there is one class, so nobody need be told which.")
    cells = math.prod(facts.kind.form[1:])
    if cells > LARGE and not facts.has_gpu:
        settings |= {"width": 8, "batch_size": 32}
        reasons.append(
            f"width 8 and batches of 32: samples of {cells:,} values take a CPU several times as long as those that "
            "the defaults are sized for, and more steps teach more than wider ones."
        )
    if preset == "rpgan" and facts.has_gpu:
        settings |= {"width": 64, "batch_size": 256, "learning_rate": 2e-4, "learning_rate_final": 0.25, "gamma": 0.05}
        reasons.append(
            "width 64, batches of 256, rate 2e-4 and gamma 0.05, as R3GAN was trained on GPUs: there is one, and the "
            "defaults are sized for a CPU."
        )
    if preset == "rpgan" and (probability := config.augmentation_for(total)):
        reasons.append(
            f"augmentation up to {probability:g}: with {total:,} samples the discriminator would learn single ones by "
            "heart. Shifts only, and changes of colour in colour images; no flips, since a mirrored sample may be none."
        )
    if preset == "rpgan" and total < 2000:
        reasons.append("gamma times 3, for fewer than 2,000 samples: a steeper discriminator would tell them apart.")
    if most >= UNEVEN * least:
        share = np.sqrt(counts) / np.sqrt(counts).sum()
        reasons.append(
            f"classes are drawn by the square root of their size, {most:,} to {least:,} here: the smallest is "
            f"{share.min():.1%} of what is drawn instead of {least / total:.1%}, and is not replayed too often."
        )
    return Choice(preset, settings, tuple(reasons))


def _untried(facts: Facts) -> Choice:
    """The first recommendation, where there is nothing to compare by."""
    preset = facts.kind.recommended[0]
    reason = (
        f"{preset}: the first that is recommended for {facts.kind.words}; with one class there is no classifier to "
        "compare others by."
    )
    return Choice(preset, {"discriminator_conditioning": "none"}, (reason,))


__all__ = ["AUTO", "Candidate", "Choice", "Facts", "candidates", "choose", "decided"]
