"""What one look at a run shows to be wrong, by fixed limits, with numbers and advice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.quality.findings.finding import Finding, FindingKind, Severity

# Spreads are shares of the real samples' own. Of OVERFITTED and MOVED, the low end of the 95 % interval counts.
COLLAPSED = 0.5
COLLAPSED_WHOLLY = 0.25
LABEL_SHARE = 0.2  # of the way from guessing to the judge's own recall
CLASS_SHARE = 0.5  # of the judge's own recall of the class
ALWAYS_AHEAD = 0.98
OVERFITTED = 0.15
VANISHED = 1e-3  # of the largest gradient that the generator had over a window
MOVED = 1.5
FEWEST_JUDGED = 0.6  # recall of real samples below which the judge's word counts for nothing
_MOST_NAMED = 8  # classes with a finding of their own


@dataclass(frozen=True, slots=True)
class Look:
    """What the samples of one moment show; nan: not measured."""

    step: int
    share: float  # of the run that was over, [0, 1]
    class_fidelity: list[float]  # [classes]: share of a class's samples that the judge recognises; nan of one alone
    spread_ratio: list[float]  # [classes]: variation over that of real samples
    kernel_distance: float  # to held-out real samples; comparable within one run
    ahead_train: float  # share of pairs in which a real training sample has a higher logit than a generated one
    ahead_held_out: float  # the same for real samples that the discriminator has not seen
    moved: float  # variation of what the augmentation changes (position, light), over that of real samples
    # Low ends of the 95 % intervals of ahead_train - ahead_held_out and of moved.
    gap_low: float = math.nan
    moved_low: float = math.nan

    @property
    def fidelity(self) -> float:
        return float(np.mean(self.class_fidelity))

    @property
    def spread(self) -> float:
        """Mean over classes; a class as varied as its real samples counts 1, and more does not make up for others."""
        return float(np.minimum(self.spread_ratio, 1.0).mean())


class Symptoms:
    """Reads looks at one run."""

    def __init__(self, class_names: Sequence[str], recall: np.ndarray, critic: bool) -> None:
        """See Watchdog."""
        self._names, self._recall, self._critic = list(class_names), recall, critic

    def of(self, look: Look, ahead: float, signal: float, worsens: bool) -> list[Finding]:
        """Findings, in no order.

        ahead:  share of training pairs, since the last look, whose real sample has the higher logit; nan: not known.
        signal: norm of the generator's gradient over the largest that it had; nan: not known.
        worsens: whether the samples get worse, beyond noise.
        """
        return [
            *self._collapse(look),
            *self._label(look),
            *self._discriminator(look, ahead, signal),
            *self._overfitting(look, worsens),
            *self._leak(look),
        ]

    def _collapse(self, look: Look) -> list[Finding]:
        advice = "Use a smaller learning_rate, a larger gamma, or the preset rpgan."
        found = []
        if look.spread < COLLAPSED:
            found.append(
                Finding(
                    FindingKind.COLLAPSE,
                    Severity.FAILURE,
                    look.spread,
                    COLLAPSED,
                    f"The samples have collapsed: inside a class they vary {look.spread:.2f} times as much as real "
                    f"ones, mean over {len(self._names)} classes.",
                    advice,
                )
            )
        for label in np.argsort(look.spread_ratio)[:_MOST_NAMED]:
            ratio = look.spread_ratio[label]
            if ratio < COLLAPSED:
                found.append(
                    Finding(
                        FindingKind.COLLAPSE,
                        Severity.FAILURE if ratio < COLLAPSED_WHOLLY else Severity.WARNING,
                        ratio,
                        COLLAPSED,
                        f"Class {self._names[label]!r} has collapsed: its samples vary {ratio:.2f} times as much as "
                        "real ones.",
                        advice,
                        self._names[label],
                    )
                )
        return found

    def _label(self, look: Look) -> list[Finding]:
        recall = float(self._recall.mean())
        if len(self._names) < 2 or recall < FEWEST_JUDGED:
            return []
        guess = 1 / len(self._names)
        limit = guess + LABEL_SHARE * (recall - guess)
        if look.fidelity < limit:
            return [
                Finding(
                    FindingKind.LABEL_IGNORED,
                    Severity.FAILURE,
                    look.fidelity,
                    limit,
                    f"The label is ignored: {look.fidelity:.0%} of the samples are recognised as the class asked for; "
                    f"guessing gives {guess:.0%}, real samples {recall:.0%}.",
                    "Train longer; if that does not help, use discriminator_conditioning projection.",
                )
            ]
        found = []
        for label in np.argsort(np.array(look.class_fidelity) - self._recall)[:_MOST_NAMED]:
            fidelity, limit = look.class_fidelity[label], CLASS_SHARE * self._recall[label]
            if self._recall[label] >= FEWEST_JUDGED and fidelity < limit:
                found.append(
                    Finding(
                        FindingKind.UNRECOGNISED,
                        Severity.WARNING,
                        fidelity,
                        limit,
                        f"{fidelity:.0%} of the samples of class {self._names[label]!r} are recognised as such; of "
                        f"real ones {self._recall[label]:.0%}.",
                        "Train longer, or set class_balance to 0 if the class is scarce.",
                        self._names[label],
                    )
                )
        return found

    def _discriminator(self, look: Look, ahead: float, signal: float) -> list[Finding]:
        found = []
        if ahead > ALWAYS_AHEAD and not self._critic:
            poor = look.spread < COLLAPSED or look.fidelity < CLASS_SHARE * float(self._recall.mean())
            found.append(
                Finding(
                    FindingKind.OVERPOWERED_DISCRIMINATOR,
                    Severity.FAILURE if poor else Severity.WARNING,
                    ahead,
                    ALWAYS_AHEAD,
                    f"The discriminator nearly always wins: it gives the real sample of a pair the higher score in "
                    f"{ahead:.1%} of the pairs.",
                    "Use a larger gamma or more augmentation, or a smaller learning_rate.",
                )
            )
        if signal < VANISHED:
            found.append(
                Finding(
                    FindingKind.VANISHED_SIGNAL,
                    Severity.FAILURE,
                    signal,
                    VANISHED,
                    f"The discriminator teaches nothing any more: the generator's gradient is {signal:.1e} of its "
                    "largest.",
                    "Use an objective that does not saturate, such as relativistic, with gamma above 0.",
                )
            )
        return found

    def _overfitting(self, look: Look, worsens: bool) -> list[Finding]:
        """What the discriminator knows of its training samples only.

        Once the samples are good there is little else to know: against a perfect generator, held-out samples win in
        half of the pairs, and single training samples are all that is left to learn. So the gap grows in healthy runs
        of little data. It is a warning where it does harm, where the samples get worse (Karras et al. 2020, figure 1);
        whether samples are copies, the card says.
        """
        if not look.gap_low > OVERFITTED:
            return []
        gap = look.ahead_train - look.ahead_held_out
        return [
            Finding(
                FindingKind.OVERFITTING_DISCRIMINATOR,
                Severity.WARNING if worsens else Severity.NOTE,
                gap,
                OVERFITTED,
                f"The discriminator knows the training samples by heart: it puts {look.ahead_train:.0%} of them "
                f"before a generated sample, but {look.ahead_held_out:.0%} of held-out real ones"
                + (", and the samples get worse." if worsens else "; the samples do not suffer."),
                "Use more augmentation or a larger gamma; more data is best.",
            )
        ]

    def _leak(self, look: Look) -> list[Finding]:
        if not look.moved_low > MOVED:
            return []
        return [
            Finding(
                FindingKind.LEAKING_AUGMENTATION,
                Severity.WARNING,
                look.moved,
                MOVED,
                f"The augmentation leaks into the samples: their position or light varies {look.moved:.2f} times as "
                "much as that of real ones.",
                "Use less augmentation.",
            )
        ]


UNBOUNDED = 1e6


@dataclass(frozen=True, slots=True)
class Means:
    """Means of the losses over WINDOW steps and all processes."""

    discriminator: float
    generator: float
    penalty: float
    real_ahead: float
    discriminator_norm: float
    generator_norm: float


def divergence(step: int, means: Means) -> Finding | None:
    """A finding if the losses are lost: not finite, or without bound."""
    for name, value in (
        ("discriminator's loss", means.discriminator + means.penalty),
        ("generator's loss", means.generator),
    ):
        if not abs(value) <= UNBOUNDED:
            return Finding(
                FindingKind.DIVERGENCE,
                Severity.FAILURE,
                value,
                UNBOUNDED,
                f"The {name} is {value:.4g} at step {step}: the run has diverged.",
                "Use a smaller learning_rate or a larger gamma.",
            )
    return None


def not_finite(step: int) -> Finding:
    """The finding of a generator whose weights are not numbers, whatever its losses were."""
    return Finding(
        FindingKind.DIVERGENCE,
        Severity.FAILURE,
        math.nan,
        UNBOUNDED,
        f"The generator's weights are not finite at step {step}: the run has diverged.",
        "Use a smaller learning_rate or a larger gamma.",
    )
