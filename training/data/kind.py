"""The seam: what the rest of the program may ask of a kind of data. Everything else it knows is arrays and labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from augmint.v1 import generator_pb2 as pb
from training.data.subset import Samples

FEATURES = 128  # of a judge, before its last layer


@dataclass(frozen=True, slots=True)
class Picture:
    """Something to look at, or to listen to: the content of a file, its ending with the dot, and its media type.

    text/html is put into the report as it is: without a head, with every name in it escaped by the kind. It may use the
    report's colours (--ink, --faint, --line, --c0, --c1) and classes (cards, scroll, faint, words).
    """

    content: bytes
    suffix: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring channels of a form that belong together: a choice (one of them is 1, the others 0), or values."""

    width: int
    choice: bool


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number about synthetic samples, beside the same one about held-out real samples, if that can be measured.

    name: in words, e.g. "distance of a column, median". detail: what the value belongs to, e.g. the column.
    limit, low: above which it is a finding, by the low end of its 95 % interval; None: it is told only.
    advice: what would help, one sentence.
    """

    name: str
    value: float
    real: float | None = None
    detail: str = ""
    limit: float | None = None
    low: float = -math.inf
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Something to look at in a report, under a title."""

    title: str
    picture: Picture


class Head(Protocol):
    """The end of a generator whose samples hold choices: an nn.Module, in training differentiable, else it chooses.

    draws: how many uniform numbers in (0, 1] it takes for a sample; 0: it chooses what is likelier.
    """

    draws: int

    def __call__(self, output: Tensor, uniform: Tensor) -> Tensor:
        """float32 [n, *form], unbounded, and float32 [n, draws] -> float32 [n, *form] in [-1, 1]."""

    def surprise(self, output: Tensor, real: Tensor) -> Tensor:
        """Minus the logarithm of the likelihood of real samples, in nats: float32 [n, *form] each -> [n, *form].

        output: as above. What lies in several channels stands in one of them.
        """

    def draws_of(self, output: Tensor, sample: Tensor, uniform: Tensor) -> Tensor:
        """Draws by which this output makes this sample: float32 [n, *form] twice, [n, draws] -> [n, draws].

        uniform: which of them, by what is left to chance. By them another output makes what the sample would have been
        under it (Pearl 2009, section 7.1: abduction).
        """


class Tokens(Protocol):
    """Samples as a sequence of choices, for models that learn the likelihood of each given those before it."""

    @property
    def sizes(self) -> Sequence[int]:
        """How many choices there are at each position."""

    @property
    def stop(self) -> int | None:
        """A choice after which nothing but it follows; None: there is none."""

    def encode(self, raw: Tensor) -> Tensor:
        """dtype [n, *shape] -> int64 [n, positions]."""

    def decoder(self) -> nn.Module:
        """int64 [n, positions] and float32 [n, positions] in (0, 1] -> dtype [n, *shape].

        The second is uniform and tells where in a range of values that is one choice the value lies.
        """


