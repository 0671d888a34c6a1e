"""Tables of text, one row per sample: CSV and TSV in any usual form, JSON lines, StyleGAN's dataset.json, Parquet."""

from __future__ import annotations

import codecs
import csv
import io
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data.errors import DataError
from training.data.jsonlines import objects
from training.data.separators import announced, separator_of

SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
# Often labels, and as often something else: read as labels if they name the samples, else passed over.
PERHAPS = frozenset({".json", ".txt"})
# What Hugging Face's imagefolder and audiofolder look for in a folder of samples.
METADATA = frozenset({"metadata.csv", "metadata.jsonl", "metadata.parquet"})
STYLEGAN = "dataset.json"

_LARGEST = 2**29  # bytes
# No more than these: "none" and "n/a" are classes in some data sets.
_MISSING = frozenset({"", "nan", "<na>"})


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text, trimmed and in the composed form of Unicode; rows are as long as columns."""

    path: Path
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def column(self, number: int) -> list[str]:
        return [row[number] for row in self.rows]

    def has(self, name: str) -> bool:
        return clean(name).casefold() in [column.casefold() for column in self.columns]

    def find(self, name: str) -> int:
        """The column of a name, in any letter case if none has it exactly. Raises DataError."""
        wanted = clean(name)
        for names, each in (
            (self.columns, wanted),
            ([column.casefold() for column in self.columns], wanted.casefold()),
        ):
            if each in names:
                return list(names).index(each)
        raise DataError(f"{self.path}: has no column {name!r}; it has {', '.join(map(repr, self.columns))}")


def clean(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def is_missing(cell: str) -> bool:
    return cell.casefold() in _MISSING


def read(path: Path) -> Table:
    """Read a table by its ending. Raises DataError, OSError."""
    if path.stat().st_size > _LARGEST:
        raise DataError(f"{path}: {path.stat().st_size} bytes; tables of at most {_LARGEST} bytes are read")
    if path.suffix.lower() == ".parquet":
        return _parquet(path)
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return _json_lines(path)
    if path.suffix.lower() == ".json":
        return _json(path)
    return _lines(path) if path.suffix.lower() == ".txt" else _separated(path)


def read_stylegan(path: Path) -> Table | None:
    """The labels of StyleGAN's dataset.json; None if the file is something else. Raises DataError."""
    content = _loaded(path)
    if not isinstance(content, dict) or "labels" not in content:
        return None
    labels = content["labels"]
    if labels is None:
        raise DataError(
            f"{path}: its labels are null: nothing has a class. If all are of one class, put them into one folder "
            f"without {STYLEGAN}; else write labels as [[file, class], ...]"
        )
    if isinstance(labels, dict):
        labels = list(labels.items())
    rows: list[tuple[str, ...]] = []
    for number, pair in enumerate(labels if isinstance(labels, list) else [None]):
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise DataError(f"{path}: entry {number} of labels is {str(pair)[:60]}; wanted [file, class]")
        rows.append((clean(pair[0]), _class_of(path, pair[0], pair[1])))
    return Table(path, ("file", "label"), rows)


def _loaded(path: Path) -> Any:
    if path.stat().st_size > _LARGEST:
        raise DataError(f"{path}: {path.stat().st_size} bytes; at most {_LARGEST} bytes are read")
    content = text(path)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({str(error)[:100]})") from error


def _json(path: Path) -> Table:
    """{file: label}, {file: {...}} or [{...}]."""
    content = _loaded(path)
    if isinstance(content, dict) and content and all(isinstance(each, dict) for each in content.values()):
        content = [{"file": key, **value} for key, value in content.items()]
    elif isinstance(content, dict) and not any(isinstance(each, list | dict) for each in content.values()):
        content = [{"file": key, "label": value} for key, value in content.items()]
    if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
        raise DataError(
            f"{path}: holds no labels of files; wanted {{file: label}} or [{{'file_name': ..., 'label': ...}}]"
        )
    return _of_records(path, content)


