"""The seam: what the rest of the program may ask of a kind of data. Everything else it knows is arrays and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from augmint.v1 import generator_pb2 as pb

FEATURES = 128  # of a judge, before its last layer


@dataclass(frozen=True, slots=True)
class Picture:
    """Something to look at: the content of a file, its ending with the dot, and its media type."""

    content: bytes
    suffix: str
    media_type: str


class Augmentation(Protocol):
    """What may be varied without changing the class, while a discriminator learns from few samples."""

    def apply(self, samples: Tensor, probability: float, random: torch.Generator) -> Tensor:
        """Vary each sample with a probability, reals and fakes alike: float32 [n, *form], differentiable."""

    def properties(self, raw: np.ndarray) -> np.ndarray:
        """What `apply` changes, measured on raw samples [n, *shape]: float64 [n, k]. It must not leak into samples."""

    def unseen(self, form: tuple[int, ...]) -> np.ndarray:
        """Deviations of the properties below which nobody sees a difference: float64 [k]."""


class Recipe(Protocol):
    """One way of varying batches while a classifier learns; its text names it in tables."""

    def vary(self, raw: Tensor) -> Tensor:
        """dtype [n, *shape] -> varied float32 [n, *form]."""


class Kind(Protocol):
    """A kind of data, with the shape of its samples: how they are encoded, varied, judged and shown.

    Raw samples are what a client receives: dtype [n, *shape], as `spec` says. Networks see the form: float32
    [n, channels, *extents] in [-1, 1], with no, one or two extents.
    """

    @property
    def spec(self) -> pb.SampleSpec:
        """Shape, dtype, and how a client reads a sample."""

    @property
    def dtype(self) -> np.dtype:
        """Of raw samples, as the specification says."""

    @property
    def form(self) -> tuple[int, ...]:
        """(channels, *extents) of a training sample."""

    @property
    def augmentation(self) -> Augmentation | None:
        """None: nothing may be varied."""

    @property
    def words(self) -> str:
        """A sample in words, e.g. "28 x 28, gray"."""

    def encode(self, raw: Tensor) -> Tensor:
        """dtype [n, *shape] -> float32 [n, *form] in [-1, 1]. It is exported with a judge: plain operators only."""

    def decoder(self) -> nn.Module:
        """The inverse of `encode`, as a module: the end of the exported graph."""

    def likelihood(self, real: Tensor, made: Tensor) -> Tensor:
        """Reconstruction error of an autoencoder, in nats: float32 [n, *form] each -> float32 [n]."""

    def judge(self, outputs: int) -> nn.Module:
        """A new network, float32 [n, *form] -> (features float32 [n, FEATURES], logits float32 [n, outputs])."""

    def recipes(self) -> Sequence[Recipe]:
        """Standard augmentations of a classifier, the default first."""

    @property
    def pretexts(self) -> int:
        """How many answers the pretext task has, at least 2."""

    def pretext(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """What a judge learns where there is one class: changed samples [n, *form], and which change: int64 [n]."""

    def compact(self, raw: np.ndarray, coarse: bool = False) -> np.ndarray:
        """[n, *shape] -> float32 [n, d]: the space in which nearest neighbours are looked for.

        coarse: in fewer values, in which samples that look alike are near; else copies are.
        """

    def picture(self, raw: np.ndarray) -> Picture:
        """Some samples [n, *shape] beside each other."""

    def sheet(self, groups: Sequence[np.ndarray], names: Sequence[str], columns: int, caption: str) -> Picture:
        """Groups of samples, each under its name."""


@dataclass(frozen=True, slots=True)
class Unvaried:
    """The recipe that varies nothing."""

    kind: Kind

    def vary(self, raw: Tensor) -> Tensor:
        return self.kind.encode(raw)

    def __str__(self) -> str:
        return ""


def value_range(dtype: np.dtype) -> float:
    """From the least to the greatest value of a sample: of whole numbers the dtype's, of floats the form's, 2."""
    return float(np.iinfo(dtype).max) - float(np.iinfo(dtype).min) if dtype.kind in "iu" else 2.0
