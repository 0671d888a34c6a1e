"""The phases that a spectrogram does not show, found again: a first guess from its slopes, made better in rounds.

The guess: how fast a bin's phase turns follows from how its magnitude changes with frequency (Prusa et al. 2017, phase
gradient heap integration, equation 11, here integrated along time alone, which needs no order of steps). The rounds:
Griffin and Lim 1984, with the momentum of Perraudin et al. 2013. No number is drawn: a spectrogram is one sound.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.kinds.audio.spectrum import OVERLAP, Spectrum, magnitude

ROUNDS = 8
HASTE = 0.99
_HANN = 0.25645  # a Hann window of length 1 is like a normal one of this width (Prusa et al. 2017, table I)
_QUIET = 1e-3  # of the loudest: below it slopes are noise


class Phases(nn.Module):
    """Magnitudes float32 [n, columns, bins] -> a sound, float32 [n, frames], full scale 1."""

    carrier: Tensor

    def __init__(self, spectrum: Spectrum) -> None:
        super().__init__()
        self.spectrum = spectrum
        # A bin's own tone turns by whole quarters from column to column: exact, whatever the length.
        quarters = torch.arange(spectrum.columns)[:, None] * torch.arange(spectrum.bins)[None, :] % OVERLAP
        self.register_buffer("carrier", quarters.double().mul(2 * math.pi / OVERLAP).float(), persistent=False)

    def forward(self, wanted: Tensor) -> Tensor:
        turn = self._guessed(wanted)
        real, imaginary = wanted * turn.cos(), wanted * turn.sin()
        before: tuple[Tensor, Tensor] | None = None
        for _ in range(ROUNDS):
            found = self.spectrum.analysed(self.spectrum.sounded(real, imaginary))
            ahead = found
            if before is not None:
                ahead = found[0] + HASTE * (found[0] - before[0]), found[1] + HASTE * (found[1] - before[1])
            before = found
            scale = wanted / magnitude(*ahead)
            real, imaginary = ahead[0] * scale, ahead[1] * scale
        return self.spectrum.sounded(real, imaginary)

    def _guessed(self, wanted: Tensor) -> Tensor:
        """Phases, float32 [n, columns, bins]."""
        loudest = wanted.amax((1, 2), keepdim=True)
        logarithm = (wanted + _QUIET * loudest).clamp(min=1e-9).log()
        slope = functional.pad((logarithm[:, :, 2:] - logarithm[:, :, :-2]) / 2, (1, 1))
        speed = slope * (self.spectrum.hop / (_HANN * self.spectrum.window))
        middle = (speed + functional.pad(speed, (0, 0, 1, 0))[:, :-1]) / 2
        return self.carrier + middle.cumsum(1)
