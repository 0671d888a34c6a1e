"""Between raw images, uint8 [n, h, w, c], and what networks see, float32 [n, c, h, w] in [-1, 1]."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

SIDE = 32  # of the images whose distances are measured: a copy survives that, noise of single pixels does not matter
COARSE_SIDE = 16  # of the images that are compared by how they look


def encode(raw: Tensor) -> Tensor:
    """Levels 0..255 to [-1, 1]."""
    return raw.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format) * (2 / 255) - 1


class Decoder(nn.Module):
    """[-1, 1] to the nearest of 256 levels."""

    def forward(self, sample: Tensor) -> Tensor:
        # The levels are in [0.5, 255.5] and need no clipping; the cast truncates.
        levels = sample * 127.5 + 128.0
        return levels.to(torch.uint8).permute(0, 2, 3, 1)


def likelihood(real: Tensor, made: Tensor) -> Tensor:
    """The elements are taken for probabilities, as is usual for images (Kingma and Welling 2014, appendix C.1).

    A cross-entropy that is least where the decoder's output equals the sample.
    """
    target, probability = (real + 1) / 2, ((made + 1) / 2).clamp(1e-6, 1 - 1e-6)
    return binary_cross_entropy(probability, target, reduction="none").flatten(1).sum(1)


def shrunk(raw: np.ndarray, most: int) -> np.ndarray:
    """uint8 [n, h, w, c] -> float32 [n, values], shrunk by averaging to at most so many pixels a side."""
    n, side = raw.shape[:2]
    factor = next(f for f in range(1, side + 1) if side % f == 0 and side // f <= most)
    small = side // factor
    blocks = raw.reshape(n, small, factor, small, factor, raw.shape[3])
    return blocks.mean(axis=(2, 4), dtype=np.float32).reshape(n, -1)
