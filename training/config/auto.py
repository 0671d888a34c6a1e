"""The preset `auto`: reads the data and the machine, chooses a system and its settings, and says why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.config.config import Config
from training.config.presets import AUTO, resolve
from training.data.kind import Kind

# Below so many training samples in every class a discriminator knows them all by heart before the generator has
# learned anything from it. Digits with 10 a class, 15 s of one core: coverage 0.91 and a classification accuracy score
# of 95.2 % for the autoencoder, 0.72 and 91.4 % for rpgan.
FEW_PER_CLASS = 20
# Cells of a sample from which the default widths take a CPU a second and more for a step. Spoken digits of 6,144 cells:
# 0.31 s of a core at width 8 and batches of 64, four times that at width 16.
LARGE = 64 * 64
UNEVEN = 3  # largest class over smallest; from here the draw is worth a word


@dataclass(frozen=True)
class Facts:
    """What is read of the data and the machine.

    counts: int64 [classes], training samples of each class.
    """

    counts: np.ndarray
    kind: Kind
    has_gpu: bool


@dataclass(frozen=True)
class Choice:
    """A preset, what it changes in it, and the reasons in words, one sentence each."""

    preset: str
    settings: dict[str, Any]
    reasons: tuple[str, ...]

    def config(self, overrides: dict[str, Any]) -> Config:
        """The configuration, with what the person who started the run has set on top. Raises PresetError."""
        return resolve(self.preset, {**self.settings, **overrides})


def choose(facts: Facts) -> Choice:
    """A system for the data, with its reasons from the strongest to the weakest."""
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


__all__ = ["AUTO", "Choice", "Facts", "choose"]
