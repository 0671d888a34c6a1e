"""The family for waves: kernels of 25 and strides of 4 along one extent (Donahue et al. 2019, arXiv:1802.04208).

A wave repeats over tens of frames where a picture changes within a few pixels: with small kernels and strides of 2 no
layer sees a period of a low tone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.config.config import Config
from training.networks.layers import LEAK, Output, VerdictHead, embedding, norm

_KERNEL, _STRIDE, _PAD = 25, 4, 11
_LEAST = 16  # frames that are left, as in the paper


def quarterings(form: tuple[int, ...]) -> int:
    """How often a wave is shortened to a quarter, at least twice."""
    length, count = form[1], 0
    while length % _STRIDE == 0 and length // _STRIDE >= _LEAST:
        length, count = length // _STRIDE, count + 1
    assert count >= 2, "rules.unfit says so before"
    return count


class WaveGenerator(nn.Module):
    """latent float32 [n, latent_size], label int64 [n] -> wave float32 [n, channels, frames] in (-1, 1)."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        count = quarterings(form)
        self.embedding = embedding(classes, config.embedding_size)
        self.base = form[1] // _STRIDE**count
        sizes = [config.width * 2 ** (count - 1 - stage) for stage in range(count)]
        self.first = nn.Linear(config.latent_size + config.embedding_size, sizes[0] * self.base)
        self.norms = nn.ModuleList(norm(config.generator_norm, size, 1) for size in sizes)
        self.ups = nn.ModuleList(
            nn.ConvTranspose1d(before, after, _KERNEL, _STRIDE, _PAD, output_padding=1)
            for before, after in zip(sizes, [*sizes[1:], form[0]], strict=True)
        )
        self.output = Output(config.output)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        x = self.first(torch.cat([latent, self.embedding(label)], 1)).unflatten(1, (-1, self.base))
        for layer_norm, up in zip(self.norms, self.ups, strict=True):
            x = up(F.relu(layer_norm(x)))
        return self.output(x)


class PhaseShuffle(nn.Module):
    """Moves all channels of each sample by its own few frames, edges mirrored, while it trains (section 3.3).

    Or the discriminator would tell generated waves by the phase at which what strides leave behind repeats.
    """

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach = reach

    def forward(self, x: Tensor) -> Tensor:
        """x: float [n, channels, frames]"""
        if not self.reach or not self.training:
            return x
        length = x.shape[2]
        by = torch.randint(-self.reach, self.reach + 1, (len(x), 1), device=x.device)
        place = (torch.arange(length, device=x.device) + by).abs()
        place = (length - 1) - ((length - 1) - place).abs()
        return x.gather(2, place[:, None, :].expand_as(x))


class WaveDiscriminator(nn.Module):
    """wave float32 [n, channels, frames], label int64 [n] -> verdict (see layers.VerdictHead)."""

    def __init__(self, form: tuple[int, ...], classes: int, config: Config) -> None:
        super().__init__()
        count, channels = quarterings(form), form[0]
        self.plane = None
        if config.discriminator_conditioning == "concatenation":
            self.plane = nn.Embedding(classes, form[1])
            channels += 1
        sizes = [config.width * 2**stage for stage in range(count)]
        layers: list[nn.Module] = []
        for stage, (before, after) in enumerate(zip([channels, *sizes[:-1]], sizes, strict=True)):
            layers.append(nn.Conv1d(before, after, _KERNEL, _STRIDE, _PAD))
            if config.discriminator_norm != "none" and stage > 0:
                layers.append(norm(config.discriminator_norm, after, 1))
            layers.append(nn.LeakyReLU(LEAK))
            if config.dropout:
                layers.append(nn.Dropout1d(config.dropout))
            if stage < count - 1:
                layers.append(PhaseShuffle(config.phase_shuffle))
        self.layers = nn.Sequential(*layers)
        self.head = VerdictHead(math.prod((sizes[-1], form[1] // _STRIDE**count)), classes, config)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        if self.plane is not None:
            sample = torch.cat([sample, self.plane(label)[:, None]], 1)
        return self.head(self.layers(sample).flatten(1), label)
