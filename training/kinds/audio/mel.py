"""The mel scale: bands as wide as an ear tells apart, for judging, comparing and finding copies."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor, nn

from training.kinds.audio import form
from training.kinds.audio.form import Statistics

BANDS = 40
_LOWEST = 40.0  # hertz
_RANGE = np.log(10.0) * 7  # of logarithms of power, 70 dB


@functools.lru_cache(maxsize=8)
def bank(rate: int, bins: int, bands: int = BANDS) -> Tensor:
    """Triangles over the bins, each of a mean of 1: float32 [bins, bands]."""
    edges = _hertz(np.linspace(_mel(_LOWEST), _mel(rate / 2), bands + 2))
    frequency = np.arange(bins) * rate / (2 * bins)
    rising = (frequency[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequency[:, None]) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0, np.minimum(rising, falling))
    for band in np.flatnonzero(weights.sum(0) == 0):  # narrower than a bin
        weights[np.abs(frequency - edges[band + 1]).argmin(), band] = 1
    return torch.from_numpy(weights / weights.sum(0)).float()


def _mel(hertz: float) -> float:
    return 2595 * float(np.log10(1 + hertz / 700))


def _hertz(mel: np.ndarray) -> np.ndarray:
    return 700 * (10 ** (mel / 2595) - 1)


class LogMel(nn.Module):
    """The form, float32 [n, 1, bins, columns] -> logarithms of the power in each band: [n, 1, BANDS, columns], about
    -1 for silence to 1."""

    bank: Tensor

    def __init__(self, rate: int, statistics: Statistics) -> None:
        super().__init__()
        self.statistics = statistics
        self.register_buffer("bank", bank(rate, len(statistics.mean)), persistent=False)

    def forward(self, sample: Tensor) -> Tensor:
        magnitudes = self.statistics.magnitudes(sample)
        power = (magnitudes * magnitudes).transpose(2, 3) @ self.bank
        quiet = self.statistics.floor**2
        return (power / quiet + 1).log().transpose(2, 3) * (2 / _RANGE) - 1


@torch.no_grad()
def bands(raw: np.ndarray, rate: int, statistics: Statistics, count: int = BANDS) -> np.ndarray:
    """int16 [n, frames] -> logarithms of the power in each band, float32 [n, count, columns], 0 for silence."""
    quiet, found = statistics.floor**2, []
    for page in form.pages(raw):
        magnitudes = form.spectrogram(page, rate)
        power = (magnitudes * magnitudes).transpose(1, 2) @ bank(rate, magnitudes.shape[1], count)
        found.append(((power + quiet) / quiet).log().transpose(1, 2).contiguous())
    return torch.cat(found).numpy()


def pooled(values: np.ndarray, columns: int) -> np.ndarray:
    """float32 [n, bands, columns] averaged over time to at most so many columns: [n, values]."""
    n, rows, length = values.shape
    factor = next(f for f in range(1, length + 1) if length % f == 0 and length // f <= columns)
    return values.reshape(n, rows, length // factor, factor).mean(3).reshape(n, -1)
