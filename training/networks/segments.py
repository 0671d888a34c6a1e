"""The family for samples that are made of parts in time: one network makes each part, after a plan of all of them.

As MuseGAN makes bars (Dong et al. 2018, arXiv:1709.06298, section 4): a temporal network unfolds the latent into a
vector for each bar, and one bar generator, the same for all, makes a bar of it. Here both read the whole latent and the
class, and convolutions are those of the family `conv`, with both channels of a track in one network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.config.config import Config
from training.networks.conv import ConvGenerator, _Halvings
from training.networks.layers import LEAK, Output, VerdictHead, embedding, minibatch_deviation


class SegmentsGenerator(nn.Module):
    """latent float32 [n, latent_size], label int64 [n] -> sample float32 [n, *form] in (-1, 1)."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        self.count = config.segments
        self.embedding = embedding(classes, config.embedding_size)
        planned = config.latent_size
        self.plan = nn.Sequential(
            nn.Linear(config.latent_size + config.embedding_size, 4 * planned),
            nn.LeakyReLU(LEAK),
            nn.Linear(4 * planned, self.count * planned),
        )
        # The plan stands beside the latent, as a second one.
        of_part = config.model_copy(update={"latent_size": config.latent_size + planned})
        self.part = ConvGenerator(_part(form, self.count), classes, of_part)
        self.part.embedding = self.embedding
        self.part.output, self.output = nn.Identity(), Output(config.output)  # type: ignore[assignment]

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        told = self.embedding(label)
        plan = self.plan(torch.cat([latent, told], 1)).unflatten(1, (self.count, -1))
        given = torch.cat([latent[:, None].expand(-1, self.count, -1), plan], 2).flatten(0, 1)
        made = self.part(given, told[:, None].expand(-1, self.count, -1).flatten(0, 1))
        # [n * count, channels, length, ...] -> [n, channels, count * length, ...]
        return self.output(made.unflatten(0, (-1, self.count)).transpose(1, 2).flatten(2, 3))


class SegmentsDiscriminator(nn.Module):
    """sample float32 [n, *form], label int64 [n] -> verdict (see layers.VerdictHead), of all parts, each read alike."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        self.count = config.segments
        self.trunk = _Halvings(_part(form, self.count), classes, config)
        self.minibatch_deviation = config.minibatch_deviation
        wide = config.width * 8
        self.part = nn.Linear(self.trunk.channels * self.trunk.area, wide)
        self.features = nn.Linear(self.count * wide + int(config.minibatch_deviation), wide)
        self.head = VerdictHead(wide, classes, config)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        parts = sample.unflatten(2, (self.count, -1)).transpose(1, 2).flatten(0, 1)
        found = self.trunk(parts, label[:, None].expand(-1, self.count).flatten())
        x = F.leaky_relu(self.part(found.flatten(1)), LEAK).unflatten(0, (-1, self.count)).flatten(1)
        if self.minibatch_deviation:
            x = torch.cat([x, minibatch_deviation(x)], 1)
        return self.head(F.leaky_relu(self.features(x), LEAK), label)


def _part(form: tuple[int, ...], count: int) -> tuple[int, ...]:
    channels, length, *rest = form
    return channels, length // count, *rest
