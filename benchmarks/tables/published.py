"""A published generator of tables, read from its ONNX file as the service does: rows by address, no server between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas

from augmint.v1 import generator_pb2 as pb
from benchmarks.tables.table import Table
from service import artifact
from service.runtime.session import Session
from training.data.splits import digest
from training.export.sampling import MEASURED_SEED, addressed_samples


class Published:
    """Draws rows of a file with the class frequencies of a table."""

    def __init__(self, path: Path, table: Table, threads: int) -> None:
        """Raises ValueError, in one sentence, for what makes no such rows, or has seen those that it is judged by."""
        try:
            self._session = Session(path.read_bytes(), threads=threads)
            self.generator = artifact.from_json(self._session.metadata)
        except (OSError, artifact.ArtifactError) as error:
            raise ValueError(f"{path}: {error}") from error
        sample = self.generator.sample
        if sample.WhichOneof("kind") != "table":
            raise ValueError(f"{path}: a generator of {sample.WhichOneof('kind') or 'arrays'}, not of a table")
        if lacking := [name for name in table.classes if name not in self.generator.labels]:
            raise ValueError(f"{path}: it cannot make {lacking[0]!r}; its classes: {', '.join(self.generator.labels)}")
        if _seen(self.generator, table):
            raise ValueError(
                f"{path}: nothing says that it has not seen rows that it is judged by; of {len(table.train):,} rows it "
                f"may learn, which --train-file writes"
            )
        self._table = table

    def draw(self, rows: int, seed: int) -> pandas.DataFrame:
        names, counts = zip(*self._table.natural(rows).items(), strict=True)
        labels = np.repeat([list(self.generator.labels).index(name) for name in names], counts)
        raw = addressed_samples(self._session, labels, MEASURED_SEED + seed, 0)
        made = frame(self.generator.sample.table, raw)
        made[self._table.label] = np.repeat(names, counts)
        return made


def _seen(generator: pb.Generator, table: Table) -> bool:
    """Whether it may have learned from the table's test rows: it read more, and they were not its test split."""
    splits = generator.provenance.splits
    read = sum(sum(split.counts) for split in splits)
    theirs = digest(np.arange(len(table.train), len(table.train) + len(table.test)))
    return read > len(table.train) and theirs not in {split.digest for split in splits if split.split == "test"}


def frame(spec: pb.TableSpec, raw: np.ndarray) -> pandas.DataFrame:
    """Rows as generator.proto describes them, decoded: numbers float64, categories text, NaN where missing.

    raw: float32 [n, columns].
    """
    return pandas.DataFrame(
        {column.name: _decoded(column, raw[:, number]) for number, column in enumerate(spec.columns)}
    )


def _decoded(column: pb.ColumnSpec, raw: np.ndarray) -> np.ndarray:
    missing = np.isnan(raw)
    if column.categories or column.unit == pb.COLUMN_UNIT_TRUTH:
        names = np.array([*(column.categories or ("False", "True")), np.nan], object)
        return names[np.where(missing, -1, np.nan_to_num(raw)).astype(np.int64)]
    values = raw.astype(np.float64) + column.offset
    if column.HasField("decimals"):
        values = values.round(column.decimals)
    return values