def _lines(path: Path) -> Table:
    """Lines of a file's name, blanks and a label, as lists of training samples are; or any other table."""
    lines = [line.split() for line in text(path).splitlines() if line.strip()]
    if lines and all(len(line) == 2 for line in lines) and not any(each in lines[0][0] for each in ",;|"):
        return Table(path, ("1", "2"), [(clean(first), clean(second)) for first, second in lines])
    return _separated(path)


def _class_of(path: Path, name: str, value: Any) -> str:
    if isinstance(value, list):
        ones = [position for position, each in enumerate(value) if each == 1]
        if len(ones) == 1 and all(each in (0, 1) for each in value):
            return str(ones[0])
        raise DataError(
            f"{path}: {name} has the label {str(value)[:60]}; wanted one class, or a vector with a single 1"
        )
    if isinstance(value, float) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise DataError(f"{path}: {name} has the label {value!r}; wanted the number or the name of one class")
    return clean(str(value))


def text(path: Path) -> str:
    """A file of text in UTF-8 or UTF-16. Raises DataError, OSError."""
    data = path.read_bytes()
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        found = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: byte {error.start} is not {'UTF-16' if wide else 'UTF-8'} text; save it as UTF-8, so that its "
            "names are read as they were meant"
        ) from error
    if "\0" in found:
        raise DataError(f"{path}: holds NUL characters; it is no text in UTF-8")
    return found


def _separated(path: Path) -> Table:
    content = text(path)
    named, content = announced(content)
    separator = named or separator_of(content, path.suffix.lower())
    try:
        reader = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
        lines = [(reader.line_num, [clean(cell) for cell in line]) for line in reader if any(map(str.strip, line))]
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: {error}; quotes around cells must be closed") from error
    if not lines:
        raise DataError(f"{path}: is empty")
    head = lines[0][1]
    while len(head) > 1 and not head[-1] and all(len(line) < len(head) or not line[len(head) - 1] for _, line in lines):
        head = head[:-1]
    rows = []
    for number, line in lines[1:]:
        if len(line) > len(head) and not any(line[len(head) :]):
            line = line[: len(head)]
        if len(line) != len(head):
            raise DataError(
                f"{path}: line {number} has {len(line)} cells, the head has {len(head)}; put quotes around cells that "
                f"hold {separator!r}"
            )
        rows.append(tuple(line))
    return Table(path, tuple(head), rows)


def headless(table: Table) -> Table:
    """The same file read as one without a head: its first line is a row, too."""
    names = tuple(str(number + 1) for number in range(len(table.columns)))
    return Table(table.path, names, [table.columns, *table.rows])


def _json_lines(path: Path) -> Table:
    found = objects(path, text(path).split("\n"), '{"file_name": "1.png", "label": "cat"}')
    return _of_records(path, [record for _, _, record in found])


def _of_records(path: Path, records: Sequence[dict[str, Any]]) -> Table:
    """Columns of scalars only: what is nested (boxes, captions by language) is no label of a sample."""
    columns = list(dict.fromkeys(key for record in records for key in record))
    flat = [
        column
        for column in columns
        if not any(isinstance(record.get(column), list | dict | bytes) for record in records)
    ]
    if not records or not flat:
        raise DataError(f"{path}: has no rows of names and labels")
    rows = [tuple(_cell(record.get(column)) for column in flat) for record in records]
    return Table(path, tuple(clean(column) for column in flat), rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean(str(value))


def _parquet(path: Path) -> Table:
    from training.data.arrow import parquet

    try:
        content = parquet().read_table(path)
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: not a whole Parquet file ({str(error).splitlines()[0][:120]})") from error
    return _of_records(path, content.to_pylist())


def label_order(labels: set[str]) -> list[str]:
    """Classes in the order of their indices: by number if all are whole numbers, else by name."""
    if all(label.lstrip("-").isascii() and label.lstrip("-").isdigit() for label in labels):
        return sorted(labels, key=lambda label: (int(label), label))
    return sorted(labels)
