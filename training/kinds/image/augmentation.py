"""Differentiable augmentation of what the discriminator sees, for scarce data (Zhao et al. 2020, arXiv:2006.10738).

Reals and fakes are augmented alike, and only with a probability below one, so that the generator learns the clean
distribution. No flips: a mirrored digit is not a digit.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

TRANSLATION = 0.125  # largest shift, share of the side
BRIGHTNESS = 0.25  # largest change, share of half the range
CONTRAST = 0.25  # largest relative change


class ImageAugmentation:
    """Shifts, and of colour also brightness and contrast."""

    def apply(self, samples: Tensor, probability: float, random: torch.Generator) -> Tensor:
        """See `augment`."""
        return augment(samples, probability, random)

    def properties(self, raw: np.ndarray) -> np.ndarray:
        """Position of what is not background, in pixels; with colour, level and contrast too.

        raw: uint8 [n, h, w, c]; returns float64 [n, 2 or 4].
        """
        values = raw.astype(np.float64)
        border = np.concatenate([values[:, 0], values[:, -1], values[:, :, 0], values[:, :, -1]], 1)
        weight = np.abs(values - np.median(border, 1)[:, None, None]).sum(3) + 1e-6
        total = weight.sum((1, 2))
        rows = (weight.sum(2) * np.arange(weight.shape[1])).sum(1) / total
        columns = (weight.sum(1) * np.arange(weight.shape[2])).sum(1) / total
        measured = [rows, columns]
        if raw.shape[3] == 3:
            measured += [values.mean((1, 2, 3)), values.std((1, 2, 3))]
        return np.stack(measured, 1)

    def unseen(self, form: tuple[int, ...]) -> np.ndarray:
        """A twentieth of a pixel, and half a level."""
        return np.array([0.05, 0.05, 0.5, 0.5] if form[0] == 3 else [0.05, 0.05])


def augment(samples: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Shift each image with a probability, by up to an eighth of its side; vary brightness and contrast of colour.

    samples:   float32 [n, channels, height, width] in [-1, 1]; -1 fills what a shift leaves open.
    returns:   the same shape, differentiable.
    """
    if probability <= 0:
        return samples
    return _color(_translate(samples, probability, generator), probability, generator)


def _translate(samples: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    n, channels, height, width = samples.shape
    device = samples.device
    reach_y, reach_x = max(1, round(height * TRANSLATION)), max(1, round(width * TRANSLATION))
    chosen = torch.rand(n, generator=generator, device=device) < probability

    def positions(side: int, reach: int) -> Tensor:
        shift = torch.randint(-reach, reach + 1, (n,), generator=generator, device=device) * chosen
        return torch.arange(side, device=device)[None, :] + reach + shift[:, None]  # [n, side], in the padded image

    rows, columns = positions(height, reach_y), positions(width, reach_x)
    padded = torch.nn.functional.pad(samples, (reach_x, reach_x, reach_y, reach_y), value=-1.0)
    # Two gathers along one axis each: both are cheap forward and backward, where advanced indexing is not.
    padded = padded.gather(2, rows[:, None, :, None].expand(n, channels, height, padded.shape[3]))
    return padded.gather(3, columns[:, None, None, :].expand(n, channels, height, width))


def _color(samples: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    if samples.shape[1] != 3:
        return samples
    n = samples.shape[0]
    shape = (2, n, 1, 1, 1)
    chosen = torch.rand(shape, generator=generator, device=samples.device) < probability
    amount = (torch.rand(shape, generator=generator, device=samples.device) * 2 - 1) * chosen
    mean = samples.mean(dim=(1, 2, 3), keepdim=True)
    return (samples - mean) * (1 + CONTRAST * amount[0]) + mean + BRIGHTNESS * amount[1]
