"""Short-time Fourier transforms in plain operators: frames are slices, transforms products with constant matrices.

Products and not convolutions: each column is transformed by itself, whatever the batch, and every ONNX Runtime
provider has them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

OVERLAP = 2  # windows over each frame: with more, the same sound is heard, and networks have more to make
WINDOW_SECONDS = 0.032  # tells the harmonics of a low voice apart
_LEAST = 1e-10  # squared magnitude that still has a direction


def window_of(rate: int) -> int:
    """Frames of a window."""
    return round(WINDOW_SECONDS * rate)


class Spectrum(nn.Module):
    """Frames float32 [n, columns * hop] to [n, columns, bins] twice, real and imaginary parts, and back.

    A Hann window on both ways (Griffin and Lim 1984). The bins are those below half the rate, which itself is left out.
    """

    forth: Tensor
    back: Tensor
    share: Tensor

    def __init__(self, rate: int, frames: int) -> None:
        super().__init__()
        window = window_of(rate)
        self.window, self.hop, self.bins = window, window // OVERLAP, window // 2
        self.columns = frames // self.hop
        lead = (OVERLAP - 1) * self.hop
        self.pad = lead // 2, lead - lead // 2
        time, frequency = torch.arange(window, dtype=torch.float64), torch.arange(self.bins, dtype=torch.float64)
        hann = torch.hann_window(window, periodic=True, dtype=torch.float64)
        turns = 2 * math.pi * time[:, None] * frequency[None, :] / window
        forth = hann[:, None] * torch.cat([turns.cos(), -turns.sin()], 1)
        weight = torch.full((self.bins,), 2 / window, dtype=torch.float64)
        weight[0] = 1 / window
        self.register_buffer("forth", forth.float(), persistent=False)
        self.register_buffer("back", (forth * weight.repeat(2)).T.contiguous().float(), persistent=False)
        squares = (hann * hann)[None, None].expand(1, self.columns, window)
        share = self._overlapped(squares).clamp(min=1e-3)
        self.register_buffer("share", (1 / share).float(), persistent=False)

    def analysed(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        blocks = functional.pad(sound, self.pad).unflatten(1, (self.columns + OVERLAP - 1, self.hop))
        windows = torch.cat([blocks[:, at : at + self.columns] for at in range(OVERLAP)], 2)
        parts = windows @ self.forth
        return parts[..., : self.bins], parts[..., self.bins :]

    def sounded(self, real: Tensor, imaginary: Tensor) -> Tensor:
        return self._overlapped(torch.cat([real, imaginary], 2) @ self.back) * self.share

    def _overlapped(self, windows: Tensor) -> Tensor:
        """[n, columns, window] -> [n, columns * hop], what overlaps added."""
        parts = windows.unflatten(2, (OVERLAP, self.hop))
        placed = [functional.pad(parts[:, :, at], (0, 0, at, OVERLAP - 1 - at)) for at in range(OVERLAP)]
        total = placed[0]
        for each in placed[1:]:
            total = total + each
        return total.flatten(1)[:, self.pad[0] : self.pad[0] + self.columns * self.hop]


def magnitude(real: Tensor, imaginary: Tensor) -> Tensor:
    # Not added: the exporter takes what is below 1e-8 for nothing, and silence would be divided by 0.
    return (real * real + imaginary * imaginary).clamp(min=_LEAST).sqrt()
