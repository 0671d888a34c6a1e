"""The network that judges images, and how they are varied while it learns."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.kinds.image.form import encode
from training.kinds.trunk import WIDTHS, Convolutional

QUARTERS = 4
FAR = 1 / 7  # a shift twice as far as the default one


class Network(Convolutional):
    """float32 [n, channels, side, side]: see Convolutional; three or more layers, until 8 or fewer pixels a side."""

    def __init__(self, form: tuple[int, ...], outputs: int) -> None:
        channels, side = form[0], form[1]
        halvings = max(1, (side - 1).bit_length() - 3)
        depth = max(3, halvings)
        strides = [2 if layer >= depth - halvings else 1 for layer in range(depth)]
        layers = [(WIDTHS[min(layer, 2)], (stride, stride)) for layer, stride in enumerate(strides)]
        super().__init__(channels, (side, side), layers, outputs)


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """How batches of images are varied while a classifier learns."""

    shift: float = 1 / 14  # reach of random shifts, share of the side; 0: none
    flip: bool = False  # mirror half of the images, left to right
    contrast: float = 0.0  # reach of random factors around 1 and offsets around 0

    def vary(self, raw: Tensor) -> Tensor:
        """uint8 [n, h, w, c] -> varied float32 [n, c, h, w], in [-1, 1] unless the contrast is raised."""
        count = len(raw)
        images = encode(shifted(raw, self.shift) if self.shift else raw)
        if self.flip:
            mirrored = torch.rand(count, 1, 1, 1, device=raw.device) < 0.5
            images = torch.where(mirrored, images.flip(3), images)
        if self.contrast:
            factor, offset = (torch.rand(2, count, 1, 1, 1, device=raw.device) * 2 - 1) * self.contrast
            images = images * (1 + factor) + offset
        return images

    def __str__(self) -> str:
        words = [f"shift {self.shift:.3g}"] if self.shift else []
        words += ["flip"] if self.flip else []
        words += [f"contrast {self.contrast:g}"] if self.contrast else []
        return ", ".join(words)


def standard(side: int) -> list[ImageRecipe]:
    """side: of the images in pixels; where they are so small that two shifts reach as far, one is tried."""
    recipes = [
        ImageRecipe(),
        ImageRecipe(flip=True),
        ImageRecipe(contrast=0.2),
        ImageRecipe(flip=True, contrast=0.2),
    ]
    if reach(side, FAR) > reach(side, ImageRecipe().shift):
        recipes += [ImageRecipe(shift=FAR), ImageRecipe(shift=FAR, flip=True)]
    return recipes


def reach(side: int, share: float) -> int:
    """The farthest that images of this side are moved by a shift of that share, in pixels, at least 1."""
    return max(1, int(side * share + 1e-9))


def shifted(raw: Tensor, share: float) -> Tensor:
    """Move each image of uint8 [n, side, side, c] by its own whole pixels, up to side * share; edges repeat."""
    count, side = raw.shape[:2]
    most = reach(side, share)
    offsets = torch.randint(-most, most + 1, (2, count, 1), device=raw.device)
    rows, columns = (offsets + torch.arange(side, device=raw.device)).clamp_(0, side - 1)
    return raw[torch.arange(count, device=raw.device)[:, None, None], rows[:, :, None], columns[:, None, :]]


def turned(images: Tensor) -> tuple[Tensor, Tensor]:
    """Each of the images [n, c, side, side] turned by its own number of quarters, and the numbers: int64 [n].

    What is learned where there is one class (Gidaris et al. 2018, arXiv:1803.07728).
    """
    quarters = torch.randint(QUARTERS, (len(images),), device=images.device)
    every = torch.stack([images.rot90(number, (2, 3)) for number in range(QUARTERS)])
    return every[quarters, torch.arange(len(images), device=images.device)], quarters
