"""The kind `table`: rows of one schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor, nn

from augmint.v1 import generator_pb2 as pb
from training.data.kind import (
    Block,
    Exhibit,
    Head,
    Kind,
    Measurement,
    Picture,
    Pupil,
    Recipe,
    Resampler,
    Tokens,
    Unvaried,
)
from training.data.subset import Samples
from training.kinds.table import judge, measures, smote, view
from training.kinds.table.choices import Choices
from training.kinds.table.columns import Column, sample_spec
from training.kinds.table.encoding import Encoding
from training.kinds.table.head import TableHead
from training.kinds.table.logistic import Logistic
from training.kinds.table.space import Space, ranges


@dataclass(frozen=True)
class Table(Kind):
    """Rows, float32 [columns]; see training.data.kind.Kind for the rest.

    columns: without the one of the labels, whose name is `label`.
    encoding, choices, space: what `fitted` learned; until then there are no networks for the kind.
    """

    columns: tuple[Column, ...]
    label: str
    encoding: Encoding | None = None
    choices: Choices | None = None
    space: Space | None = field(default=None, compare=False, repr=False)

    recommended = ("argn", "tabgan", "ctgan", "tvae")
    trials = True
    augmentation = None
    pretexts = judge.PRETEXTS

    def fitted(self, raw: Samples, labels: np.ndarray, classes: int) -> Table:
        columns = ranges(self.columns, raw)
        encoding = Encoding.fit(columns, raw)
        choices = Choices.fit(columns, raw)
        return replace(self, columns=columns, encoding=encoding, choices=choices, space=Space(columns, raw))

    @property
    def spec(self) -> pb.SampleSpec:
        return sample_spec(self.columns, self.label)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32)

    @property
    def form(self) -> tuple[int, ...]:
        return (self._learned.width,)

    @property
    def words(self) -> str:
        categories = sum(bool(column.categories) for column in self.columns)
        return f"{len(self.columns)} columns, {categories} of them of categories"

    def encode(self, raw: Tensor) -> Tensor:
        return self._learned.encode(raw)

    def decoder(self) -> nn.Module:
        return self._learned.decoder()

    @property
    def blocks(self) -> Sequence[Block]:
        return self._learned.blocks

    def head(self) -> Head:
        return TableHead(self._learned)

    @property
    def tokens(self) -> Tokens | None:
        return self.choices

    def judge(self, outputs: int) -> nn.Module:
        return judge.Network(self._learned.width, outputs)

    def pupil(self, classes: int, seed: int) -> Pupil:
        return judge.Boosting(self.columns, classes, seed)

    def pupils(self, classes: int, seed: int) -> Mapping[str, Pupil]:
        return {"gradient boosting": self.pupil(classes, seed), "logistic regression": Logistic(self.columns, classes)}

    def resamplers(self) -> Mapping[str, Sequence[Resampler]]:
        return {"SMOTE-NC": smote.trials(self.columns)}

    def recipes(self) -> Sequence[Recipe]:
        return [Unvaried(self)]

    def pretext(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        return judge.shuffled(samples, self.blocks)

    def values(self, raw: np.ndarray) -> np.ndarray:
        return self._points.values(raw)

    def compact(self, raw: np.ndarray, coarse: bool = False) -> np.ndarray:
        return self._points.compact(raw)

    def properties(self, raw: np.ndarray) -> Mapping[str, np.ndarray]:
        """The columns; of categories their numbers, which are the same or are not."""
        return {column.name: raw[:, number].astype(np.float64) for number, column in enumerate(self.columns)}

    def measurements(self, made: np.ndarray, held: np.ndarray, train: np.ndarray) -> Sequence[Measurement]:
        return measures.measure(self.columns, made, held, train)

    def picture(self, raw: np.ndarray) -> Picture:
        return view.rows(self.columns, raw)

    def beside(self, made: np.ndarray, real: np.ndarray) -> Picture:
        return view.beside(self.columns, made, real)

    def sheet(self, groups: Sequence[np.ndarray], names: Sequence[str], columns: int, caption: str) -> Picture:
        return view.sheet(self.columns, groups, names, columns, caption)

    def exhibits(self, made: np.ndarray, real: np.ndarray) -> Sequence[Exhibit]:
        return view.exhibits(self.columns, made, real)

    @property
    def _learned(self) -> Encoding:
        assert self.encoding is not None, "fitted() comes before networks"
        return self.encoding

    @property
    def _points(self) -> Space:
        assert self.space is not None, "fitted() comes before comparisons"
        return self.space