class Pupil(Protocol):
    """A classifier that people use for the kind, where that is not a network like the judge."""

    def fit(self, samples: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Learn from raw samples [n, *shape] and int64 [n]; weights: of each sample's loss, float64 [n]."""

    def predict_proba(self, samples: np.ndarray) -> np.ndarray:
        """Probability of each class, also of those that it has not seen: float64 [n, classes]."""


class Resampler(Protocol):
    """One way of making more of real samples, without a generator; its text names it in tables."""

    @property
    def evens(self) -> bool:
        """Whether all that it does is to make scarce classes as large as others: with even ones it does nothing."""

    def resample(self, samples: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Raw samples [n, *shape] and int64 [n] -> the same ones, and new ones, most of them of scarce classes."""


class Augmentation(Protocol):
    """What may be varied without changing the class, while a discriminator learns from few samples."""

    def apply(self, samples: Tensor, probability: float, random: torch.Generator) -> Tensor:
        """Vary each sample with a probability, reals and fakes alike: float32 [n, *form], differentiable."""

    def properties(self, raw: np.ndarray) -> np.ndarray:
        """What `apply` changes, measured on raw samples [n, *shape]: float64 [n, k]. It must not leak into samples."""

    def unseen(self, form: tuple[int, ...]) -> np.ndarray:
        """Deviations of the properties below which nobody sees a difference: float64 [k]."""


class Recipe(Protocol):
    """One way of varying batches while a classifier learns; its text names it in tables."""

    def vary(self, raw: Tensor) -> Tensor:
        """dtype [n, *shape] -> varied float32 [n, *form]."""


class Kind(Protocol):
    """A kind of data, with the shape of its samples: how they are encoded, varied, judged and shown.

    Raw samples are what a client receives: dtype [n, *shape], as `spec` says. Networks see the form: float32
    [n, channels, *extents] in [-1, 1], with no, one or two extents. What has a body here holds for most kinds; a kind
    that derives from this class has it.
    """

    # Rows of the preset table that make sense for the kind, in the order in which `auto` tries them.
    recommended: ClassVar[Sequence[str]] = ("rpgan", "vae")
    # Whether `auto` tries them on the data; else it chooses by how much data there is.
    trials: ClassVar[bool] = False

    def fitted(self, raw: Samples, labels: np.ndarray, classes: int) -> Kind:
        """The kind with all that it learns from the training split, such as modes and ranges.

        It is written into the specification or into the decoder, never beside the file.

        raw: dtype [n, *shape]; labels: int64 [n].
        """
        return self

    def adopted(self, raw: Samples, of: Kind) -> tuple[Samples, Sequence[str]]:
        """Raw samples of `of`, this kind before it learned or as it learned from others, as raw samples of this one.

        And what they lost by that, one sentence each. Most kinds learn of encoding alone: their raw samples stay.
        """
        return raw, ()

    @property
    def spec(self) -> pb.SampleSpec:
        """Shape, dtype, and how a client reads a sample."""

    @property
    def dtype(self) -> np.dtype:
        """Of raw samples, as the specification says."""

    @property
    def form(self) -> tuple[int, ...]:
        """(channels, *extents) of a training sample."""

    @property
    def augmentation(self) -> Augmentation | None:
        """None: nothing may be varied."""

    @property
    def words(self) -> str:
        """A sample in words, e.g. "28 x 28, gray"."""

    def encode(self, raw: Tensor) -> Tensor:
        """dtype [n, *shape] -> float32 [n, *form] in [-1, 1]. It is exported with a judge: plain operators only."""

    def decoder(self) -> nn.Module:
        """The inverse of `encode`, as a module: the end of the exported graph."""

    @property
    def blocks(self) -> Sequence[Block]:
        """What the channels of a form without extents are; empty: values."""
        return ()

    def head(self) -> Head | None:
        """A new head; None: the last activation of the generator makes samples of this kind."""
        return None

    @property
    def tokens(self) -> Tokens | None:
        """Samples as choices; None: there is no such view of this kind."""
        return None

    def likelihood(self, real: Tensor, made: Tensor) -> Tensor:
        """Reconstruction error of an autoencoder, in nats: float32 [n, *form] each -> float32 [n].

        Not asked of a kind that has a head: that says it (`Head.surprise`), and may have learned how sure it is.
        """
        raise TypeError(f"{type(self).__name__} has a head, which says it")

    def judge(self, outputs: int) -> nn.Module:
        """A new network, float32 [n, *form] -> (features float32 [n, FEATURES], logits float32 [n, outputs])."""

    def recipes(self) -> Sequence[Recipe]:
        """Standard augmentations of a classifier, the default first."""

    @property
    def pretexts(self) -> int:
        """How many answers the pretext task has, at least 2."""

    def pretext(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """What a judge learns where there is one class: changed samples [n, *form], and which change: int64 [n]."""

    def pupil(self, classes: int, seed: int) -> Pupil | None:
        """A new classifier; None: the judge's network is what people use."""
        return None

    def pupils(self, classes: int, seed: int) -> Mapping[str, Pupil]:
        """New classifiers that people use, by name, `pupil` first: a study teaches each; none: the judge's network."""
        pupil = self.pupil(classes, seed)
        return {} if pupil is None else {"": pupil}

    def resamplers(self) -> Mapping[str, Sequence[Resampler]]:
        """What people do for scarce classes, or few samples, of this kind alone, by name: what a study compares with.
        Several: it tries each."""
        return {}

    def values(self, raw: np.ndarray) -> np.ndarray:
        """[n, *shape] -> finite numbers [n, ...] whose deviations may be compared and averaged."""
        return raw

    def properties(self, raw: np.ndarray) -> Mapping[str, np.ndarray]:
        """What samples have beside their class, such as light or length, measured on each: by name float64 [n], not a
        number where a sample has none. It is what may be kept when they are carried into another class."""
        return {}

    def measurements(self, made: np.ndarray, held: np.ndarray, train: np.ndarray) -> Sequence[Measurement]:
        """What is measured of this kind alone: synthetic, held-out and training samples, of the same classes in the
        same parts, [n, *shape] each."""
        return ()

    def exhibits(self, made: np.ndarray, real: np.ndarray) -> Sequence[Exhibit]:
        """What a report shows beside samples: synthetic and real ones, of the same classes in the same parts."""
        return ()

    def compact(self, raw: np.ndarray, coarse: bool = False) -> np.ndarray:
        """[n, *shape] -> float32 [n, d]: the space in which nearest neighbours are looked for.

        coarse: in fewer values, in which samples that look alike are near; else copies are.
        """

    def picture(self, raw: np.ndarray) -> Picture:
        """Some samples [n, *shape] beside each other; where they take much room, the first ones."""

    def beside(self, made: np.ndarray, real: np.ndarray) -> Picture | None:
        """A sample and a real one, [*shape] each, in one picture that shows what they share; None: one of each."""
        return None

    def sheet(self, groups: Sequence[np.ndarray], names: Sequence[str], columns: int, caption: str) -> Picture:
        """Groups of samples, each under its name."""


@dataclass(frozen=True, slots=True)
class Unvaried:
    """The recipe that varies nothing."""

    kind: Kind

    def vary(self, raw: Tensor) -> Tensor:
        return self.kind.encode(raw)

    def __str__(self) -> str:
        return ""


def answers(kind: Kind, name: str) -> bool:
    """Whether a kind has an answer of its own to a method that has one here: else nothing need be drawn for it."""
    return getattr(type(kind), name, None) is not getattr(Kind, name)


def value_range(dtype: np.dtype) -> float:
    """From the least to the greatest value of a sample: of whole numbers the dtype's, of floats the form's, 2."""
    return float(np.iinfo(dtype).max) - float(np.iinfo(dtype).min) if dtype.kind in "iu" else 2.0
