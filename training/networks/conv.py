"""The convolutional family: a trunk of doublings in the generator, of halvings in the discriminator and the encoder."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.config.config import Config
from training.networks.layers import (
    CONVOLUTIONS,
    DROPOUTS,
    LEAK,
    ConditionalBatchNorm,
    Output,
    UnconditionalNorm,
    UpConv,
    VerdictHead,
    embedding,
    minibatch_deviation,
    norm,
    stages,
)


class ConvGenerator(nn.Module):
    """latent float32 [n, latent_size], label int64 [n] -> sample float32 [n, *form] in (-1, 1)."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        channels, *extents = form
        count = stages(*extents)
        self.base = tuple(extent >> count for extent in extents)
        self.embedding = embedding(classes, config.embedding_size)
        condition_size = config.latent_size + config.embedding_size
        # Channels from the base to the last hidden layer, e.g. 4w, 2w; capped at 8w.
        sizes = [config.width * min(8, 2 ** (count - stage)) for stage in range(count)]
        self.first = nn.Linear(condition_size, sizes[0] * math.prod(self.base))
        self.norms = nn.ModuleList(
            ConditionalBatchNorm(size, condition_size, len(extents))
            if config.generator_norm == "conditional-batch"
            else UnconditionalNorm(norm(config.generator_norm, size, len(extents)))
            for size in sizes
        )
        self.ups = nn.ModuleList(UpConv(a, b, len(extents)) for a, b in zip(sizes, [*sizes[1:], channels], strict=True))
        self.output = Output(config.output)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        condition = torch.cat([latent, self.embedding(label)], 1)
        x = self.first(condition).unflatten(1, (-1, *self.base))
        for layer_norm, up in zip(self.norms, self.ups, strict=True):
            x = up(F.leaky_relu(layer_norm(x, condition), LEAK))
        return self.output(x)


class _Halvings(nn.Module):
    """sample [n, *form], label [n] -> features [n, 4w or more, *extents >> stages].

    With concatenation the class is a further input channel (Mirza and Osindero 2014, for images a plane).
    """

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        channels, *extents = form
        count = stages(*extents)
        sizes = [config.width * min(8, 2 ** (stage + 1)) for stage in range(count)]
        self.channels, self.area = sizes[-1], math.prod(extent >> count for extent in extents)
        self.plane = None
        if config.discriminator_conditioning == "concatenation":
            self.plane = nn.Embedding(classes, math.prod(extents))
            channels += 1
        self.plane_form = (1, *extents)
        layers: list[nn.Module] = []
        for stage, (a, b) in enumerate(zip([channels, *sizes[:-1]], sizes, strict=True)):
            layers.append(CONVOLUTIONS[len(extents)](a, b, 4, stride=2, padding=1))
            if config.discriminator_norm != "none" and stage > 0:  # none at the input (DCGAN, section 3)
                layers.append(norm(config.discriminator_norm, b, len(extents)))
            layers.append(nn.LeakyReLU(LEAK))
            if config.dropout:
                layers.append(DROPOUTS[len(extents)](config.dropout))
        self.layers = nn.Sequential(*layers)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        if self.plane is not None:
            sample = torch.cat([sample, self.plane(label).unflatten(1, self.plane_form)], 1)
        return self.layers(sample)


class ConvDiscriminator(nn.Module):
    """sample float32 [n, *form], label int64 [n] -> verdict (see layers.VerdictHead)."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        self.trunk = _Halvings(form, classes, config)
        self.minibatch_deviation = config.minibatch_deviation
        flat = (self.trunk.channels + int(config.minibatch_deviation)) * self.trunk.area
        features = config.width * 8
        self.features = nn.Linear(flat, features)
        self.head = VerdictHead(features, classes, config)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        x = self.trunk(sample, label)
        if self.minibatch_deviation:
            x = torch.cat([x, minibatch_deviation(x)], 1)
        return self.head(F.leaky_relu(self.features(x.flatten(1)), LEAK), label)


class ConvEncoder(nn.Module):
    """sample, label -> float32 [n, 2 latent_size]: mean and logarithm of the variance of the latent."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        self.trunk = _Halvings(form, classes, config)
        self.latent = nn.Linear(self.trunk.channels * self.trunk.area, 2 * config.latent_size)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        return self.latent(self.trunk(sample, label).flatten(1))
