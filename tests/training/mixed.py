"""Samples of choices and values, in two classes, and a kind that only encodes them: enough to train networks on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.naive_bayes import GaussianNB
from torch import Tensor, nn

from augmint.v1 import generator_pb2 as pb
from training.data import Dataset
from training.data.kind import Block, Head, Kind
from training.kinds.table.columns import Column
from training.kinds.table.encoding import Encoding
from training.kinds.table.head import TableHead

COLUMNS = (
    Column("size", minimum=-4, maximum=9),
    Column("colour", ("red", "green", "blue")),
    Column("count", whole=True, minimum=0, maximum=400, missing=True),
    Column("kind", tuple("abcdefgh"), missing=True),
)


class Pupil:
    """Naive Bayes; what is missing counts as -1."""

    def __init__(self, classes: int) -> None:
        self._classes = classes

    def fit(self, samples: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> None:
        self._model = GaussianNB().fit(np.nan_to_num(samples, nan=-1), labels, weights)

    def predict_proba(self, samples: np.ndarray) -> np.ndarray:
        found = np.zeros((len(samples), self._classes))
        found[:, self._model.classes_] = self._model.predict_proba(np.nan_to_num(samples, nan=-1))
        return found


class Mixed(Kind):
    """float32 [4]; whether a value is missing, and where in its range it is, may be compared."""

    spec = pb.SampleSpec(shape=[4], dtype=pb.DATA_TYPE_FLOAT32)
    dtype = np.dtype(np.float32)
    augmentation = None
    words = "4 choices and values"
    recommended = ("tabgan", "tvae")
    trials = True

    def __init__(self, raw: np.ndarray, columns: Sequence[Column] = COLUMNS) -> None:
        self._encoding = Encoding.fit(columns, raw)

    @property
    def form(self) -> tuple[int, ...]:
        return (self._encoding.width,)

    @property
    def blocks(self) -> Sequence[Block]:
        return self._encoding.blocks

    def encode(self, raw: Tensor) -> Tensor:
        return self._encoding.encode(raw)

    def decoder(self) -> nn.Module:
        return self._encoding.decoder()

    def head(self) -> Head:
        return TableHead(self._encoding)

    def pupil(self, classes: int, seed: int) -> Pupil:
        return Pupil(classes)

    def values(self, raw: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(raw), -1, raw / np.array([13, 2, 400, 7]))


def samples(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """float32 [count, 4] and int64 [count]: size and colour go by the class, the count by colour."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 2
    size = np.clip(np.where(labels, random.normal(5, 1, count), random.normal(-1, 1, count)), -4, 9)
    colour = np.where(random.random(count) < 0.8, labels, 2)
    number = np.where(random.random(count) < 0.5, 0, random.integers(0, 200, count) * (1 + (colour == 2)))
    raw = np.stack([size, colour, number, random.integers(0, 8, count)], 1).astype(np.float32)
    raw[random.random(count) < 0.1, 2] = np.nan
    raw[random.random(count) < 0.1, 3] = np.nan
    return raw, labels


def dataset() -> Dataset:
    raw, labels = samples()
    return Dataset("mixed", raw, labels, ("small", "large"), "0" * 64, None, (), Mixed(raw))
