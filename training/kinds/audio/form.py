"""Between sounds, int16 [n, frames], and what networks see: log-magnitude spectrograms, float32 [n, 1, bins, columns].

Each bin has a mean of 0, and three deviations of it fill [-1, 1] (Donahue et al. 2019, SpecGAN, arXiv:1802.04208).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from training.data.subset import Samples
from training.kinds.audio import phases
from training.kinds.audio.spectrum import Spectrum, magnitude

FULL = 32768.0
REACH = 3.0  # deviations from the mean that are kept
DEPTH = 10 ** (-70 / 20)  # below the loudest, what is left out of the spectrogram: 70 dB
_LOUD = 0.999  # quantile of magnitudes that stands for the loudest
_FITTED_ON = 2000  # sounds; the statistics of more are the same
_LEAST_DEVIATION = 0.05
_PAGE = 256
NOISE = 0.1  # deviation of a magnitude that nothing explains, in the form's units: of noise it is 5.6 dB


@dataclass(frozen=True)
class Statistics:
    """Of logarithms of magnitudes plus `floor`: mean and deviation of each bin."""

    floor: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def scale(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Middle and reach of each bin, float32 [bins, 1]."""
        middle = torch.tensor(self.mean, device=like.device)[:, None]
        return middle, REACH * torch.tensor(self.deviation, device=like.device)[:, None]

    def logarithms(self, form: Tensor) -> Tensor:
        """float32 [n, 1, bins, columns] in [-1, 1] -> logarithm of magnitude plus floor."""
        middle, reach = self.scale(form)
        return form * reach + middle

    def magnitudes(self, form: Tensor) -> Tensor:
        return (self.logarithms(form).exp() - self.floor).relu()

    def formed(self, magnitudes: Tensor) -> Tensor:
        """float32 [..., bins, columns] -> the same in [-1, 1]."""
        middle, reach = self.scale(magnitudes)
        return (((magnitudes + self.floor).log() - middle) / reach).clamp(-1.0, 1.0)

    def silence(self, like: Tensor) -> Tensor:
        """What no sound is in the form: float32 [bins, 1]."""
        return self.formed(torch.zeros(len(self.mean), 1, device=like.device))


def unfitted(bins: int) -> Statistics:
    """Before any data were seen: 70 dB below a full tone, and what speech has."""
    return Statistics(DEPTH * bins / 2, (-2.0,) * bins, (1.5,) * bins)


@functools.lru_cache(maxsize=8)
def spectrum_of(rate: int, frames: int, device: str = "cpu") -> Spectrum:
    return Spectrum(rate, frames).to(device)


def spectrogram(sound: Tensor, rate: int) -> Tensor:
    """float32 [n, frames], full scale 1 -> magnitudes [n, bins, columns]."""
    spectrum = spectrum_of(rate, sound.shape[1], str(sound.device))
    return magnitude(*spectrum.analysed(sound)).transpose(1, 2)


def encode(raw: Tensor, rate: int, statistics: Statistics) -> Tensor:
    return statistics.formed(spectrogram(raw.to(torch.float32) / FULL, rate))[:, None]


def pages(raw: Samples) -> Iterator[Tensor]:
    """Sounds with a full scale of 1, float32 [page, frames]."""
    for start in range(0, len(raw), _PAGE):
        yield torch.from_numpy(raw[start : start + _PAGE].astype(np.float32)) / FULL


def fitted(raw: Samples, rate: int) -> Statistics:
    """What the sounds for training have in each bin; raw: int16 [n, frames]."""
    step = max(1, len(raw) // _FITTED_ON)
    some = raw[np.arange(0, len(raw), step)]
    found = torch.cat([spectrogram(page, rate) for page in pages(some)])
    loud = float(np.quantile(found.amax(1).numpy(), _LOUD))
    floor = max(DEPTH * loud, 1e-6)
    logarithms = (found + floor).log().double()
    mean, deviation = logarithms.mean((0, 2)), logarithms.std((0, 2)).clamp(min=_LEAST_DEVIATION)
    return Statistics(floor, tuple(mean.tolist()), tuple(deviation.tolist()))


class Decoder(nn.Module):
    """float32 [n, 1, bins, columns] in [-1, 1] -> int16 [n, frames]."""

    def __init__(self, rate: int, frames: int, statistics: Statistics) -> None:
        super().__init__()
        self.spectrum = Spectrum(rate, frames)
        self.statistics = statistics
        self.phases = phases.Phases(self.spectrum)

    def forward(self, sample: Tensor) -> Tensor:
        wanted = self.statistics.magnitudes(sample)[:, 0].transpose(1, 2)
        sound = self.phases(wanted) * FULL
        return sound.clamp(-FULL, FULL - 1).round().to(torch.int16)


def normal(real: Tensor, made: Tensor, noise: float) -> Tensor:
    """Elements are normal around what is made, with the deviation of what nothing explains: nats, float32 [n]."""
    squares = (real - made).square().flatten(1)
    return (squares / (2 * noise**2)).sum(1) + squares.shape[1] * math.log(noise * math.sqrt(2 * math.pi))
