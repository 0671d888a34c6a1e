"""The phases that a spectrogram does not show: found again from how neighbouring windows must agree."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from training.kinds.audio.spectrum import Spectrum, with_phases

ROUNDS = 16
HASTE = 0.99  # momentum of Perraudin et al. 2013, section 3


class Phases(nn.Module):
    """Magnitudes float32 [n, columns, bins] -> a sound, float32 [n, frames], full scale 1."""

    def __init__(self, spectrum: Spectrum) -> None:
        super().__init__()
        self.spectrum = spectrum
        turns = np.random.Generator(np.random.PCG64(0)).random((spectrum.columns, spectrum.bins)) * 2 * np.pi
        self.register_buffer("cosines", torch.from_numpy(np.cos(turns)).float(), persistent=False)
        self.register_buffer("sines", torch.from_numpy(np.sin(turns)).float(), persistent=False)

    def forward(self, magnitudes: Tensor) -> Tensor:
        return with_phases(self.spectrum, magnitudes, (self.cosines, self.sines), ROUNDS, HASTE)
