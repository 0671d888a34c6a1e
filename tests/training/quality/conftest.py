import numpy as np
import pytest

from training.data import Dataset
from training.data.splits import Splits, split
from training.judge import fitting
from training.judge.classifier import Classifier
from training.kinds import load


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load("digits")


@pytest.fixture(scope="session")
def splits(digits) -> Splits:
    return split(digits)


@pytest.fixture(scope="session")
def judge(digits, splits) -> Classifier:
    return fitting.fit(digits.kind, digits.samples[splits.train], digits.labels[splits.train], 10, seed=0, steps=120)


class Replay:
    """A perfect generator: real training samples, by class; sample i is always the same."""

    def __init__(self, dataset: Dataset, positions: np.ndarray) -> None:
        self.dataset = dataset
        self.members = [positions[dataset.labels[positions] == c] for c in range(dataset.classes)]

    def __call__(self, labels: np.ndarray, start: int) -> np.ndarray:
        # Callers ask for the classes in turn, so a class's own samples are this many indices apart.
        rows = [
            self.members[c][(start + i) // self.dataset.classes % len(self.members[c])] for i, c in enumerate(labels)
        ]
        return self.dataset.samples[rows]


@pytest.fixture(scope="session")
def replay(digits, splits) -> Replay:
    return Replay(digits, splits.train)


@pytest.fixture(scope="session")
def held_out(digits, splits) -> Replay:
    """A generator that knows the distribution and none of the training samples."""
    return Replay(digits, np.concatenate([splits.validation, splits.test]))
