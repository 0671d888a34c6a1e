"""Sounds whose networks see waves, float32 [n, 1, frames], instead of spectrograms: for WaveGAN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from training.data.kind import Recipe
from training.kinds.audio import form, judge
from training.kinds.audio.audio import Audio
from training.kinds.audio.augmentation import GAIN, SHIFT, AudioAugmentation
from training.kinds.audio.form import FULL, Statistics
from training.kinds.audio.judge import AudioRecipe

_NOISE = 0.05  # deviation of a frame that nothing explains, of a full scale of 1


@dataclass(frozen=True, slots=True)
class Waves(Audio):
    """As `Audio`, in another form: it is judged, measured and shown by the same spectrograms."""

    recommended = ("wavegan",)

    @property
    def form(self) -> tuple[int, ...]:
        return 1, self.frames

    @property
    def augmentation(self) -> WaveAugmentation:
        return WaveAugmentation(self.rate, self.statistics)

    def encode(self, raw: Tensor) -> Tensor:
        return raw[:, None].to(torch.float32) / FULL

    def decoder(self) -> nn.Module:
        return Decoder()

    def likelihood(self, real: Tensor, made: Tensor) -> Tensor:
        return form.normal(real, made, _NOISE)

    def judge(self, outputs: int) -> nn.Module:
        seen = Seen(self.rate, self.statistics)
        return nn.Sequential(seen, judge.Network(self.rate, self.columns, self.statistics, outputs))

    def recipes(self) -> Sequence[Recipe]:
        return [WaveRecipe(each) for each in judge.standard(self.rate, self.statistics) if not each.mask]

    @property
    def pretexts(self) -> int:
        return 2

    def pretext(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Backwards, or as they are."""
        turns = torch.randint(2, (len(samples),), device=samples.device)
        return torch.where((turns == 1)[:, None, None], samples.flip(2), samples), turns


class Decoder(nn.Module):
    """float32 [n, 1, frames] in [-1, 1] -> int16 [n, frames]."""

    def forward(self, sample: Tensor) -> Tensor:
        return (sample[:, 0] * FULL).clamp(-FULL, FULL - 1).round().to(torch.int16)


class Seen(nn.Module):
    """float32 [n, 1, frames] -> the spectrogram that a judge reads: [n, 1, bins, columns]."""

    def __init__(self, rate: int, statistics: Statistics) -> None:
        super().__init__()
        self._rate, self._statistics = rate, statistics

    def forward(self, sample: Tensor) -> Tensor:
        return self._statistics.formed(form.spectrogram(sample[:, 0], self._rate))[:, None]


@dataclass(frozen=True, slots=True)
class WaveRecipe:
    """A recipe of spectrograms, in waves."""

    of: AudioRecipe

    def vary(self, raw: Tensor) -> Tensor:
        """int16 [n, frames] -> varied float32 [n, 1, frames]."""
        return self.of.sounds(raw)[:, None]

    def __str__(self) -> str:
        return str(self.of)


class WaveAugmentation(AudioAugmentation):
    """Shifts in time, and gain."""

    def apply(self, samples: Tensor, probability: float, random: torch.Generator) -> Tensor:
        """samples: float32 [n, 1, frames] in [-1, 1]."""
        if probability <= 0:
            return samples
        n, _, length = samples.shape
        chosen = torch.rand(2, n, generator=random, device=samples.device) < probability
        amount = (torch.rand(2, n, generator=random, device=samples.device) * 2 - 1) * chosen
        place = torch.arange(length, device=samples.device) + (amount[0] * SHIFT * length).round().long()[:, None]
        inside = (place >= 0) & (place < length)
        moved = samples.gather(2, place.clamp(0, length - 1)[:, None]) * inside[:, None]
        return (moved * 10 ** (amount[1] * GAIN / 20)[:, None, None]).clamp(-1, 1)

    def properties(self, raw: np.ndarray) -> np.ndarray:
        """Where the sound is, in columns, and how loud, in dB: float64 [n, 2]."""
        return super().properties(raw)[:, :2]

    def unseen(self, form: tuple[int, ...]) -> np.ndarray:
        return super().unseen(form)[:2]
