"""The ways of training a classifier that a study compares: each arm is a list of trials, tuned on the validation split.

Real samples alone; with standard augmentation; with the classes evened out; with mixup; by what people of the kind do
besides (Kind.resamplers); with samples of a VAE, or of a likelihood model where the kind has one and it is not studied
itself; with samples of the generator; with real samples that it carries into other classes; synthetic samples alone.
All arms have the same classifier, a network the same number of steps and batch size too, and choose among at most eight
trials.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from training.data.kind import Kind, Recipe, Resampler, Unvaried

REAL = "real only"
STANDARD = "standard augmentation"
WEIGHTED = "re-weighting"
OVERSAMPLED = "oversampling"
MIXED = "mixup"
VAE = "with VAE samples"
LIKELIHOOD = "with samples of a likelihood model"
RAW = "with synthetic samples"
CHOSEN = "with selected synthetic samples"
TRANSFORMED = "with transformed samples"
ONLY = "synthetic only"

BESIDE = (RAW, CHOSEN, TRANSFORMED)  # real samples
# The generator has to beat the best of all others on the validation split.
SYNTHETIC = (*BESIDE, ONLY)

# Synthetic samples among all, for a network in a batch. A generator that learned from the same few real samples can
# carry less of it than one that learned from more of them.
SHARES = (0.1, 0.25, 0.5)
SHARES_OF_PUBLISHED = (0.25, 0.5, 0.75, 0.9)
# The same for a classifier that gets all samples at once: each with two mixtures of classes, so one share fewer.
SHARES_OF_PUBLISHED_AT_ONCE = (0.5, 0.75, 0.9)
SELECTIONS = ((1, 2), (1, 4))
TRUNCATIONS = (0.8,)


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting of an arm.

    recipe:     how samples are varied; mixup: see training.judge.classifier.fit.
    draw:       of real samples: "natural", as they come, or "even", classes in equal parts.
    weighted:   each class's loss weighs as much as every other's.
    resampler:  real samples are evened out by it.
    share:      synthetic samples among all, [0, 1]; of a network in a batch.
    toward:     classes of the synthetic samples: "even"; "natural", as real ones come; "scarce", what a class lacks to
                the largest; "weak", the classes that the best baseline errs in.
    keep, of:   selection; 1 of 1 is none.
    published:  synthetic samples are the published file's, not those of a generator trained for the study.
    transformed: they are the real samples of other classes, carried into the class.
    """

    recipe: Recipe
    mixup: float = 0.0
    draw: Literal["natural", "even"] = "natural"
    weighted: bool = False
    resampler: Resampler | None = None
    share: float = 0.0
    toward: Literal["even", "natural", "scarce", "weak"] = "even"
    keep: int = 1
    of: int = 1
    truncation: float = 1.0
    published: bool = False
    transformed: bool = False

    def __str__(self) -> str:
        words = [str(self.recipe)] if str(self.recipe) else []
        words += [f"mixup {self.mixup:g}"] if self.mixup else []
        words += [f"{self.draw} draw"] + (["weighted loss"] if self.weighted else [])
        words += [str(self.resampler)] if self.resampler else []
        if self.share:
            what = "transformed" if self.transformed else "published" if self.published else "synthetic"
            words.append(f"{self.share:g} {what}, {self.toward} classes")
            words += [f"best {self.keep} of {self.of}"] if self.of > 1 else []
            words += [f"truncation {self.truncation:g}"] if self.truncation != 1 else []
        return ", ".join(words)


def unvaried(kind: Kind) -> Trial:
    return Trial(Unvaried(kind))


def standard(kind: Kind) -> list[Trial]:
    return [Trial(recipe) for recipe in kind.recipes()]


def mixed(best: Trial) -> list[Trial]:
    return [replace(best, mixup=mixup) for mixup in (0.2, 1.0)]


def raw(best: Trial, published: bool = False) -> list[Trial]:
    """best: of the arms with real samples only, without mixup."""
    shares = SHARES_OF_PUBLISHED if published else SHARES
    return [replace(best, share=share, published=published) for share in shares]


def raw_at_once(best: Trial, counts: np.ndarray, most: int, published: bool = False) -> list[Trial]:
    """Shares of all samples, of classes as they come and in equal parts, and what fills up the scarce classes.

    counts: of the real samples that are learned from, int64 [classes]; most: synthetic samples.
    """
    wanted = SHARES_OF_PUBLISHED_AT_ONCE if published else SHARES
    shares = [share for share in wanted if added(share, int(counts.sum())) <= most] or wanted[:1]
    trials = [
        replace(best, share=share, toward=toward, published=published)
        for toward in ("natural", "even")
        for share in shares
    ]
    lacking = int((counts.max() - counts).sum())
    if lacking:
        filled = replace(best, draw="natural", weighted=False, toward="scarce", published=published)
        trials.append(replace(filled, share=round(lacking / (lacking + int(counts.sum())), 4)))
    return trials


def added(share: float, real: int) -> int:
    """Synthetic samples that have a share of all with so many real ones."""
    return round(share / (1 - share) * real)


def directed(best: Trial, even: bool) -> list[Trial]:
    """Other classes for the synthetic samples. even: the real classes are of one size."""
    return [replace(best, toward="weak")] + ([] if even else [replace(best, toward="scarce")])


def selected(best: Trial) -> list[Trial]:
    return [replace(best, keep=keep, of=of) for keep, of in SELECTIONS]


def truncated(best: Trial) -> list[Trial]:
    return [replace(best, truncation=truncation) for truncation in TRUNCATIONS]


def transformed(raw: list[Trial], even: bool) -> list[Trial]:
    """raw: of the arm with drawn samples; where classes are uneven, also what the scarce ones lack."""
    trials = [replace(trial, transformed=True) for trial in raw]
    if not even and not any(trial.toward == "scarce" for trial in trials):
        trials.append(replace(trials[-1], toward="scarce"))
    return trials
