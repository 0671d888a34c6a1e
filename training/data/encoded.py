"""Hugging Face data sets of encoded files: Parquet files, or the Arrow files of `save_to_disk` and of the cache."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.data import arrow
from training.data import parts as split_names
from training.data.errors import DataError
from training.data.folders.tree import Parts, Sought, walk
from training.data.huggingface import class_names, features
from training.data.labels.join import label_column
from training.data.labels.table import METADATA, Table, clean, is_missing, label_order
from training.data.labels.tagged import Columns
from training.data.parts import TEST, TRAIN, VALIDATION, part_in, part_of
from training.data.reading import Reading
from training.data.recorded import Read
from training.data.records import Records
from training.data.wording import counted, listed

Content = bytes | Path


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a column of encoded files is known by.

    feature: as Datasets calls its kind. words: usual names of such a column, in lower case.
    any_bytes: whether bytes of which nothing is known may be some.
    """

    feature: str
    words: tuple[str, ...]
    sought: Sought
    any_bytes: bool = False


def is_part(entry: Path) -> bool:
    """Whether a file is a part of a data set by its name."""
    suffix = entry.suffix.lower()
    if suffix not in (arrow.PARQUET, arrow.ARROW) or entry.name.startswith(".") or entry.name.lower() in METADATA:
        return False
    # Of the cache, files of what was computed from the data set.
    return not entry.name.startswith(("cache-", "tmp")) and entry.is_file()


