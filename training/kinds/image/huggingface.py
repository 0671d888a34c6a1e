"""Hugging Face image data sets on this disk: Parquet files, or the Arrow files of `save_to_disk` and of the cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.data import parts as split_names
from training.data.errors import DataError
from training.data.folders.tree import Parts, walk
from training.data.huggingface import class_names, features
from training.data.labels.join import label_column
from training.data.labels.parquet import parquet
from training.data.labels.table import METADATA, Table, clean, is_missing, label_order
from training.data.labels.tagged import Columns
from training.data.parts import TEST, TRAIN, VALIDATION, part_in, part_of
from training.data.reading import Reading
from training.data.records import Records
from training.data.wording import counted, listed
from training.kinds.image import pictures
from training.kinds.image.levels import Levels
from training.kinds.image.picture import PICTURES, Content

PARQUET, ARROW = ".parquet", ".arrow"
_ROWS = 64
_IMAGES = ("image", "img", "images", "picture", "pixel_values", "jpg", "png", "bytes")


def is_part(entry: Path) -> bool:
    """Whether a file is a part of a data set by its name."""
    suffix = entry.suffix.lower()
    if suffix not in (PARQUET, ARROW) or entry.name.startswith(".") or entry.name.lower() in METADATA:
        return False
    # Of the cache, files of what was computed from the data set.
    return not entry.name.startswith(("cache-", "tmp")) and entry.is_file()


@dataclass(slots=True)
class _Part:
    """The files of one split, in order."""

    name: str
    files: list[Path] = field(default_factory=list)


def read(path: Path, size: int | None, columns: Columns, levels: Levels | None = None) -> Records:
    """Read a data set of a column of images and a column of labels.

    path: a folder of Parquet files (data/train-00000-of-00002.parquet, default/test/0000.parquet, ...), of a data set
          that Datasets saved, or one such file. The split is what the file's name or folder says; none: for training.

    Images are the encoded files themselves, as Datasets' Image feature keeps them. Raises DataError.
    """
    kinds = _parts(path)
    files = [(file, kind) for kind in (TRAIN, VALIDATION, TEST) if kind in kinds for file in kinds[kind].files]
    schema = _schema(files[0][0])
    for file, _ in files[1:]:
        if _schema(file).names != schema.names:
            raise DataError(f"{file}: has the columns {_schema(file).names}, but {files[0][0].name} {schema.names}")
    image = _image_column(files[0][0], schema)
    labels, names, label = _labels(path, files, schema, image, columns)
    kept = [number for number, text in enumerate(labels) if not is_missing(text)]
    if not kept:
        raise DataError(f"{path}: no row has a label")
    where = _rows_of(files)
    wanted = set(kept)

    def contents() -> Iterator[Content]:
        number = 0
        for file, _ in files:
            for cell in _cells(file, image):
                if number in wanted:
                    yield _content(file, cell)
                number += 1

    found = pictures.read(str(path), [where[number] for number in kept], contents, size, levels)
    rows = [kept[number] for number in found.kept]
    part = [kind for file, kind in files for _ in range(_count(file))]
    number_of = {name: number for number, name in enumerate(names)}
    labelled = {part[row] for row in kept}
    test = np.flatnonzero([split_names.is_test(part[row], labelled) for row in rows])
    skipped = {"rows without a label": len(labels) - len(kept)}
    said = split_names.in_words({kind: kinds[kind].name for kind in labelled}) if len(labelled) > 1 else ""
    return Records(
        found.samples,
        np.array([number_of[labels[row]] for row in rows], np.int64),
        names,
        test if len(labelled) > 1 else None,
        found.notes,
        reading=Reading(
            f"{counted(len(files), 'file')} of rows, column {image!r}, {label}", said, found.levels, skipped
        ),
        questions=found.questions,
        settled=True,
    )


def _parts(path: Path) -> dict[str, _Part]:
    """The files of each split that there is. Raises DataError if the splits make no sense."""
    found: dict[str, _Part] = {}
    if path.is_file():
        return {TRAIN: _Part(TRAIN, [path])}
    files = [parts for parts in walk(path, PICTURES).files if is_part(path.joinpath(*parts))]
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


def has_images(file: Path) -> bool:
    """Whether a Parquet or Arrow file has a column that may be encoded images. Raises DataError."""
    return bool(_image_columns(_schema(file)))


def _schema(file: Path) -> Any:
    pq = parquet()
    try:
        if file.suffix.lower() == PARQUET:
            return pq.read_schema(file)
        with _stream(file) as stream:
            return stream.schema
    except (ValueError, OSError) as error:
        raise _damaged(file, error) from error


def _stream(file: Path) -> Any:
    parquet()
    import pyarrow

    source = pyarrow.memory_map(str(file))
    try:
        return pyarrow.ipc.open_stream(source)
    except pyarrow.ArrowInvalid:
        return _RandomAccess(pyarrow.ipc.open_file(source))


class _RandomAccess:
    """An Arrow file (Feather) with the manners of a stream."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self.schema = reader.schema

    def __enter__(self) -> _RandomAccess:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        return (self._reader.get_batch(number) for number in range(self._reader.num_record_batches))


