"""From the cells of a study to what the card says: gains with their intervals, in words, and how to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from augmint.v1 import generator_pb2 as pb
from training.findings import Finding, Kind, Severity


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """(mean, low, high): 95 % confidence interval by Student's t over the repeats; without end for a single one."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, -np.inf, np.inf
    if np.ptp(values) == 0:
        return mean, mean, mean
    found = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    return mean, float(found.low), float(found.high)


def gain(scenario: str, scores: Mapping[str, Sequence[float]], baseline: str, synthetic: str) -> pb.AugmentationGain:
    """One line of the card.

    scores:    balanced accuracy on the test split of each arm, one value per repeat, in the same order of repeats.
    baseline:  the arm that did best on the validation split; synthetic: the arm with synthetic samples.
    """
    difference = np.asarray(scores[synthetic]) - np.asarray(scores[baseline])
    mean, low, high = interval(difference.tolist())
    line = pb.AugmentationGain(
        scenario=scenario,
        baseline=baseline,
        baseline_score=float(np.mean(scores[baseline])),
        synthetic_score=float(np.mean(scores[synthetic])),
        gain=mean,
        gain_low=max(-1.0, low),
        gain_high=min(1.0, high),
        repeats=len(difference),
    )
    for name, values in scores.items():
        score, low, high = interval(values)
        line.arms.add(name=name, score=score, low=max(0.0, low), high=min(1.0, high))
    return line


def in_words(line: pb.AugmentationGain) -> str:
    """One sentence, honest about the interval."""
    numbers = f"{100 * line.gain:+.1f} points ({100 * line.gain_low:+.1f} to {100 * line.gain_high:+.1f})"
    if line.gain_low > 0:
        claim = "adding synthetic samples helped"
    elif line.gain_high < 0:
        claim = "adding synthetic samples did harm"
    else:
        claim = "adding synthetic samples gave no measurable gain"
    return (
        f"{line.scenario}: {claim} over the best baseline ({line.baseline}), {numbers} of balanced accuracy in "
        f"{line.repeats} paired repeats."
    )


def findings(lines: Sequence[pb.AugmentationGain]) -> list[Finding]:
    """A warning for each scenario without a measurable gain; a failure where samples did harm in every scenario."""
    harmful = bool(lines) and all(line.gain_high < 0 for line in lines)
    return [
        Finding(
            Kind.NO_GAIN,
            Severity.FAILURE if harmful else Severity.WARNING,
            line.gain_low,
            0.0,
            in_words(line),
            "Use the best baseline there; synthetic samples may still help where data is scarcer.",
        )
        for line in lines
        if line.gain_low <= 0
    ]
