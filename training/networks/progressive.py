"""The progressive family: both networks grow from the base to the full size while they train (Karras et al. 2018).

One convolution per resolution in each network, where the paper has two: the doublings and halvings of the other
families. Whatever the level, samples have their full size: small ones are doubled up, and averaged back where they are
judged, which changes neither and lets the rest of the program know nothing of growing.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.config.config import Config
from training.networks.layers import (
    CONVOLUTIONS,
    DROPOUTS,
    LEAK,
    Output,
    UpConv,
    VerdictHead,
    embedding,
    minibatch_deviation,
    norm,
    stages,
)


def growth(levels: int, progress: float, share: float) -> tuple[int, float]:
    """Level in [0, levels) and the weight of its new layers in (0, 1], for a run that is so far over.

    The growing share of the run has equal parts: the base trains, then each level fades in and trains (section 3 and
    figure 2); what is left of the run trains the whole.
    """
    parts = 2 * levels - 1
    part = progress / share * parts if share > 0 else parts
    if part >= parts:
        return levels - 1, 1.0
    level, inside = (int(part) + 1) // 2, part - int(part)
    return level, inside if level and int(part) % 2 else 1.0


POOLS = {1: F.avg_pool1d, 2: F.avg_pool2d}


class _Growing(nn.Module):
    """A network that runs up to a level of its layers, the last ones faded in by a weight."""

    levels: int

    def __init__(self) -> None:
        super().__init__()
        self.level, self.fade = 0, 1.0

    def grow(self, level: int, fade: float) -> None:
        self.level, self.fade = level, fade


def _doubled(x: Tensor, times: int) -> Tensor:
    return x if times == 0 else F.interpolate(x, scale_factor=float(2**times), mode="nearest")


def _averaged(x: Tensor, times: int) -> Tensor:
    return x if times == 0 else POOLS[x.dim() - 2](x, 2**times)


def blurred(sample: Tensor, levels: int, level: int, fade: float) -> Tensor:
    """Real samples as the generator of that level could make them: its resolution, faded from the one below."""
    coarse = levels - 1 - level
    seen = _averaged(sample, coarse)
    if fade < 1:
        seen = fade * seen + (1 - fade) * _doubled(_averaged(seen, 1), 1)
    return _doubled(seen, coarse)


class ProgressiveGenerator(_Growing):
    """latent float32 [n, latent_size], label int64 [n] -> sample float32 [n, *form] in [-1, 1]."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        channels, *extents = form
        count = stages(*extents)
        self.levels = count + 1
        self.base = tuple(extent >> count for extent in extents)
        self.embedding = embedding(classes, config.embedding_size)
        sizes = [config.width * min(8, 2 ** (count - level)) for level in range(self.levels)]
        self.enter = norm("pixel" if config.generator_norm == "pixel" else "none", 0, len(extents))
        self.first = nn.Linear(config.latent_size + config.embedding_size, sizes[0] * math.prod(self.base))
        self.ups = nn.ModuleList(UpConv(a, b, len(extents)) for a, b in itertools.pairwise(sizes))
        self.norms = nn.ModuleList(norm(config.generator_norm, size, len(extents)) for size in sizes)
        self.to_sample = nn.ModuleList(CONVOLUTIONS[len(extents)](size, channels, 1) for size in sizes)
        self.output = Output(config.output)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        x = self.enter(torch.cat([latent, self.embedding(label)], 1))
        x = F.leaky_relu(self.norms[0](self.first(x).unflatten(1, (-1, *self.base))), LEAK)
        below = x
        for up, layer_norm in zip(self.ups[: self.level], self.norms[1 : self.level + 1], strict=True):
            below, x = x, F.leaky_relu(layer_norm(up(x)), LEAK)
        sample = self.to_sample[self.level](x)
        if self.fade < 1:
            old = _doubled(self.to_sample[self.level - 1](below), 1)
            sample = self.fade * sample + (1 - self.fade) * old
        return _doubled(self.output(sample), self.levels - 1 - self.level)

    def folded(self) -> ProgressiveGenerator:
        """Fully grown, without what only growing needs."""
        self.grow(self.levels - 1, 1.0)
        last = self.to_sample[-1]
        self.to_sample = nn.ModuleList(nn.Identity() for _ in self.ups)
        self.to_sample.append(last)
        return self


class ProgressiveDiscriminator(_Growing):
    """sample float32 [n, *form], label int64 [n] -> verdict (see layers.VerdictHead)."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        channels, *extents = form
        count = stages(*extents)
        self.levels = count + 1
        sizes = [config.width * min(8, 2 ** (count - level)) for level in range(self.levels)]
        self.plane = None
        if config.discriminator_conditioning == "concatenation":
            self.plane = nn.Embedding(classes, math.prod(extents))
            channels += 1
        self.plane_form = (1, *extents)
        convolution = CONVOLUTIONS[len(extents)]
        self.from_sample = nn.ModuleList(convolution(channels, size, 1) for size in sizes)
        self.downs = nn.ModuleList(convolution(b, a, 4, stride=2, padding=1) for a, b in itertools.pairwise(sizes))
        self.norms = nn.ModuleList(norm(config.discriminator_norm, size, len(extents)) for size in sizes[:-1])
        self.dropout = DROPOUTS[len(extents)](config.dropout)
        self.minibatch_deviation = config.minibatch_deviation
        flat = (sizes[0] + int(config.minibatch_deviation)) * math.prod(extent >> count for extent in extents)
        self.features = nn.Linear(flat, config.width * 8)
        self.head = VerdictHead(config.width * 8, classes, config)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        if self.plane is not None:
            sample = torch.cat([sample, self.plane(label).unflatten(1, self.plane_form)], 1)
        sample = _averaged(sample, self.levels - 1 - self.level)
        x = F.leaky_relu(self.from_sample[self.level](sample), LEAK)
        for level in range(self.level, 0, -1):
            x = self.dropout(F.leaky_relu(self.norms[level - 1](self.downs[level - 1](x)), LEAK))
            if level == self.level and self.fade < 1:
                old = F.leaky_relu(self.from_sample[level - 1](_averaged(sample, 1)), LEAK)
                x = self.fade * x + (1 - self.fade) * old
        if self.minibatch_deviation:
            x = torch.cat([x, minibatch_deviation(x)], 1)
        return self.head(F.leaky_relu(self.features(x.flatten(1)), LEAK), label)
