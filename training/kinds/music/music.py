"""The kind `music`: pieces of so many bars, as rolls of steps and pitches, in one track or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from augmint.v1 import generator_pb2 as pb
from training.data.kind import Exhibit, Head, Kind, Measurement, Picture, Recipe, Tokens, Unvaried
from training.kinds.music import form as forms
from training.kinds.music import judge, rolls
from training.kinds.music.augmentation import REACH, Transposed, Transposition
from training.kinds.music.measures import Measured
from training.kinds.music.midi import Metre
from training.kinds.music.pieces import Frame
from training.kinds.music.view import View

_LEVELS = 127.0  # of what sounds, so that differences are told as those of velocities
_COARSE = 4  # steps and pitches that are one where samples are compared coarsely
_PAGE = 512


@dataclass(frozen=True, slots=True)
class Music(Kind):
    """frame: of samples; tempos, metres: of each class; see training.data.kind.Kind for the rest."""

    frame: Frame
    tempos: tuple[float, ...] = ()
    metres: tuple[Metre, ...] = ()

    recommended: ClassVar[Sequence[str]] = ("musegan", "vae")
    trials = True  # which of them is best depends on how much music there is, and how many voices
    pretexts = judge.TURNS
    noun = "music"

    @property
    def spec(self) -> pb.SampleSpec:
        frame = self.frame
        music = pb.MusicSpec(
            steps_per_quarter=frame.grid.steps,
            lowest_pitch=frame.lowest,
            programs=frame.programs,
            tempos=self.tempos,
            metres=[pb.Metre(beats=beats, unit=unit) for beats, unit in self.metres],
            held_velocity=frame.held,
        )
        return pb.SampleSpec(shape=self._shape, dtype=pb.DATA_TYPE_UINT8, music=music)

    @property
    def _shape(self) -> tuple[int, ...]:
        return self.frame.shape if self.frame.tracks > 1 else self.frame.shape[:2]

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.uint8)

    @property
    def form(self) -> tuple[int, ...]:
        return 2 * self.frame.tracks, *self.frame.shape[:2]

    @property
    def augmentation(self) -> Transposition:
        return Transposition(self.frame.held)

    @property
    def words(self) -> str:
        grid, frame = self.frame.grid, self.frame
        tracks = f" in {frame.tracks} tracks" if frame.tracks > 1 else ""
        return f"{grid.length} steps of {self.noun}, {grid.steps} a quarter note, {frame.pitches} pitches{tracks}"

    def encode(self, raw: Tensor) -> Tensor:
        return forms.encode(raw, self.frame.held)

    def decoder(self) -> nn.Module:
        return forms.Decoder(self.frame.velocities, self.frame.held)

    def head(self) -> Head:
        return forms.Neurons()

    def judge(self, outputs: int) -> nn.Module:
        return judge.Network(self.form, outputs)

    def recipes(self) -> Sequence[Recipe]:
        return [Transposed(self.frame.held), Unvaried(self), Transposed(self.frame.held, REACH // 2)]

    def pretext(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        return judge.turned(samples)

    def values(self, raw: np.ndarray) -> np.ndarray:
        """Where notes sound, and where they are struck, in a range like that of velocities: float32 [n, ..., 2]."""
        struck = rolls.struck(raw, self.frame.held)
        return np.stack([raw > 0, struck], -1).astype(np.float32) * _LEVELS

    def measurements(self, made: np.ndarray, held: np.ndarray, train: np.ndarray) -> Sequence[Measurement]:
        return self._measured.measurements(made, held, train)

    @property
    def _measured(self) -> Measured:
        grid = self.frame.grid
        return Measured(grid.steps, grid.bar, self.frame.lowest, self.frame.held)

    def compact(self, raw: np.ndarray, coarse: bool = False) -> np.ndarray:
        """How much sounds by pitch and time, struck notes counting twice; coarse: in cells of several."""
        held = self.frame.held
        found = []
        for start in range(0, len(raw), _PAGE):
            page = rolls.tracked(raw[start : start + _PAGE])
            both = ((page > 0).astype(np.float32) + rolls.struck(page, held)).sum(3)
            if coarse:
                pads = [(0, -extent % _COARSE) for extent in both.shape[1:]]
                both = np.pad(both, ((0, 0), *pads))
                steps, pitches = (extent // _COARSE for extent in both.shape[1:])
                both = both.reshape(len(both), steps, _COARSE, pitches, _COARSE).mean((2, 4))
            found.append(both.reshape(len(both), -1))
        return np.concatenate(found) if found else np.zeros((0, 1), np.float32)

    @property
    def _view(self) -> View:
        tempo = float(np.median(self.tempos)) if self.tempos else 120.0
        return View(self._measured, 60 / tempo / self.frame.grid.steps)

    def picture(self, raw: np.ndarray) -> Picture:
        return self._view.players(raw)

    def sheet(self, groups: Sequence[np.ndarray], names: Sequence[str], columns: int, caption: str) -> Picture:
        return self._view.sheet(groups, names, columns, caption)

    def exhibits(self, made: np.ndarray, real: np.ndarray) -> Sequence[Exhibit]:
        return self._view.exhibits(made, real)


class Melody(Music):
    """Music of one note at a time, whose steps are choices, too: a likelihood can be learned of it."""

    __slots__ = ()
    recommended = ("musegan", "gru", "vae")
    noun = "a melody"

    def head(self) -> Head:
        return forms.Voice()

    @property
    def tokens(self) -> Tokens:
        frame = self.frame
        return forms.Choices(frame.grid.length, frame.pitches, frame.velocities[0], frame.held)
