"""Samples: of an exported graph, by address, and of a generator that is still in training."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Protocol

import numpy as np

from service import artifact
from service.runtime.session import Session

# The quality card's samples: their own seed, so that nobody's first samples are the measured ones.
MEASURED_SEED = 2**41


class Drawn(Protocol):
    """What samples are drawn from by address: a session, or one whose samples are changed on their way."""

    def run(self, rows: artifact.Rows) -> np.ndarray:
        """n addresses -> raw samples [n, *shape]."""


class Carrying(Protocol):
    """What carries samples into other classes: a session, or one whose samples are changed on their way."""

    def run_transform(self, originals: artifact.Originals) -> tuple[np.ndarray, np.ndarray]:
        """n samples -> raw samples [n, *shape] of other classes, and the classes that they were of, int64 [n]."""


def addressed_samples(
    session: Drawn, labels: np.ndarray, seed: int, start: int, *, truncation: float = 1.0, page: int = 256
) -> np.ndarray:
    """labels: int64 [n]. Returns dtype [n, *shape], sample i being of labels[i] at index start + i."""
    pages = []
    for first in range(0, len(labels), page):
        label = labels[first : first + page].astype(np.int64)
        index = np.arange(start + first, start + first + len(label), dtype=np.uint64)
        key = np.full(len(label), artifact.mix_seed(seed), np.uint64)
        pages.append(session.run(artifact.Rows(key, index, label, np.full(len(label), truncation, np.float32))))
    return np.concatenate(pages)


def carried_samples(
    session: Carrying, raw: np.ndarray, target: np.ndarray, source: np.ndarray, strength: float, *, page: int = 256
) -> np.ndarray:
    """Samples in other classes: dtype [n, *shape]; target, source: int64 [n]; of a file that transforms."""
    pages = []
    for first in range(0, len(raw), page):
        here = slice(first, first + page)
        content = np.ascontiguousarray(raw[here])
        share = np.full(len(content), strength, np.float32)
        classes = target[here].astype(np.int64), source[here].astype(np.int64)
        pages.append(session.run_transform(artifact.Originals(content, *classes, share))[0])
    return np.concatenate(pages)


def to_be_measured(session: Drawn) -> Callable[[np.ndarray, int], np.ndarray]:
    """What the quality card is measured on: (class indices int64 [n], start) -> raw samples [n, *shape]."""
    return lambda labels, start: addressed_samples(session, labels, MEASURED_SEED, start)


def to_be_carried(session: Session) -> Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray] | None:
    """The same of samples in other classes, see `carried_samples`; None of a file that does not transform."""
    return functools.partial(carried_samples, session) if session.transforms else None
