"""Measures a published file again: on the data that it was made from, by the same splits, with the gate's verdict."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from service.runtime.verify import verify
from training import quality
from training.data import Dataset
from training.data.nearby import hint
from training.data.splits import Splits, split
from training.data.wording import listed
from training.errors import TrainingError
from training.export.sampling import to_be_carried, to_be_measured
from training.kinds import load_again
from training.quality.measures.carrying import Carry
from training.source import AS_FOUND, SourceOptions


class EvaluationError(TrainingError, ValueError):
    """The file cannot be measured on this data; the message says why and what would be right."""


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """A generator's file together with the data that it was made from."""

    path: Path
    content: bytes
    message: pb.Generator
    session: Session
    dataset: Dataset
    splits: Splits

    @classmethod
    def open(cls, path: Path, data: str, reading: SourceOptions = AS_FOUND) -> Published:
        """Read a file and its data; splits follow from the recorded seed.

        reading: how the data is read; the shape is the file's.

        Raises service.artifact.ArtifactError for a file that the service would refuse, training.data.DataError, and
        EvaluationError if the data is not the file's.
        """
        content = read_artifact(path)
        try:
            session = Session(content, threads=os.cpu_count() or 1)
            message = verify(session)
        except artifact.ArtifactError as error:
            raise artifact.ArtifactError(f"{path}: {error}") from error
        recorded = message.provenance
        if not recorded.data_digest:
            raise EvaluationError(
                f"{path} does not say what data it was made from, so no sample is known to be new to it"
            )
        dataset = load_again(message.sample, data, reading)
        if recorded.data_digest not in (dataset.digest, dataset.digest_before):
            raise EvaluationError(
                f"{data} is not the data that {path} was made from ({recorded.data_name}): its digest is "
                f"{dataset.digest[:12]}, recorded is {recorded.data_digest[:12]}; if it was read with --levels, "
                "--drop-scarce, --label or --file, they are needed here too"
            )
        if list(dataset.class_names) != list(message.labels):
            raise EvaluationError(
                f"{data} has the samples that {path} was made from ({recorded.data_name}), and other names of classes: "
                f"{listed(dataset.class_names, 4)}; recorded are {listed(message.labels, 4)}: name them as they were"
            )
        splits = split(dataset, seed=recorded.seed)
        dataset = dataset.fitted(splits.train)
        known = {part.split: part.digest for part in recorded.splits}
        for part in splits.counts(dataset):
            if known.get(part.split, part.digest) != part.digest:
                raise EvaluationError(
                    f"{path}: the recorded {part.split} split cannot be made again; this release splits differently"
                )
        return cls(path, content, message, session, dataset, splits)

    def draw(self, labels: np.ndarray, start: int) -> np.ndarray:
        """The samples that cards are measured on; see training.quality.Draw."""
        return to_be_measured(self.session)(labels, start)

    @property
    def carry(self) -> Carry | None:
        """See training.quality.measures.carrying.Carry; None: the generator does not transform."""
        return to_be_carried(self.session)

    def model(self) -> onnx.ModelProto:
        """The graph, to publish it again with another card."""
        return onnx.load_from_string(self.content)

    @property
    def repository(self) -> Path | None:
        """The repository's folder that the file lies in; None if it lies elsewhere."""
        folders = self.path.absolute().parents
        name, version = self.message.name, str(self.message.version)
        in_place = len(folders) >= 3 and folders[0].name == version and folders[1].name == name
        return folders[2] if in_place else None


def read_artifact(path: Path) -> bytes:
    """The bytes of a published file; raises EvaluationError, with what may have been meant, if there is none."""
    try:
        return path.read_bytes()
    except IsADirectoryError:
        inside = sorted(path.glob(artifact.FILE_NAME)) or sorted(path.glob(f"*/{artifact.FILE_NAME}"))
        inside = inside or sorted(path.glob(f"*/*/{artifact.FILE_NAME}"))
        said = f"; did you mean {inside[-1]}?" if inside else ""
        raise EvaluationError(f"{path} is a folder; wanted a published {artifact.FILE_NAME}{said}") from None
    except (FileNotFoundError, NotADirectoryError):
        raise EvaluationError(f"{path}: no such file; wanted a published {artifact.FILE_NAME}{hint(path)}") from None


def evaluate(
    published: Published, *, repeats: int = 3, progress: Callable[[str, float], None] | None = None
) -> pb.QualityCard:
    """A new card; gains, recommendations and what training found are those of the old one.

    repeats: classifiers, of different seeds, that learn from synthetic samples.
    """
    card = quality.measure(
        published.draw,
        published.dataset,
        published.splits,
        seed=published.message.provenance.seed,
        progress=progress,
        repeats=repeats,
        carry=published.carry,
    )
    if published.message.HasField("quality"):
        quality.decide(card, quality.carry_over(card, published.message.quality))
    return card
