"""The perceptron family: every element of a sample is a unit, and no element knows its neighbours."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from training.config.config import Config
from training.networks.layers import LEAK, Output, VerdictHead, embedding, norm


class MlpGenerator(nn.Module):
    """latent float32 [n, latent_size], label int64 [n] -> sample float32 [n, *form] in (-1, 1)."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        self.form = form
        self.embedding = embedding(classes, config.embedding_size)
        sizes = [config.latent_size + config.embedding_size, *(config.width * 2**layer for layer in range(4))]
        layers: list[nn.Module] = []
        for layer, (a, b) in enumerate(itertools.pairwise(sizes)):
            layers.append(nn.Linear(a, b))
            if config.generator_norm != "none" and layer > 0:
                layers.append(norm(config.generator_norm, b, 1))
            layers.append(nn.LeakyReLU(LEAK))
        self.trunk = nn.Sequential(*layers, nn.Linear(sizes[-1], math.prod(form)))
        self.output = Output(config.output)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        x = self.trunk(torch.cat([latent, self.embedding(label)], 1))
        return self.output(x.unflatten(1, self.form))


class _Trunk(nn.Module):
    """sample [n, *form], label [n] -> features [n, units], the class beside the sample's elements."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        self.units = config.width * 4
        elements = math.prod(form)
        concatenated = config.discriminator_conditioning == "concatenation"
        self.embedding = embedding(classes, config.embedding_size) if concatenated else None
        sizes = [elements + (config.embedding_size if concatenated else 0), self.units, self.units, self.units]
        layers: list[nn.Module] = []
        for layer, (a, b) in enumerate(itertools.pairwise(sizes)):
            layers.append(nn.Linear(a, b))
            if config.discriminator_norm != "none" and layer > 0:
                layers.append(norm(config.discriminator_norm, b, 1))
            layers += [nn.LeakyReLU(LEAK), nn.Dropout(config.dropout)]
        self.layers = nn.Sequential(*layers)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        x = sample.flatten(1)
        return self.layers(x if self.embedding is None else torch.cat([x, self.embedding(label)], 1))


class MlpDiscriminator(nn.Module):
    """sample float32 [n, *form], label int64 [n] -> verdict (see layers.VerdictHead)."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        self.trunk = _Trunk(form, classes, config)
        self.head = VerdictHead(self.trunk.units, classes, config)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        return self.head(self.trunk(sample, label), label)


class MlpEncoder(nn.Module):
    """sample, label -> float32 [n, 2 latent_size]: mean and logarithm of the variance of the latent."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        self.trunk = _Trunk(form, classes, config)
        self.latent = nn.Linear(self.trunk.units, 2 * config.latent_size)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        return self.latent(self.trunk(sample, label))
