"""Samples: of an exported graph, by address, and of a generator that is still in training."""

from __future__ import annotations

import numpy as np
import torch

from service import artifact
from service.runtime.session import Session
from training.data.kind import Kind

# The quality card's samples: their own seed, so that nobody's first samples are the measured ones.
MEASURED_SEED = 2**41


def addressed_samples(
    session: Session, labels: np.ndarray, seed: int, start: int, *, truncation: float = 1.0, page: int = 256
) -> np.ndarray:
    """labels: int64 [n]. Returns dtype [n, *shape], sample i being of labels[i] at index start + i."""
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
    kind: Kind,
    labels: np.ndarray,
    latent_size: int,
    seed: int,
    device: torch.device,
    batch_size: int = 256,
) -> np.ndarray:
    """Raw samples of a generator in evaluation, decoded as the exported graph does.

    labels:  int64 [n].
    returns: dtype [n, *shape], of the kind.
    """
    decoder = kind.decoder().to(device)
    random = torch.Generator(device).manual_seed(seed)
    pages = []
    for start in range(0, len(labels), batch_size):
        label = torch.from_numpy(labels[start : start + batch_size]).to(device)
        sample = module(torch.randn(len(label), latent_size, generator=random, device=device), label)
        pages.append(decoder(sample.float()).cpu().numpy())
    return np.concatenate(pages)
