"""The kind `audio`, for sounds of one length and rate, in one channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor, nn

from augmint.v1 import generator_pb2 as pb
from training.data.kind import Kind, Measurement, Picture, Recipe
from training.data.subset import Samples
from training.kinds.audio import form, judge, measures, mel, view
from training.kinds.audio.augmentation import AudioAugmentation
from training.kinds.audio.form import Statistics
from training.kinds.audio.spectrum import OVERLAP, window_of

_LEVELS = 65535 / 12  # of int16 for one step of a logarithm of power: 52 dB fill the range
_COMPACT, _COARSE = (32, 24), (16, 8)  # bands and columns


@dataclass(frozen=True, slots=True)
class Audio(Kind):
    """rate in hertz, frames of a sample, statistics of the training split; see training.data.kind.Kind for the rest."""

    rate: int
    frames: int
    learned: Statistics | None = None

    def fitted(self, raw: Samples, labels: np.ndarray, classes: int) -> Audio:
        return replace(self, learned=form.fitted(raw, self.rate))

    @property
    def statistics(self) -> Statistics:
        return self.learned or form.unfitted(window_of(self.rate) // 2)

    @property
    def columns(self) -> int:
        """Of a spectrogram."""
        return self.frames * OVERLAP // window_of(self.rate)

    @property
    def spec(self) -> pb.SampleSpec:
        audio = pb.AudioSpec(sample_rate_hz=self.rate)
        return pb.SampleSpec(shape=[self.frames], dtype=pb.DATA_TYPE_INT16, audio=audio)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.int16)

    @property
    def form(self) -> tuple[int, ...]:
        return 1, window_of(self.rate) // 2, self.columns

    @property
    def augmentation(self) -> AudioAugmentation:
        return AudioAugmentation(self.rate, self.statistics)

    @property
    def words(self) -> str:
        return f"{self.frames / self.rate:g} s of sound at {self.rate:,} Hz"

    def encode(self, raw: Tensor) -> Tensor:
        return form.encode(raw, self.rate, self.statistics)

    def decoder(self) -> nn.Module:
        return form.Decoder(self.rate, self.frames, self.statistics)

    def likelihood(self, real: Tensor, made: Tensor) -> Tensor:
        return form.normal(real, made, form.NOISE)

    def judge(self, outputs: int) -> nn.Module:
        return judge.Network(self.rate, self.columns, self.statistics, outputs)

    def recipes(self) -> Sequence[Recipe]:
        return judge.standard(self.rate, self.statistics)

    @property
    def pretexts(self) -> int:
        return judge.TURNS

    def pretext(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        return judge.turned(samples)

    def values(self, raw: np.ndarray) -> np.ndarray:
        """What is heard: power by band and time, in a range like that of levels."""
        return mel.bands(raw, self.rate, self.statistics) * _LEVELS

    def properties(self, raw: np.ndarray) -> Mapping[str, np.ndarray]:
        """In columns, dB and bands."""
        place, loud, _ = self.augmentation.properties(raw).T
        levels = mel.bands(raw, self.rate, self.statistics).astype(np.float64).mean(2)
        height = (levels * np.arange(levels.shape[1])).sum(1) / np.maximum(levels.sum(1), 1e-6)
        return {"place in time": place, "loudness": loud, "brightness": height}

    def measurements(self, made: np.ndarray, held: np.ndarray, train: np.ndarray) -> Sequence[Measurement]:
        return measures.measurements(made, held)

    def compact(self, raw: np.ndarray, coarse: bool = False) -> np.ndarray:
        bands, columns = _COARSE if coarse else _COMPACT
        return mel.pooled(mel.bands(raw, self.rate, self.statistics, bands), columns)

    def picture(self, raw: np.ndarray) -> Picture:
        return view.players(raw, self.rate, self.statistics)

    def sheet(self, groups: Sequence[np.ndarray], names: Sequence[str], columns: int, caption: str) -> Picture:
        return view.sheet(groups, names, columns, caption, self.rate, self.statistics)
