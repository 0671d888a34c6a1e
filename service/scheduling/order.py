"""A validated request: which rows of which stream, or which samples to carry into other classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from service import artifact


@dataclass(frozen=True, slots=True)
class Order:
    """Samples to be made."""

    labels: np.ndarray  # int64 [n], class indices
    seed: int  # as the caller knows it, in [0, 2^64)
    start_index: int  # start_index + n <= 2^48
    truncation: float  # in (0, 2]
    indices: np.ndarray | None = None  # uint64 [n], each below 2^48; None: start_index and those that follow
    keep: int = 0  # selection: positions are those of the selected stream; 0: none
    of: int = 0

    carries: ClassVar[bool] = False

    @property
    def n(self) -> int:
        return len(self.labels)

    @property
    def key(self) -> np.uint64:
        """The graph's `seed`."""
        return artifact.mix_seed(self.seed)


@dataclass(frozen=True, slots=True)
class Carry:
    """Samples to be carried into other classes."""

    originals: artifact.Originals  # their content may be a part of the request's own bytes

    carries: ClassVar[bool] = True
    key: ClassVar[np.uint64] = np.uint64(0)  # it has no seed

    @property
    def n(self) -> int:
        return len(self.originals.target)
