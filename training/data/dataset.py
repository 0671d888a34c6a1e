"""What every reader of data ends in: samples with class indices, checked once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from training.data.kind import Kind
from training.data.question import Question
from training.data.reading import Part, Reading
from training.data.subset import Samples, Subset
from training.data.wording import shown


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Labelled samples of one kind, in memory or mapped from a file.

    name:          the source, as given.
    samples:       raw, of the kind's dtype, [n, *shape].
    labels:        int64 [n], each in [0, classes).
    class_names:   in order of class index; at least one, all different. One alone is unconditional data.
    digest:        lower-case hexadecimal SHA-256 over shape, labels and samples as they were read.
    official_test: int64 positions, ascending, of the source's own test split; None if it has none.
    notes:         what was skipped, resized, padded or converted, one sentence each.
    kind:          of the samples.
    on_disk:       samples is a map of a file, perhaps larger than memory: take few rows, or a `part`.
    reading:       what the source was taken for; None where the reader does not say.
    questions:     what looks wrong in it, but may be meant; a person should look.
    groups:        int64 [n], equal where samples are parts of one whole, which no two splits share; None: each stands
                   for itself.
    digest_before: what earlier releases recorded as its digest, if they would record another one.
    """

    name: str
    samples: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    digest: str
    official_test: np.ndarray | None
    notes: tuple[str, ...]
    kind: Kind
    on_disk: bool = False
    reading: Reading | None = None
    questions: tuple[Question, ...] = ()
    groups: np.ndarray | None = None
    digest_before: str | None = None

    @property
    def classes(self) -> int:
        return len(self.class_names)

    def counts(self, positions: np.ndarray | None = None) -> np.ndarray:
        """Samples per class, int64 [classes]; of all samples, or of those at the positions."""
        labels = self.labels if positions is None else self.labels[positions]
        return np.bincount(labels, minlength=self.classes)

    def fitted(self, positions: np.ndarray) -> Dataset:
        """The data set with all that its kind learns from the samples at the positions, those for training."""
        kind = self.kind.fitted(self.part(positions), self.labels[positions], self.classes)
        samples, notes = kind.adopted(self.samples, self.kind)
        assert isinstance(samples, np.ndarray), "an array stays one"
        return replace(self, kind=kind, samples=samples, notes=(*self.notes, *notes))

    def part(self, positions: np.ndarray) -> Samples:
        """The samples at the positions: in memory if the data set is, else read as they are needed."""
        return Subset(self.samples, positions) if self.on_disk else self.samples[positions]


def _shown_reading(reading: Reading | None) -> Reading | None:
    if reading is None:
        return None
    skipped = {shown(what): count for what, count in reading.skipped.items()}
    parts = tuple(Part(shown(each.name), each.type, shown(each.reason)) for each in reading.parts)
    return replace(reading, layout=shown(reading.layout), splits=shown(reading.splits), skipped=skipped, parts=parts)


def _read_through(samples: np.ndarray, labels: np.ndarray) -> tuple[str, np.ndarray]:
    """The data set's digest, and a print of each sample, uint64 [n], to find equal ones; one pass."""
    digest = hashlib.sha256(repr(samples.shape).encode())
    digest.update(labels.astype("<i8").data)
    prints = np.empty(len(samples), np.uint64)
    for number, sample in enumerate(samples):
        digest.update(sample.data)
        prints[number] = int.from_bytes(hashlib.blake2b(sample.data, digest_size=8).digest())
    return digest.hexdigest(), prints