@dataclass(slots=True)
class _Part:
    """The files of one split, in order."""

    name: str
    files: list[Path] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that have a label.

    files: with their splits. kept: number of each row among all. where: in words, of all. labels: of all, as text.
    classes: in order of index. said: the column of labels, in words.
    """

    files: list[tuple[Path, str]]
    splits: dict[str, _Part]
    column: str
    kept: list[int]
    where: list[str]
    labels: list[str]
    classes: tuple[str, ...]
    said: str

    @property
    def names(self) -> list[str]:
        """Of the rows, for messages."""
        return [self.where[number] for number in self.kept]

    def contents(self) -> Iterator[Content]:
        """The encoded files: bytes, or where they were left on disk."""
        wanted, number = set(self.kept), 0
        for file, _ in self.files:
            for cell in arrow.cells(file, self.column):
                if number in wanted:
                    yield _content(file, cell)
                number += 1

    def records(self, read: Read, levels: tuple[float, float] | None = None) -> Records:
        """read: of the contents, in their order. levels: see Reading."""
        rows = [self.kept[number] for number in read.kept]
        part = [kind for file, kind in self.files for _ in range(arrow.count(file))]
        number_of = {name: number for number, name in enumerate(self.classes)}
        labelled = {part[row] for row in self.kept}
        test = np.flatnonzero([split_names.is_test(part[row], labelled) for row in rows])
        skipped = {"rows without a label": len(self.labels) - len(self.kept)}
        several = len(labelled) > 1
        splits = split_names.in_words({kind: self.splits[kind].name for kind in labelled}) if several else ""
        words = f"{counted(len(self.files), 'file')} of rows, column {self.column!r}, {self.said}"
        return Records(
            read.samples,
            np.array([number_of[self.labels[row]] for row in rows], np.int64),
            self.classes,
            test if several else None,
            tuple(read.notes),
            reading=Reading(words, splits, levels, skipped),
            questions=tuple(read.questions),
            settled=True,
        )


def rows(path: Path, encoded: Encoded, columns: Columns) -> Rows:
    """The rows of a data set of a column of encoded files and a column of labels.

    path: a folder of Parquet files (data/train-00000-of-00002.parquet, default/test/0000.parquet, ...), of a data set
          that Datasets saved, or one such file. The split is what the file's name or folder says; none: for training.
    columns: the one of the labels, where a person gave it.

    Cells are the encoded files themselves, as features of Datasets keep them. Raises DataError.
    """
    kinds = _parts(path, encoded.sought)
    files = [(file, kind) for kind in (TRAIN, VALIDATION, TEST) if kind in kinds for file in kinds[kind].files]
    schema = arrow.schema(files[0][0])
    for file, _ in files[1:]:
        if arrow.schema(file).names != schema.names:
            raise DataError(
                f"{file}: has the columns {arrow.schema(file).names}, but {files[0][0].name} {schema.names}"
            )
    column = _column(files[0][0], schema, encoded)
    labels, classes, said = _labels(path, files, schema, column, columns)
    kept = [number for number, text in enumerate(labels) if not is_missing(text)]
    if not kept:
        raise DataError(f"{path}: no row has a label")
    return Rows(files, kinds, column, kept, _rows_of(files), labels, classes, said)


def first_part(path: Path) -> Path | None:
    """The first file of a folder that is a part of a data set by its name; None: there is none."""
    for folder, _, names in os.walk(path):
        for name in sorted(names):
            if is_part(Path(folder, name)):
                return Path(folder, name)
    return None


def is_file(path: Path) -> bool:
    """Whether a file is one of rows by its ending."""
    return path.suffix.lower() in (arrow.PARQUET, arrow.ARROW) and path.is_file()


def holds(file: Path, encoded: Encoded) -> bool:
    """Whether a Parquet or Arrow file has a column that may be of encoded files. Raises DataError."""
    schema = arrow.schema(file)
    found, told = _of_bytes(schema), _told(schema)
    if told:
        return any(each == encoded.feature and name in found for name, each in told.items())
    return bool(found) if encoded.any_bytes else any(name.lower() in encoded.words for name in found)


def _parts(path: Path, sought: Sought) -> dict[str, _Part]:
    """The files of each split that there is. Raises DataError if the splits make no sense."""
    found: dict[str, _Part] = {}
    if path.is_file():
        return {TRAIN: _Part(TRAIN, [path])}
    files = [parts for parts in walk(path, sought).files if is_part(path.joinpath(*parts))]
    endings = {Path(parts[-1]).suffix.lower() for parts in files}
    if len(endings) > 1:
        raise DataError(f"{path}: has both Parquet and Arrow files; keep one kind, or give one folder")
    configurations = {parts[:-1] for parts in files if part_of(parts[-2] if len(parts) > 1 else "") is None}
    above = {parts[:-2] for parts in files if len(parts) > 1 and part_of(parts[-2])}
    if len(configurations | above) > 1:
        folders = listed(sorted("/".join(each) or "." for each in configurations | above), 4)
        raise DataError(
            f"{path}: has files in several folders ({folders}), which may be different sets; give one of them"
        )
    for parts in files:
        kind, name = _split_of(parts)
        part = found.setdefault(kind, _Part(name))
        part.files.append(path.joinpath(*parts))
    if TRAIN not in found and len(found) > 1:
        raise DataError(f"{path}: has {listed(part.name for part in found.values())}, but nothing to train on")
    return found if len(found) > 1 else {TRAIN: next(iter(found.values()))}


def _split_of(parts: Parts) -> tuple[str, str]:
    if len(parts) > 1 and (kind := part_of(parts[-2])):
        return kind, parts[-2]
    kind, _ = part_in(Path(parts[-1]).stem)
    return (kind, kind) if kind else (TRAIN, TRAIN)


def _rows_of(files: list[tuple[Path, str]]) -> list[str]:
    return [f"{file.name} row {row}" for file, _ in files for row in range(arrow.count(file))]


def _told(schema: Any) -> dict[str, str]:
    """Columns of which Datasets says that they are encoded files, and of which kind."""
    kinds = {name: str(feature.get("_type")) for name, feature in features(schema).items()}
    return {name: kind for name, kind in kinds.items() if kind in ("Image", "Audio", "Video", "Pdf")}


def _of_bytes(schema: Any) -> list[str]:
    """The columns of bytes, or of structs of bytes and path."""
    import pyarrow

    found = []
    for each in schema:
        kind = each.type
        is_bytes = pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind)
        is_struct = pyarrow.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
        if is_bytes or is_struct:
            found.append(each.name)
    return found


def _column(file: Path, schema: Any, encoded: Encoded) -> str:
    found = _of_bytes(schema)
    candidates = [name for name, kind in _told(schema).items() if kind == encoded.feature and name in found] or found
    if len(candidates) > 1:
        candidates = [name for name in candidates if name.lower() in encoded.words] or candidates
    if len(candidates) != 1:
        wanted = f"a column of encoded {encoded.sought.nouns} (bytes, or a struct of bytes and path)"
        has = f"several ({', '.join(candidates)})" if candidates else f"the columns {', '.join(schema.names)}"
        raise DataError(f"{file}: wanted {wanted}; it has {has}")
    return candidates[0]


def _labels(
    path: Path, files: list[tuple[Path, str]], schema: Any, own: str, columns: Columns
) -> tuple[list[str], tuple[str, ...], str]:
    """The label of every row as text, the classes in order, and the column in words."""
    names_of = class_names(schema)
    plain = [each.name for each in schema if each.name != own and not _is_nested(each.type)]
    named = [name for name in plain if name in names_of]
    choices = plain if columns.label is not None else (named or plain)
    cells = {name: [_text(cell) for file, _ in files for cell in arrow.cells(file, name)] for name in choices}
    table = Table(path, tuple(choices), list(zip(*cells.values(), strict=True)) if cells else [])
    number = label_column(table, columns.label)
    if number is None:
        raise DataError(f"{path}: no column of labels beside {own!r}; it has {', '.join(schema.names)}")
    column = choices[number]
    labels = list(table.column(number))
    if names := names_of.get(column):
        numbers = {str(index): clean(name) for index, name in enumerate(names)}
        unknown = sorted(
            {label for label in labels if label not in numbers and not is_missing(label) and label != "-1"}
        )
        if unknown:
            raise DataError(f"{path}: column {column!r} has the label {unknown[0]}, but names for {len(names)} classes")
        # -1 is Datasets' own sign of a row without a label.
        labels = [numbers.get(label, "") for label in labels]
        return labels, tuple(numbers.values()), f"names of column {column!r}"
    return (
        labels,
        tuple(label_order({label for label in labels if not is_missing(label)})),
        f"labels of column {column!r}",
    )


def _is_nested(kind: Any) -> bool:
    import pyarrow

    return pyarrow.types.is_nested(kind) or pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return clean(str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell))


def _content(file: Path, cell: Any) -> Content:
    """The file's bytes; or the file that the row names, where the bytes were left on disk."""
    if isinstance(cell, bytes):
        return cell
    if isinstance(cell, dict):
        if cell.get("bytes"):
            return cell["bytes"]
        if cell.get("path"):
            return file.parent / cell["path"]
    return b""
