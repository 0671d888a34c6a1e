"""Differentiable augmentation of what the discriminator sees, for scarce data (Zhao et al. 2020, arXiv:2006.10738).

Reals and fakes are augmented alike, and only with a probability below one, so that the generator learns the clean
distribution. No sound is turned round or played faster: that is another word.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from training.kinds.audio import mel
from training.kinds.audio.form import FULL, Statistics

SHIFT = 0.08  # largest shift, share of the length
GAIN = 6.0  # largest change, dB
BAND = 0.15  # widest band of frequencies that is silenced, share of all
_QUIET = 1e-4  # root mean square of what counts as silence, full scale 1
_WIDTH = 5  # bands beside which a hole is looked for


class AudioAugmentation:
    """Shifts in time, gain, and a band of frequencies that is silent."""

    def __init__(self, rate: int, statistics: Statistics) -> None:
        self._rate, self._statistics = rate, statistics

    def apply(self, samples: Tensor, probability: float, random: torch.Generator) -> Tensor:
        """samples: float32 [n, 1, bins, columns] in [-1, 1]."""
        if probability <= 0:
            return samples
        n, device = len(samples), samples.device
        chosen = torch.rand(3, n, generator=random, device=device) < probability
        amount = torch.rand(4, n, generator=random, device=device)
        silence = self._statistics.silence(samples)[None, None]
        samples = _shifted(samples, (amount[0] * 2 - 1) * SHIFT * chosen[0], silence)
        decibels = (amount[1] * 2 - 1) * GAIN * chosen[1]
        factor = (10 ** (decibels / 20))[:, None, None, None]
        samples = self._statistics.formed(self._statistics.magnitudes(samples) * factor)
        bins = samples.shape[2]
        width = amount[2] * BAND * bins * chosen[2]
        start = amount[3] * (bins - width)
        place = torch.arange(bins, device=device)[None]
        covered = (place >= start[:, None]) & (place < (start + width)[:, None])
        return torch.where(covered[:, None, :, None], silence, samples)

    def properties(self, raw: np.ndarray) -> np.ndarray:
        """Where the sound is, in columns; how loud it is, in dB; the deepest hole between its bands, in dB.

        raw: int16 [n, frames]; returns float64 [n, 3].
        """
        values = mel.bands(raw, self._rate, self._statistics).astype(np.float64)
        weight = values.sum(1) + 1e-6
        place = (weight * np.arange(weight.shape[1])).sum(1) / weight.sum(1)
        loud = 10 * np.log10(np.square(raw / FULL).mean(1) + _QUIET**2)
        levels = values.mean(2)
        beside = np.minimum(levels[:, : -2 * _WIDTH], levels[:, 2 * _WIDTH :])
        hole = (beside - levels[:, _WIDTH:-_WIDTH]).max(1) * (10 / np.log(10))
        return np.stack([place, loud, hole], 1)

    def unseen(self, form: tuple[int, ...]) -> np.ndarray:
        """A tenth of a column, and half a decibel."""
        return np.array([0.1, 0.5, 0.5])


def _shifted(samples: Tensor, shares: Tensor, silence: Tensor) -> Tensor:
    """Each sample moved by its share of the length, in whole columns; what opens is silent."""
    n, _, bins, columns = samples.shape
    reach = max(1, round(columns * SHIFT))
    moved = (shares * columns).round().long().clamp(-reach, reach)
    edge = silence.expand(n, 1, bins, reach)
    padded = torch.cat([edge, samples, edge], 3)
    places = torch.arange(columns, device=samples.device)[None, :] + reach + moved[:, None]
    return padded.gather(3, places[:, None, None, :].expand(n, 1, bins, columns))
