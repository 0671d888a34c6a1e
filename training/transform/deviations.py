"""How a sample differs from others of its class: what is to be left of it when it is carried into another one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d, adaptive_avg_pool2d

_CELLS = (1, 2, 4, 8)  # along each extent
_POOLS: dict[int, Any] = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d}
_LEAST = 0.05  # deviation of an element that says anything, as a share of the largest one of its scale


class Deviations:
    """Of each class the mean of every element, coarse and fine, and how far samples lie from it.

    A property that is a sum over elements, light say, or where something lies, is kept if the deviations of the
    elements' means over neighbours are: in units of the class's own, since a class may vary more than another.
    """

    def __init__(self, pages: Iterable[tuple[Tensor, Tensor]], classes: int, device: torch.device) -> None:
        """pages: real samples float32 [n, *form] and their classes int64 [n], at a time."""
        sums: list[Tensor] = []
        squares: list[Tensor] = []
        counts = torch.zeros(classes, dtype=torch.float64)
        for sample, label in pages:
            scales = [scale.double() for scale in coarse(sample)]
            if not sums:
                sums = [torch.zeros(classes, scale.shape[1], dtype=torch.float64) for scale in scales]
                squares = [torch.zeros_like(each) for each in sums]
            counts += torch.bincount(label, minlength=classes)
            for scale, total, square in zip(scales, sums, squares, strict=True):
                total.index_add_(0, label, scale)
                square.index_add_(0, label, scale.square())
        self._means, self._scales = [], []
        for total, square in zip(sums, squares, strict=True):
            mean = total / counts[:, None].clamp(min=1)
            deviation = (square / counts[:, None].clamp(min=1) - mean.square()).clamp(min=0).sqrt()
            least = _LEAST * deviation.amax(1, keepdim=True).clamp(min=1e-6)
            self._means.append(mean.float().to(device))
            # An element that does not vary in its class says nothing.
            self._scales.append(((deviation > least) / deviation.clamp(min=1e-9)).float().to(device))

    def of(self, sample: Tensor, label: Tensor) -> list[Tensor]:
        """In units of the class's deviation, coarse to fine: float32 [n, elements] each."""
        return [
            (scale - mean[label]) * by[label]
            for scale, mean, by in zip(coarse(sample), self._means, self._scales, strict=True)
        ]

    def lost(self, before: Tensor, source: Tensor, after: Tensor, target: Tensor) -> Tensor:
        """How far deviations are from what they were; 2 where there is nothing left of them: a scalar.

        before, after: float32 [n, *form]; source, target: int64 [n], their classes.
        """
        missed = []
        for old, new in zip(self.of(before, source), self.of(after, target), strict=True):
            both = ((old != 0) & (new != 0)).float()
            missed.append(((old - new).square() * both).sum() / both.sum().clamp(min=1))
        return torch.stack(missed).mean()


def coarse(sample: Tensor) -> list[Tensor]:
    """float32 [n, channels, *extents] -> its means over neighbours, coarse to fine: float32 [n, elements] each."""
    extents = sample.shape[2:]
    if not extents:
        return [sample]
    pool, cells = _POOLS[len(extents)], [each for each in _CELLS if each <= min(extents)]
    return [pool(sample, (each,) * len(extents)).flatten(1) for each in cells]
