"""The kind `image`, for images of one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from augmint.v1 import generator_pb2 as pb
from training.data.kind import Kind, Picture, Recipe
from training.kinds.image import form, judge, view
from training.kinds.image.augmentation import ImageAugmentation
from training.kinds.image.properties import properties


@dataclass(frozen=True, slots=True)
class Image(Kind):
    """height and width in pixels, channels 1 (gray) or 3 (sRGB); see training.data.kind.Kind for the rest."""

    height: int
    width: int
    channels: int

    @property
    def spec(self) -> pb.SampleSpec:
        color = pb.COLOR_SPACE_RGB if self.channels == 3 else pb.COLOR_SPACE_GRAY
        shape = (self.height, self.width, self.channels)
        return pb.SampleSpec(shape=shape, dtype=pb.DATA_TYPE_UINT8, image=pb.ImageSpec(color_space=color))

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.uint8)

    @property
    def form(self) -> tuple[int, ...]:
        return self.channels, self.height, self.width

    @property
    def augmentation(self) -> ImageAugmentation:
        return ImageAugmentation()

    @property
    def words(self) -> str:
        return f"{self.height} x {self.width}, {'colour' if self.channels == 3 else 'gray'}"

    def encode(self, raw: Tensor) -> Tensor:
        return form.encode(raw)

    def decoder(self) -> nn.Module:
        return form.Decoder()

    def likelihood(self, real: Tensor, made: Tensor) -> Tensor:
        return form.likelihood(real, made)

    def judge(self, outputs: int) -> nn.Module:
        return judge.Network(self.form, outputs)

    def recipes(self) -> Sequence[Recipe]:
        return judge.standard(self.height)

    @property
    def pretexts(self) -> int:
        return judge.QUARTERS

    def pretext(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        return judge.turned(samples)

    def compact(self, raw: np.ndarray, coarse: bool = False) -> np.ndarray:
        return form.shrunk(raw, form.COARSE_SIDE if coarse else form.SIDE)

    def properties(self, raw: np.ndarray) -> Mapping[str, np.ndarray]:
        return properties(raw)

    def picture(self, raw: np.ndarray) -> Picture:
        return view.mosaic(raw)

    def sheet(self, groups: Sequence[np.ndarray], names: Sequence[str], columns: int, caption: str) -> Picture:
        return view.sheet(groups, names, columns, caption)
