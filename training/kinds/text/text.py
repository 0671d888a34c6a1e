"""The kind `text`: short texts of some length at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor, nn

from augmint.v1 import generator_pb2 as pb
from training.data.kind import Exhibit, Kind, Measurement, Picture, Pupil, Recipe, Tokens, Unvaried
from training.data.subset import Samples
from training.kinds.text import form as forms
from training.kinds.text import judge, learning, measures, view
from training.kinds.text.convolutions import Convolutions
from training.kinds.text.judge import Mistyped
from training.kinds.text.units import END, Units

_COMPACT, _COARSE = 256, 64  # numbers that stand for a text where it is compared
_NOISE = (0.05, 0.15)
_COPIES = (1, 4)  # of each text of the largest class


@dataclass(frozen=True)
class Text(Kind):
    """Texts, int32 [length], ids of units up to END; see training.data.kind.Kind for the rest.

    As they are read, texts are of all characters of the data, and as long as the longest. What is learned from the
    training split, units and length, is what clients are told: held-out texts are cut to that length, and characters
    that only they have are unknown in them.

    wanted: byte-pair units to learn, see units.learn; given: units and length of a generator, in their place.
    places: where each text stands, while they are as they were read; else None.
    """

    units: Units
    length: int
    wanted: int | None = None
    given: tuple[Units, int] | None = None
    places: Mapping[str, str] | None = field(default=None, compare=False, repr=False)

    recommended = ("gru", "textgan", "textvae")
    trials = True  # which of them is best depends on how much text there is, and how long
    augmentation = None
    pretexts = judge.PRETEXTS

    def fitted(self, raw: Samples, labels: np.ndarray, classes: int) -> Text:
        units, length = self.given or learning.learned(self.units.strings(raw[:]), self.wanted)
        return replace(self, units=units, length=length, given=None, places=None)

    def adopted(self, raw: Samples, of: Kind) -> tuple[Samples, Sequence[str]]:
        assert isinstance(of, Text), "texts come of texts"
        if (of.units, of.length) == (self.units, self.length) and of.places is None:
            return raw, ()
        texts = of.units.strings(raw[:])
        ids = [self.units.ids(text) for text in texts]
        notes = () if of.places is None else learning.told(texts, ids, self.units, self.length, of.places)
        return learning.filled(ids, self.units, self.length), notes

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
        return {
            "character n-grams, logistic regression": self.pupil(classes, seed),
            "small convolutional network": Convolutions(len(self.units), classes, seed),
        }

    def resamplers(self) -> Mapping[str, Sequence[Mistyped]]:
        """What people do for scarce classes, and for few texts: copies of them, mistyped."""
        noisy = [judge.Noise(len(self.units), share) for share in _NOISE]
        return {"character noise": [Mistyped(noise, times) for times in _COPIES for noise in noisy]}

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
