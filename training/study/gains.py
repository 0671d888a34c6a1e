"""From the cells of a study to what the card says: gains with their intervals, in words, and how to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from augmint.v1 import generator_pb2 as pb


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
    classifier: str = "",
) -> pb.AugmentationGain:
    """One line of the card.

    scores:    balanced accuracy on the test split of each arm, one value per repeat, in the same order of repeats.
    baseline:  the arm that did best on the validation split; synthetic: the arm with synthetic samples.
    real_samples, generator_samples: what classifiers and generator learned from.
    """
    mean, low, high = paired(scores[baseline], scores[synthetic])
    line = pb.AugmentationGain(
        scenario=scenario,
        baseline=baseline,
        baseline_score=float(np.mean(scores[baseline])),
        synthetic_score=float(np.mean(scores[synthetic])),
        gain=mean,
        gain_low=low,
        gain_high=high,
        repeats=len(scores[baseline]),
        real_samples=real_samples,
        generator_samples=generator_samples,
        classifier=classifier,
    )
    for name, values in scores.items():
        score, low, high = _within(values)
        line.arms.add(name=name, score=score, low=low, high=high)
    return line


def measured(
    line: pb.AugmentationGain, measure: str, scores: Mapping[str, Sequence[float]], baseline: str, synthetic: str
) -> None:
    """Adds the comparison by another measure to a line, which has the same arms."""
    gain, low, high = paired(scores[baseline], scores[synthetic])
    line.others.add(
        measure=measure,
        baseline=baseline,
        baseline_score=float(np.mean(scores[baseline])),
        synthetic_score=float(np.mean(scores[synthetic])),
        gain=gain,
        gain_low=low,
        gain_high=high,
    )
    for arm in line.arms:
        score, low, high = _within(scores[arm.name])
        arm.others.add(measure=measure, score=score, low=low, high=high)


def paired(baseline: Sequence[float], synthetic: Sequence[float]) -> tuple[float, float, float]:
    """Gain of one way of training over another, repeat by repeat: (mean, low, high), as `interval`, in [-1, 1]."""
    mean, low, high = interval((np.asarray(synthetic) - np.asarray(baseline)).tolist())
    return mean, max(-1.0, low), min(1.0, high)


def _within(values: Sequence[float]) -> tuple[float, float, float]:
    score, low, high = interval(values)
    return score, max(0.0, low), min(1.0, high)
