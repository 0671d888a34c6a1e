"""Samples of one kind in the terms of another: of the data set, or of the few samples that a repeat learned from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from service.artifact import Originals, Rows
from service.runtime.session import Session
from training.data.kind import Kind


class Judge(Protocol):
    """What candidates are chosen among by."""

    def predict_proba(self, samples: np.ndarray) -> np.ndarray:
        """Raw samples [n, *shape] -> probability of each class, [n, classes]."""


@dataclass(frozen=True, slots=True)
class DrawnAs:
    """Samples of a generator of kind `of`, as those of `into`."""

    session: Session
    of: Kind
    into: Kind

    def run(self, rows: Rows) -> np.ndarray:
        return as_of(self.session.run(rows), self.of, self.into)

    def run_transform(self, originals: Originals) -> tuple[np.ndarray, np.ndarray]:
        own = replace(originals, content=as_of(originals.content, self.into, self.of))
        samples, classes = self.session.run_transform(own)
        return as_of(samples, self.of, self.into), classes


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
