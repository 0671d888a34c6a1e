"""The kind `text`: short texts of some length at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from augmint.v1 import generator_pb2 as pb
from training.data.kind import Exhibit, Kind, Measurement, Picture, Pupil, Recipe, Tokens, Unvaried
from training.kinds.text import form as forms
from training.kinds.text import judge, measures, view
from training.kinds.text.judge import Mistyped
from training.kinds.text.units import END, Units

_COMPACT, _COARSE = 256, 64  # numbers that stand for a text where it is compared
_NOISE = (0.05, 0.15)


@dataclass(frozen=True)
class Text(Kind):
    """Texts, int32 [length], ids of units up to END; see training.data.kind.Kind for the rest.

    The units are those of the data as a whole, since a raw text is made of them: there is no other text in the
    specification than what a client needs to read one.
    """

    units: Units
    length: int

    recommended = ("gru", "textgan", "textvae")
    trials = True  # which of them is best depends on how much text there is, and how long
    augmentation = None
    pretexts = judge.PRETEXTS

    @property
    def spec(self) -> pb.SampleSpec:
        text = pb.TextSpec(vocabulary=self.units.texts, end_id=END)
        return pb.SampleSpec(shape=[self.length], dtype=pb.DATA_TYPE_INT32, text=text)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.int32)

    @property
    def form(self) -> tuple[int, ...]:
        return len(self.units), self.length

    @property
    def words(self) -> str:
        noun = "units" if self.units.several else "characters"
        return f"up to {self.length} {noun} of {len(self.units) - 1:,} different ones"

    def encode(self, raw: Tensor) -> Tensor:
        return forms.encode(raw, len(self.units))

    def decoder(self) -> nn.Module:
        return forms.Decoder()

    def head(self) -> forms.Chooser:
        return forms.Chooser(self.length)

    @property
    def tokens(self) -> Tokens:
        return forms.Choices(len(self.units), self.length)

    def judge(self, outputs: int) -> nn.Module:
        return judge.Network(len(self.units), outputs)

    def pupil(self, classes: int, seed: int) -> Pupil:
        return judge.Grams(self.units, classes, seed)

    def recipes(self) -> Sequence[Recipe]:
        noisy = [judge.Noise(len(self.units), share) for share in _NOISE]
        return [noisy[0], Unvaried(self), noisy[1]]

    def pretext(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        return judge.exchanged(samples)

    def pupils(self, classes: int, seed: int) -> Mapping[str, Pupil]:
        return {"character n-grams, logistic regression": self.pupil(classes, seed)}

    def resamplers(self) -> Mapping[str, Sequence[Mistyped]]:
        """What people do for scarce classes: copies of their texts, mistyped."""
        return {"character noise": [Mistyped(judge.Noise(len(self.units), share)) for share in _NOISE]}

    def values(self, raw: np.ndarray) -> np.ndarray:
        return self.compact(raw)

    def compact(self, raw: np.ndarray, coarse: bool = False) -> np.ndarray:
        """Hashed counts of 1 to 3 neighbouring characters, as vectors of length 1; a text without any is zero."""
        from sklearn.feature_extraction.text import HashingVectorizer

        hashed = HashingVectorizer(
            analyzer="char_wb",
            ngram_range=(1, 2) if coarse else (1, 3),
            n_features=_COARSE if coarse else _COMPACT,
            lowercase=False,
            alternate_sign=False,
            dtype=np.float32,
        )
        return hashed.transform(self.units.strings(raw)).toarray().astype(np.float32)

    def properties(self, raw: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"length": (np.cumsum(raw == END, 1) == 0).sum(1).astype(np.float64)}

    def measurements(self, made: np.ndarray, held: np.ndarray, train: np.ndarray) -> Sequence[Measurement]:
        return measures.measure(*map(self.units.strings, (made, held, train)))

    def picture(self, raw: np.ndarray) -> Picture:
        return view.lines(self.units.strings(raw))

    def beside(self, made: np.ndarray, real: np.ndarray) -> Picture:
        """Two texts, [length] each, below each other."""
        return view.beside(*self.units.strings(np.stack([made, real])))

    def sheet(self, groups: Sequence[np.ndarray], names: Sequence[str], columns: int, caption: str) -> Picture:
        return view.sheet([self.units.strings(group) for group in groups], names, columns, caption)

    def exhibits(self, made: np.ndarray, real: np.ndarray) -> Sequence[Exhibit]:
        return view.exhibits(self.units.strings(made), self.units.strings(real))