def _batches(file: Path, column: str) -> Iterator[Any]:
    """Record batches of one column, few rows at a time."""
    try:
        if file.suffix.lower() == PARQUET:
            with parquet().ParquetFile(file) as reader:
                yield from reader.iter_batches(batch_size=_ROWS, columns=[column])
            return
        with _stream(file) as stream:
            for batch in stream:
                chosen = batch.select([column])
                for start in range(0, chosen.num_rows, _ROWS):
                    yield chosen.slice(start, _ROWS)
    except (ValueError, OSError) as error:
        raise _damaged(file, error) from error


def _cells(file: Path, column: str) -> Iterator[Any]:
    for batch in _batches(file, column):
        yield from batch.column(0).to_pylist()


def _count(file: Path) -> int:
    if file.suffix.lower() == PARQUET:
        return parquet().read_metadata(file).num_rows
    with _stream(file) as stream:
        return sum(batch.num_rows for batch in stream)


def _rows_of(files: list[tuple[Path, str]]) -> list[str]:
    return [f"{file.name} row {row}" for file, _ in files for row in range(_count(file))]


def _damaged(file: Path, error: Exception) -> DataError:
    return DataError(
        f"{file}: not a whole {file.suffix[1:].title()} file ({(str(error).splitlines() or ['?'])[0][:120]})"
    )


def _image_columns(schema: Any) -> list[str]:
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


def _image_column(file: Path, schema: Any) -> str:
    named = [name for name, feature in features(schema).items() if feature.get("_type") == "Image"]
    found = _image_columns(schema)
    candidates = [name for name in named if name in found] or found
    if len(candidates) > 1:
        candidates = [name for name in candidates if name.lower() in _IMAGES] or candidates
    if len(candidates) != 1:
        wanted = "a column of encoded images (bytes, or a struct of bytes and path)"
        has = f"several ({', '.join(candidates)})" if candidates else f"the columns {', '.join(schema.names)}"
        raise DataError(f"{file}: wanted {wanted}; it has {has}")
    return candidates[0]


def _labels(
    path: Path, files: list[tuple[Path, str]], schema: Any, image: str, columns: Columns
) -> tuple[list[str], tuple[str, ...], str]:
    """The label of every row as text, the classes in order, and the column in words."""
    names_of = class_names(schema)
    plain = [each.name for each in schema if each.name != image and not _is_nested(each.type)]
    named = [name for name in plain if name in names_of]
    choices = plain if columns.label is not None else (named or plain)
    cells = {name: [_text(cell) for file, _ in files for cell in _cells(file, name)] for name in choices}
    table = Table(path, tuple(choices), list(zip(*cells.values(), strict=True)) if cells else [])
    number = label_column(table, columns.label)
    if number is None:
        raise DataError(f"{path}: no column of labels beside {image!r}; it has {', '.join(schema.names)}")
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
    """The image's bytes; or the file that the row names, where the bytes were left on disk."""
    if isinstance(cell, bytes):
        return cell
    if isinstance(cell, dict):
        if cell.get("bytes"):
            return cell["bytes"]
        if cell.get("path"):
            return file.parent / cell["path"]
    return b""
