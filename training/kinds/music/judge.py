"""The network that judges rolls, and what it learns where there is one class."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.data.kind import FEATURES

TURNS = 2  # as they are, and backwards
_SMALL = 6  # cells of an extent that are not halved further
_WIDTHS = (24, 48, 96)


class Network(nn.Module):
    """float32 [n, channels, steps, pitches] -> (features [n, FEATURES], logits [n, outputs]).

    3x3 convolutions with batch norm, halving until 6 or fewer cells an extent remain; one hidden layer.
    """

    def __init__(self, form: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        before, *extents = form
        layers: list[nn.Module] = []
        while not layers or max(extents) > _SMALL:
            width = _WIDTHS[min(len(layers) // 3, 2)]
            strides = [2 if extent > _SMALL else 1 for extent in extents]
            layers += [
                nn.Conv2d(before, width, 3, (strides[0], strides[1]), 1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            before, extents = width, [-(-extent // stride) for extent, stride in zip(extents, strides, strict=True)]
        self.trunk = nn.Sequential(*layers)
        self.hidden = nn.Linear(before * extents[0] * extents[1], FEATURES, bias=False)
        self.norm = nn.BatchNorm1d(FEATURES)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(FEATURES, outputs)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        features = functional.relu(self.norm(self.hidden(self.trunk(samples).flatten(1))))
        return features, self.head(self.dropout(features))


def turned(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Half of the samples [n, channels, steps, pitches] backwards; which: int64 [n]."""
    turns = torch.arange(len(samples), device=samples.device) % TURNS
    return torch.where((turns == 1)[:, None, None, None], samples.flip(2), samples), turns
