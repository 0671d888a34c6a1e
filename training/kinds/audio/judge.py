"""The network that judges sounds, and how they are varied while it learns."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.kinds.audio import form
from training.kinds.audio.form import FULL, Statistics
from training.kinds.audio.mel import BANDS, LogMel
from training.kinds.trunk import Convolutional, halving

TURNS = 4  # as they are, backwards, upside down, both


class Network(Convolutional):
    """float32 [n, 1, bins, columns]: see Convolutional, over a log-mel spectrogram."""

    def __init__(self, rate: int, columns: int, statistics: Statistics, outputs: int) -> None:
        extents = (BANDS, columns)
        # At first only time, of which neighbouring columns share most of what they show.
        super().__init__(1, extents, halving(extents, (False, True)), outputs, lambda: LogMel(rate, statistics))


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
