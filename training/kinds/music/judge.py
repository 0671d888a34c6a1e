"""The network that judges rolls, and what it learns where there is one class."""

from __future__ import annotations

import torch
from torch import Tensor

from training.kinds.trunk import Convolutional, halving

TURNS = 2  # as they are, and backwards


class Network(Convolutional):
    """float32 [n, channels, steps, pitches]: see Convolutional."""

    def __init__(self, form: tuple[int, ...], outputs: int) -> None:
        channels, *extents = form
        super().__init__(channels, extents, halving(extents), outputs)


def turned(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Half of the samples [n, channels, steps, pitches] backwards; which: int64 [n]."""
    turns = torch.arange(len(samples), device=samples.device) % TURNS
    return torch.where((turns == 1)[:, None, None, None], samples.flip(2), samples), turns
