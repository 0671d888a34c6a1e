"""A small table as choices and nothing else: what a likelihood needs of a kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from augmint.v1 import generator_pb2 as pb
from training.data.kind import Kind
from training.kinds.table.choices import Choices
from training.kinds.table.columns import Column, sample_spec


@dataclass(frozen=True)
class Plain(Kind):
    """Rows, float32 [columns]."""

    choices: Choices

    dtype = np.dtype(np.float32)
    augmentation = None
    words = "a few columns"

    @classmethod
    def of(cls, columns: tuple[Column, ...], raw: np.ndarray) -> Plain:
        return cls(Choices.fit(columns, raw))

    @property
    def tokens(self) -> Choices:
        return self.choices

    @property
    def spec(self) -> pb.SampleSpec:
        return sample_spec(self.choices.columns, "label")

    @property
    def form(self) -> tuple[int, ...]:
        return (len(self.choices.columns),)

    def encode(self, raw: Tensor) -> Tensor:
        return torch.nan_to_num(raw)

    def decoder(self) -> nn.Module:
        return nn.Identity()

    def values(self, raw: np.ndarray) -> np.ndarray:
        return np.nan_to_num(raw, nan=-1e3)


COLUMNS = (
    Column("shape", ("round", "square", "none"), missing=True),
    Column("constant", minimum=7, maximum=7, whole=True),
    Column("size", minimum=0, maximum=40, decimals=1),
    Column("count", missing=True, minimum=0, maximum=400, whole=True),
)


def rows(count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """float32 [n, 4], int64 [n]: two classes, which decide the shape in 9 of 10 rows, and it the size."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 2
    shape = np.where(random.random(count) < 0.9, labels, 2).astype(np.float32)
    size = (10 * shape + random.uniform(0, 10, count)).round(1)
    number = np.where(random.random(count) < 0.2, np.nan, random.poisson(20 + 100 * labels))
    shape[random.random(count) < 0.05] = np.nan
    return np.stack([shape, np.full(count, 7.0), size, number], 1).astype(np.float32), labels
