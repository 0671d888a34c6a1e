"""From a sample back to the latent that makes it, with its class and the class that it is to be carried into.

In rounds: each sees what the latent so far makes, beside the sample, and says how the latent should change (Alaluf et
al. 2021, ReStyle, arXiv:2104.02699). What the network has missed it sees, and no sample needs steps of its own.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.config.config import Config
from training.networks.layers import CONVOLUTIONS, LEAK, embedding, stages

WIDTH = 16  # of which the channels of every convolution are a multiple, at least
UNITS = 256  # of a hidden layer, at least


class Encoder(nn.Module):
    """sample, made float32 [n, *form], source, target: int64 [n] or blends float32 [n, embedding_size], latent float32
    [n, latent_size] -> a better latent, float32 [n, latent_size].
    """

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        self.source, self.target = (embedding(classes, config.embedding_size) for _ in range(2))
        condition = 2 * config.embedding_size
        self.trunk: Any = _Elements(form, config) if len(form) == 1 else _Neighbours(form, condition, config)
        units = max(UNITS, 4 * config.latent_size)
        self.hidden = nn.Linear(self.trunk.features + condition + config.latent_size, units)
        self.change = nn.Linear(units, config.latent_size)
        nn.init.normal_(self.change.weight, std=0.01)
        nn.init.zeros_(self.change.bias)

    def forward(self, sample: Tensor, made: Tensor, source: Tensor, target: Tensor, latent: Tensor) -> Tensor:
        condition = torch.cat([self.source(source), self.target(target)], 1)
        features = self.trunk(torch.cat([sample, made], 1), condition)
        hidden = F.leaky_relu(self.hidden(torch.cat([features, condition, latent], 1)), LEAK)
        return latent + self.change(hidden)


class _Elements(nn.Module):
    """float32 [n, 2 channels] -> float32 [n, features], for forms without extents."""

    def __init__(self, form: tuple[int, ...], config: Config) -> None:
        super().__init__()
        self.features = max(UNITS, config.width)
        self.layer = nn.Linear(2 * form[0], self.features)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return F.leaky_relu(self.layer(x), LEAK)


class _Neighbours(nn.Module):
    """float32 [n, 2 channels, *extents], condition float32 [n, size] -> float32 [n, features]."""

    def __init__(self, form: tuple[int, ...], condition: int, config: Config) -> None:
        super().__init__()
        channels, *extents = form
        count, width = stages(*extents), max(WIDTH, config.width)
        convolution = CONVOLUTIONS[len(extents)]
        sizes = [2 * channels, *(width * min(8, 2 ** (stage + 1)) for stage in range(count))]
        self.halvings = nn.ModuleList(
            convolution(before, after, 4, stride=2, padding=1) for before, after in itertools.pairwise(sizes)
        )
        self.conditions = nn.ModuleList(nn.Linear(condition, size) for size in sizes[1:])
        # Few channels: nearly all weights would else be those that read them.
        self.last = convolution(sizes[-1], 2 * width, 1)
        self.features = 2 * width * math.prod(extent >> count for extent in extents)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        for layer, shift in zip(self.halvings, self.conditions, strict=True):
            moved = shift(condition)
            x = F.leaky_relu(layer(x) + moved.unflatten(1, (-1, *(1 for _ in x.shape[2:]))), LEAK)
        return F.leaky_relu(self.last(x), LEAK).flatten(1)
