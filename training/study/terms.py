"""Samples of one kind in the terms of another: of the data set, or of the few samples that a repeat learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from service.artifact import Rows
from training.data.kind import Kind
from training.export.sampling import Drawn


class Judge(Protocol):
    """What candidates are chosen among by."""

    def predict_proba(self, samples: np.ndarray) -> np.ndarray:
        """Raw samples [n, *shape] -> probability of each class, [n, classes]."""


@dataclass(frozen=True, slots=True)
class DrawnAs:
    """Samples of a generator of kind `of`, as those of `into`."""

    drawn: Drawn
    of: Kind
    into: Kind

    def run(self, rows: Rows) -> np.ndarray:
        return as_of(self.drawn.run(rows), self.of, self.into)


@dataclass(frozen=True, slots=True)
class JudgedAs:
    """A judge of samples of kind `into`, for those of `of`."""

    judge: Judge
    of: Kind
    into: Kind

    def predict_proba(self, samples: np.ndarray) -> np.ndarray:
        return self.judge.predict_proba(as_of(samples, self.of, self.into))


def as_of(samples: np.ndarray, of: Kind, into: Kind) -> np.ndarray:
    """Raw samples of one kind as those of another fitting of it."""
    found = into.adopted(samples, of)[0]
    assert isinstance(found, np.ndarray), "an array stays one"
    return found
