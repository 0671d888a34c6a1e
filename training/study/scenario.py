"""Which part of the real training samples a study pretends to have."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from training.data import Dataset
from training.data.splits import Splits
from training.errors import TrainingError

FEWEST = 2


class ScenarioError(TrainingError, ValueError):
    """No such scenario, or the data set cannot play it; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`all`; `N per class`; `imbalance F`: a long tail, the first class having F times the last one's samples.

    The tail begins as high as the training split allows, or with `imbalance F from N` at N samples of the first class.
    """

    name: str
    per_class: int | None = None
    imbalance: float | None = None
    most: int | None = None

    @classmethod
    def parse(cls, text: str) -> Scenario:
        words = " ".join(text.split()).lower()
        if words == "all":
            return cls("all")
        if match := re.fullmatch(r"(\d{1,7}) per class", words):
            if int(match[1]) >= FEWEST:
                return cls(words, per_class=int(match[1]))
        elif match := re.fullmatch(r"imbalance (\d{1,7})(?: from (\d{1,7}))?", words):
            most = None if match[2] is None else int(match[2])
            if int(match[1]) > 1 and (most is None or most >= FEWEST):
                return cls(words, imbalance=float(match[1]), most=most)
        raise ScenarioError(
            f"no scenario {text!r}; there are: all, N per class (N from {FEWEST}), imbalance F (F from 2), and "
            f"imbalance F from N, N being the first class's samples"
        )

    def choose(self, dataset: Dataset, splits: Splits, seed: int) -> np.ndarray:
        """Positions in the training split, int64, ascending; another seed chooses others, unless it is all of them."""
        if self.per_class is None and self.imbalance is None:
            return splits.train
        random = np.random.default_rng(seed)
        labels = dataset.labels[splits.train]
        available = dataset.counts(splits.train)
        if self.per_class is not None:
            wanted = np.full(dataset.classes, self.per_class)
        else:
            assert self.imbalance is not None
            # n_c = n_0 * F ** (-c / (K - 1)) (Cui et al. 2019), with the largest n_0 that every class can follow.
            shape = self.imbalance ** (-np.arange(dataset.classes) / (dataset.classes - 1))
            first = float((available / shape).min()) if self.most is None else self.most
            wanted = np.maximum(FEWEST, np.floor(shape * first + 1e-9)).astype(np.int64)
        scarce = int(np.argmin(available - wanted))
        if available[scarce] < wanted[scarce]:
            raise ScenarioError(
                f"scenario {self.name!r} needs {wanted[scarce]} training samples of class "
                f"{dataset.class_names[scarce]!r}; there are {available[scarce]}"
            )
        chosen = [
            random.permutation(splits.train[labels == label])[: wanted[label]] for label in range(dataset.classes)
        ]
        return np.sort(np.concatenate(chosen))
