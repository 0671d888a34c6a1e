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
    """`all`; `N samples`: of classes as they come; `N per class`; `imbalance F`; `1:F`.

    imbalance F: a long tail, the first class having F times the last one's samples. 1:F: the largest class, and of each
    other one sample for F of it. Both begin as high as the training split allows, or with `from N` at N samples.
    """

    name: str
    samples: int | None = None
    per_class: int | None = None
    imbalance: float | None = None
    rare: int | None = None
    most: int | None = None

    @classmethod
    def parse(cls, text: str) -> Scenario:
        words = " ".join(text.split()).lower()
        if words == "all":
            return cls("all")
        if match := re.fullmatch(r"(\d{1,7}) per class", words):
            if int(match[1]) >= FEWEST:
                return cls(words, per_class=int(match[1]))
        elif match := re.fullmatch(r"(\d{1,9}) samples", words):
            if int(match[1]) >= FEWEST:
                return cls(words, samples=int(match[1]))
        elif match := re.fullmatch(r"1:(\d{1,7})(?: from (\d{1,9}))?", words):
            most = None if match[2] is None else int(match[2])
            if int(match[1]) > 1 and (most is None or most >= FEWEST):
                return cls(words, rare=int(match[1]), most=most)
        elif match := re.fullmatch(r"imbalance (\d{1,7})(?: from (\d{1,7}))?", words):
            most = None if match[2] is None else int(match[2])
            if int(match[1]) > 1 and (most is None or most >= FEWEST):
                return cls(words, imbalance=float(match[1]), most=most)
        raise ScenarioError(
            f"no scenario {text!r}; there are: all, N per class (N from {FEWEST}), N samples of classes as they come, "
            "imbalance F (F from 2) and imbalance F from N, N being the first class's samples, 1:F and 1:F from N, N "
            "being the largest class's"
        )

    def choose(self, dataset: Dataset, splits: Splits, seed: int) -> np.ndarray:
        """Positions in the training split, int64, ascending; another seed chooses others, unless it is all of them."""
        if self.name == "all":
            return splits.train
        random = np.random.default_rng(seed)
        labels = dataset.labels[splits.train]
        available = dataset.counts(splits.train)
        wanted = self._wanted(available)
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

    def _wanted(self, available: np.ndarray) -> np.ndarray:
        """Samples of each class, int64 [classes]; available: in the training split."""
        classes = len(available)
        if self.per_class is not None:
            return np.full(classes, self.per_class)
        if self.samples is not None:
            return _in_proportion(available, self.samples)
        if self.rare is not None:
            largest = int(available.argmax())
            wanted = np.full(classes, max(FEWEST, (self.most or int(available.max())) // self.rare))
            wanted[largest] = self.most or available[largest]
            return wanted
        assert self.imbalance is not None
        # n_c = n_0 * F ** (-c / (K - 1)) (Cui et al. 2019), with the largest n_0 that every class can follow.
        shape = self.imbalance ** (-np.arange(classes) / (classes - 1))
        first = float((available / shape).min()) if self.most is None else self.most
        return np.maximum(FEWEST, np.floor(shape * first + 1e-9)).astype(np.int64)


def _in_proportion(available: np.ndarray, total: int) -> np.ndarray:
    """So many in all, or FEWEST of each class if that is more: int64 [classes], those of the largest remainders."""
    exact = total * available / available.sum()
    wanted = np.maximum(FEWEST, np.floor(exact)).astype(np.int64)
    short = max(0, total - int(wanted.sum()))
    wanted[np.argsort(-(exact - np.floor(exact)), kind="stable")[:short]] += 1
    return wanted
