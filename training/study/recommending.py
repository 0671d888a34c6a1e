"""From what did best on the validation split to how to draw: for all classes, and for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augmint.v1 import generator_pb2 as pb
from training.study.arms import Trial


def of(trial: Trial, ratios: np.ndarray, scenario: str) -> tuple[pb.Recommendation, list[pb.Recommendation]]:
    """Overall and by class.

    ratios: synthetic samples for a real one, of each class, float64 [classes]; 0: none.
    """

    def one(value: float) -> pb.Recommendation:
        keep, of = (trial.keep, trial.of) if trial.of > 1 else (0, 0)
        return pb.Recommendation(
            truncation=trial.truncation,
            keep=keep,
            of=of,
            synthetic_per_real=round(value, 3),
            scenario=scenario,
            transformed=trial.transformed and value > 0,
        )

    return one(float(ratios.mean())), [one(float(value)) for value in ratios]


def better(
    first: Sequence[pb.Recommendation], second: Sequence[pb.Recommendation], recalls: np.ndarray, others: np.ndarray
) -> list[pb.Recommendation]:
    """For each class the way by which it is recognised better, the first of equal ones.

    recalls, others: of the classes by the first and by the second way, float64 [classes].
    """
    return [pair[int(choice)] for *pair, choice in zip(first, second, others > recalls, strict=True)]
