"""What a study measures of a classifier on real samples: numbers in [0, 1], more is better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BALANCED, F1, AUC = "balanced accuracy", "macro-F1", "AUC"


def recalls(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Of each class, float64 [classes]: labels int64 [n], probabilities [n, classes]."""
    from sklearn.metrics import recall_score  # half a second to import, and every report imports this module

    classes = np.arange(probabilities.shape[1])
    return recall_score(labels, probabilities.argmax(1), labels=classes, average=None, zero_division=0.0)


def others(labels: np.ndarray, probabilities: np.ndarray, wanted: Sequence[str]) -> dict[str, float]:
    """Those of the measures that are not the mean recall; AUC is the mean over classes, each against all others."""
    from sklearn.metrics import f1_score, roc_auc_score

    classes, found = probabilities.shape[1], {}
    if F1 in wanted:
        predicted = probabilities.argmax(1)
        found[F1] = f1_score(labels, predicted, labels=np.arange(classes), average="macro", zero_division=0.0)
    if AUC in wanted:
        each = [roc_auc_score(labels == label, probabilities[:, label]) for label in np.unique(labels)]
        found[AUC] = np.mean(each)
    return {name: round(float(value), 6) for name, value in found.items()}
