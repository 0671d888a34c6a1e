"""The network that judges sounds, and how they are varied while it learns."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.data.kind import FEATURES
from training.kinds.audio import form
from training.kinds.audio.form import FULL, Statistics
from training.kinds.audio.mel import BANDS, LogMel

TURNS = 4  # as they are, backwards, upside down, both
_SMALL = 6  # cells of an extent that are not halved further
_WIDTHS = (24, 48, 96)


class Network(nn.Module):
    """float32 [n, 1, bins, columns] -> (features [n, FEATURES], logits [n, outputs]).

    3x3 convolutions with batch norm over a log-mel spectrogram, halving until 6 or fewer cells an extent remain; one
    hidden layer.
    """

    def __init__(self, rate: int, columns: int, statistics: Statistics, outputs: int) -> None:
        super().__init__()
        self.seen = LogMel(rate, statistics)
        layers: list[nn.Module] = []
        before, extents = 1, [BANDS, columns]
        while not layers or max(extents) > _SMALL:
            width = _WIDTHS[min(len(layers) // 3, 2)]
            # At first only time, of which neighbouring columns share most of what they show.
            strides = [2 if extent > _SMALL and (layers or axis) else 1 for axis, extent in enumerate(extents)]
            layers += [
                nn.Conv2d(before, width, 3, (strides[0], strides[1]), 1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            before, extents = width, [-(-extent // stride) for extent, stride in zip(extents, strides, strict=True)]
        self.trunk = nn.Sequential(*layers)
        self.hidden = nn.Linear(before * extents[0] * extents[1], FEATURES, bias=False)
        self.norm = nn.BatchNorm1d(FEATURES)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(FEATURES, outputs)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        features = functional.relu(self.norm(self.hidden(self.trunk(self.seen(samples)).flatten(1))))
        return features, self.head(self.dropout(features))


@dataclass(frozen=True, slots=True)
class AudioRecipe:
    """How batches of sounds are varied while a classifier learns (Park et al. 2019, SpecAugment, arXiv:1904.08779)."""

    rate: int
    statistics: Statistics
    shift: float = 0.1  # reach of random shifts, share of the length; what is left open is silent
    gain: float = 0.0  # reach of random gains, dB
    mask: float = 0.0  # widest band of frequencies and widest stretch of time that are covered, share

    def sounds(self, raw: Tensor) -> Tensor:
        """int16 [n, frames] -> shifted and louder or quieter, float32 [n, frames]."""
        sounds = shifted(raw, self.shift).to(torch.float32) / FULL
        if self.gain:
            decibels = (torch.rand(len(raw), 1, device=raw.device) * 2 - 1) * self.gain
            sounds = sounds * 10 ** (decibels / 20)
        return sounds

    def vary(self, raw: Tensor) -> Tensor:
        """int16 [n, frames] -> varied float32 [n, 1, bins, columns]."""
        samples = self.statistics.formed(form.spectrogram(self.sounds(raw), self.rate))[:, None]
        if self.mask:
            covered = _stretch(samples, 2, self.mask) | _stretch(samples, 3, self.mask)
            samples = torch.where(covered, torch.zeros((), device=raw.device), samples)  # the mean of each bin
        return samples

    def __str__(self) -> str:
        words = [f"shift {self.shift:.3g}"] if self.shift else []
        words += [f"gain {self.gain:g} dB"] if self.gain else []
        words += [f"mask {self.mask:g}"] if self.mask else []
        return ", ".join(words)


def standard(rate: int, statistics: Statistics) -> list[AudioRecipe]:
    return [
        AudioRecipe(rate, statistics),
        AudioRecipe(rate, statistics, gain=6),
        AudioRecipe(rate, statistics, mask=0.2),
        AudioRecipe(rate, statistics, gain=6, mask=0.2),
        AudioRecipe(rate, statistics, shift=0.2, gain=6, mask=0.2),
    ]


def shifted(raw: Tensor, share: float) -> Tensor:
    """Move each sound of [n, frames] by its own whole frames, up to a share of its length; what opens is silent."""
    count, length = raw.shape
    most = int(length * share)
    offsets = torch.randint(-most, most + 1, (count, 1), device=raw.device)
    places = torch.arange(length, device=raw.device) + offsets
    inside = (places >= 0) & (places < length)
    return raw.gather(1, places.clamp(0, length - 1)) * inside


def _stretch(samples: Tensor, axis: int, most: float) -> Tensor:
    """A random stretch of an axis of each sample: bool, to be broadcast."""
    count, length = len(samples), samples.shape[axis]
    width = torch.rand(count, device=samples.device) * most * length
    start = torch.rand(count, device=samples.device) * (length - width)
    place = torch.arange(length, device=samples.device)[None]
    inside = (place >= start[:, None]) & (place < (start + width)[:, None])
    return inside[:, None, :, None] if axis == 2 else inside[:, None, None, :]


def turned(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Samples [n, 1, bins, columns] backwards, upside down, both or neither, and which: int64 [n].

    What is learned where there is one class (Gidaris et al. 2018, arXiv:1803.07728).
    """
    turns = torch.randint(TURNS, (len(samples),), device=samples.device)
    samples = torch.where((turns % 2 == 1)[:, None, None, None], samples.flip(3), samples)
    return torch.where((turns >= 2)[:, None, None, None], samples.flip(2), samples), turns
