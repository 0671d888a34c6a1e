"""Samples: of an exported graph, by address, and of a generator that is still in training."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from service import artifact
from service.session import Session

# The quality card's samples: their own seed, so that nobody's first samples are the measured ones.
MEASURED_SEED = 2**41


def addressed_samples(
    session: Session, labels: np.ndarray, seed: int, start: int, *, truncation: float = 1.0, page: int = 256
) -> np.ndarray:
    """labels: int64 [n]. Returns uint8 [n, height, width, channels], sample i being of labels[i] at index start + i."""
    pages = []
    for first in range(0, len(labels), page):
        label = labels[first : first + page].astype(np.int64)
        index = np.arange(start + first, start + first + len(label), dtype=np.uint64)
        key = np.full(len(label), artifact.mix_seed(seed), np.uint64)
        pages.append(session.run(artifact.Rows(key, index, label, np.full(len(label), truncation, np.float32))))
    return np.concatenate(pages)


@torch.no_grad()
def draw_samples(
    module: torch.nn.Module,
    labels: np.ndarray,
    latent_size: int,
    seed: int,
    device: torch.device,
    batch_size: int = 256,
) -> np.ndarray:
    """Samples of a generator in its training form, quantised as the exported graph does.

    labels:  int64 [n].
    returns: uint8 [n, height, width, channels].
    """
    random = torch.Generator(device).manual_seed(seed)
    pages = []
    for start in range(0, len(labels), batch_size):
        label = torch.from_numpy(labels[start : start + batch_size]).to(device)
        sample = module(torch.randn(len(label), latent_size, generator=random, device=device), label)
        pages.append(quantise(sample.float()).permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(pages)


def quantise(sample: Tensor) -> Tensor:
    """[-1, 1] to the 256 levels of an image: float32 to uint8. Truncation of x * 127.5 + 128 rounds to the nearest."""
    return (sample * 127.5 + 128.0).clamp(0, 255).to(torch.uint8)
