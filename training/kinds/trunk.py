"""The network that judges what has two extents: pictures, spectrograms, rolls."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn import functional

from training.data.kind import FEATURES

_SMALL = 6  # cells of an extent that are not halved further
WIDTHS = (24, 48, 96)  # of layers, the last one's from there on


class Convolutional(nn.Module):
    """float32 [n, channels, *extents] -> (features [n, FEATURES], logits [n, outputs]).

    3x3 convolutions with batch norm, one hidden layer.
    """

    def __init__(
        self,
        channels: int,
        extents: Sequence[int],
        layers: Sequence[tuple[int, tuple[int, int]]],
        outputs: int,
        seen: Callable[[], nn.Module] = nn.Identity,
    ) -> None:
        """layers: width and strides of each. seen: makes what comes before the convolutions."""
        super().__init__()
        self.seen = seen()
        modules: list[nn.Module] = []
        for width, strides in layers:
            modules += [nn.Conv2d(channels, width, 3, strides, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels, extents = width, _after(extents, strides)
        self.trunk = nn.Sequential(*modules)
        self.hidden = nn.Linear(channels * extents[0] * extents[1], FEATURES, bias=False)
        self.norm = nn.BatchNorm1d(FEATURES)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(FEATURES, outputs)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        features = functional.relu(self.norm(self.hidden(self.trunk(self.seen(samples)).flatten(1))))
        return features, self.head(self.dropout(features))


def halving(extents: Sequence[int], first: Sequence[bool] = (True, True)) -> list[tuple[int, tuple[int, int]]]:
    """Layers, at least one, until 6 or fewer cells an extent remain. first: extents that the first of them halves."""
    layers: list[tuple[int, tuple[int, int]]] = []
    while not layers or max(extents) > _SMALL:
        may = (True, True) if layers else first
        strides = tuple(2 if extent > _SMALL and halved else 1 for extent, halved in zip(extents, may, strict=True))
        layers.append((WIDTHS[min(len(layers), 2)], (strides[0], strides[1])))
        extents = _after(extents, strides)
    return layers


def _after(extents: Sequence[int], strides: Sequence[int]) -> list[int]:
    return [-(-extent // stride) for extent, stride in zip(extents, strides, strict=True)]
