"""One pass over all rows: what is in each column, and the label of every row."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from training.data.errors import DataError
from training.kinds.table import labels as label_columns
from training.kinds.table import plan as plans
from training.kinds.table import sources
from training.kinds.table.cells import MISSING, without, words_of
from training.kinds.table.chunks import File, NotUtf8
from training.kinds.table.decision import Type, Wanted
from training.kinds.table.facts import MOST_WORDS, ColumnFacts, family
from training.kinds.table.plan import Plan
from training.kinds.table.sources import Source


@dataclass(slots=True)
class Survey:
    """label: the column of labels. facts: of every column, the labels' too, by name.

    parts:  the split of each file and how many rows it has, in order.
    codes:  int32 [n], of each row's label in `words`; -1: it has none.
    """

    label: str
    facts: dict[str, ColumnFacts]
    parts: list[tuple[File, str, int]] = field(default_factory=list)
    words: dict[str, int] = field(default_factory=dict)
    codes: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))

    def where(self, row: int) -> str:
        """A row in words: the line, and of several files the one that it is in."""
        for file, _, count in self.parts:
            if row < count:
                return file.where(row) + (f" of {file.path.name}" if len(self.parts) > 1 else "")
            row -= count
        return self.parts[-1][0].where(row) if self.parts else f"row {row + 1}"


def survey(source: Source, plan: Plan, label: str | None) -> Survey:
    """Read all rows once; files of which only the end tells their encoding are read again. Raises DataError."""
    while True:
        try:
            return _survey(source, plan, label)
        except NotUtf8 as error:
            again = error.instead()
            if again.words in (file.words for file, _ in source.files if file.path == again.path):
                raise
            source.files = [(again if file.path == again.path else file, part) for file, part in source.files]


def _survey(source: Source, plan: Plan, label: str | None) -> Survey:
    trained = sources.trained_on(source)
    chosen = label_columns.choose(source.path, trained.names, label or plan.label, sources.to_guess(source))
    sources.leave_out_unlabelled(source, chosen)
    _refuse_other_columns(source, trained)
    facts = {}
    for name in trained.names:
        wanted = plan.columns.get(name, Wanted(name))
        asked = plans.parser_of(wanted) if name != chosen else None
        facts[name] = ColumnFacts(name, wanted.missing, asked, wanted.type is Type.CATEGORY or name == chosen)
    found = Survey(chosen, facts)
    codes: list[np.ndarray] = []
    start = 0
    for file, part in source.files:
        first = start
        # Rows of the file at hand are told by its own lines while it is read.
        found.parts.append((file, part, np.iinfo(np.int64).max))
        for batch in file.chunks():
            for name, each in facts.items():
                column = batch.column(batch.schema.get_field_index(name))
                _refuse_other_type(file, each, column.type)
                each.add(column, file.typed, start)
            codes.append(_coded(source, found, batch, file.typed))
            start += batch.num_rows
        found.parts[-1] = (file, part, start - first)
    if not start:
        raise DataError(f"{source.path}: has no rows")
    found.codes = np.concatenate(codes)
    return found


def _refuse_other_type(file: File, facts: ColumnFacts, kind: pa.DataType) -> None:
    own = family(kind)
    if own and facts.rows and facts.family and (own != facts.family or file.typed != facts.typed):
        raise DataError(
            f"{file.path}: column {facts.name!r} is of the type {kind}, which is {own}, but in the files before it is "
            f"{facts.family}; write it alike in all"
        )


def _refuse_other_columns(source: Source, trained: File) -> None:
    for file, _ in source.files:
        if missing := [name for name in trained.names if name not in file.names]:
            raise DataError(f"{file.path}: has no column {missing[0]!r}, which {trained.path.name} has")
        if more := [name for name in file.names if name not in trained.names]:
            raise DataError(f"{file.path}: has the column {more[0]!r}, which {trained.path.name} has not")


def _coded(source: Source, found: Survey, batch: pa.RecordBatch, typed: bool) -> np.ndarray:
    column = batch.column(batch.schema.get_field_index(found.label))
    cells = without(words_of(column, typed), {""} if typed else MISSING).dictionary_encode()
    own = []
    for word in cells.dictionary.to_pylist():
        own.append(found.words.setdefault(word, len(found.words)))
    if len(found.words) > MOST_WORDS:
        raise DataError(
            f"{source.path}: the column {found.label!r} has more than {MOST_WORDS:,} different values, which are no "
            "classes; say by --label COLUMN which column holds the classes"
        )
    indices = np.asarray(cells.indices.fill_null(-1).to_numpy(zero_copy_only=False))
    return np.array([*own, -1], np.int32)[indices]
