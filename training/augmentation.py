"""Differentiable augmentation of what the discriminator sees, for scarce data (Zhao et al. 2020, arXiv:2006.10738).

Reals and fakes are augmented alike, and only with a probability below one, so that the generator learns the clean
distribution. No flips: a mirrored digit is not a digit.
"""

from __future__ import annotations

import torch
from torch import Tensor

TRANSLATION = 0.125  # largest shift, share of the side
BRIGHTNESS = 0.25  # largest change, share of half the range
CONTRAST = 0.25  # largest relative change


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
