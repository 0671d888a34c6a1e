"""From the cells of a study to what the card says: gains with their intervals, in words, and how to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from augmint.v1 import generator_pb2 as pb
from training.findings import Finding, Kind, Severity


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """(mean, low, high): 95 % confidence interval by Student's t over the repeats; without end for a single one."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, -np.inf, np.inf
    if np.ptp(values) == 0:
        return mean, mean, mean
    from scipy import stats  # a second to import, and only a study needs it

    found = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    return mean, float(found.low), float(found.high)


def gain(
    scenario: str,
    scores: Mapping[str, Sequence[float]],
    baseline: str,
    synthetic: str,
    real_samples: int,
    generator_samples: int,
) -> pb.AugmentationGain:
    """One line of the card.

    scores:    balanced accuracy on the test split of each arm, one value per repeat, in the same order of repeats.
    baseline:  the arm that did best on the validation split; synthetic: the arm with synthetic samples.
    real_samples, generator_samples: what classifiers and generator learned from.
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
        real_samples=real_samples,
        generator_samples=generator_samples,
    )
    for name, values in scores.items():
        score, low, high = interval(values)
        line.arms.add(name=name, score=score, low=max(0.0, low), high=min(1.0, high))
    return line


def in_words(line: pb.AugmentationGain) -> str:
    """What was measured and what it means, in one sentence or two, honest about the interval."""
    numbers = f"{100 * line.gain:+.1f} points ({100 * line.gain_low:+.1f} to {100 * line.gain_high:+.1f})"
    if line.gain_low > 0:
        claim = "adding synthetic samples helped"
    elif line.gain_high < 0:
        claim = "adding synthetic samples did harm"
    else:
        claim = "adding synthetic samples gave no measurable gain"
    sentence = (
        f"{line.scenario}: {claim} over the best baseline ({line.baseline}), {numbers} of balanced accuracy in "
        f"{line.repeats} paired repeats."
    )
    return f"{sentence} {who}" if (who := who_had_what(line)) else sentence


def who_had_what(line: pb.AugmentationGain) -> str:
    """Which of two questions a line answers, in one sentence; empty if it was not recorded."""
    if not line.real_samples:
        return ""
    if line.generator_samples > line.real_samples:
        return (
            f"This is a team with {line.real_samples:,} real samples that draws from a generator which learned from "
            f"{line.generator_samples:,}, these among them."
        )
    return f"Here the generator learned from the same {line.real_samples:,} real samples, so it knew nothing new."


def findings(lines: Sequence[pb.AugmentationGain]) -> list[Finding]:
    """What lines without a measurable gain say of a generator.

    Samples that do harm in every line are a failure. A generator that knows more than the team that draws from it is
    there to help: that it does not is a warning. One that learned from the team's own samples need not, only not harm.
    """
    useless = bool(lines) and all(line.gain_high < 0 for line in lines)
    found = []
    for line in lines:
        if line.gain_low > 0:
            continue
        nothing_new = bool(line.real_samples) and line.generator_samples <= line.real_samples
        if useless:
            severity = Severity.FAILURE
        elif nothing_new and line.gain_high >= 0:
            severity = Severity.NOTE
        else:
            severity = Severity.WARNING
        advice = (
            "Train without synthetic samples there, or learn the generator from more data than the team has."
            if nothing_new
            else "Use the best baseline there; synthetic samples may still help where data is scarcer."
        )
        found.append(Finding(Kind.NO_GAIN, severity, line.gain_low, 0.0, in_words(line), advice))
    return found
