"""Rows without a head, as SMS Spam and others come: a text and its label a line, columns by their numbers from 1."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.errors import DataError
from training.data.separators import separator_of
from training.data.wording import shown
from training.kinds.table.text import LONGEST_FIELD, TEXT, kind_of
from training.kinds.text import lines

_LOOKED_AT = 2**20  # characters, by which the separator is found


@dataclass(frozen=True, slots=True)
class Bare:
    """rows: the number of each one's line, its text and its label. words: how they were read. note: of the encoding."""

    rows: Sequence[tuple[int, str, str]]
    words: str
    note: str


def asked(text: str | None, label: str | None) -> bool:
    """Whether both columns are numbers."""
    return text is not None and label is not None and text.isdecimal() and label.isdecimal()


def read(path: Path, text: str | None, label: str | None) -> Bare | None:
    """Rows of a file in which two numbers name columns, unless its first line names them so; else None.

    Cells may be quoted, as of CSV, in all of the file; if that does not come out even, quotes are characters.
    Raises DataError.
    """
    if text is None or label is None or not asked(text, label):
        return None
    if not path.is_file() or kind_of(path) not in TEXT:
        return None
    content, note = lines.read(path)
    content = content.removeprefix("\ufeff")
    tabs = kind_of(path) in (".tsv", ".tab")
    separator = "\t" if tabs else separator_of(content[:_LOOKED_AT], kind_of(path))
    found = _quoted(content, separator) or list(_split(content, separator))
    if not found or {text, label} <= {cell.strip() for cell in found[0][1]}:
        return None
    wanted = {"--text": int(text), "--label": int(label)}
    wide = len(found[0][1])
    if worst := next((name for name, number in wanted.items() if not 1 <= number <= wide), None):
        raise DataError(
            f"{path}: has {wide} columns in its first line, so that {worst} {wanted[worst]} is none; they count from 1"
        )
    rows = []
    for number, cells in found:
        if len(cells) != wide:
            raise DataError(f"{path}: line {number} has {len(cells)} cells, the first line has {wide}")
        rows.append((number, cells[int(text) - 1], cells[int(label) - 1]))
    name = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}.get(separator, repr(separator))
    words = (
        f"rows without names of columns, cells separated by {name}; the texts in column {text}, the labels in column "
        f"{label}, the first row {shown(repr(rows[0][2]))} {shown(repr(rows[0][1][:40]))}"
    )
    return Bare(rows, words, note)


def _quoted(content: str, separator: str) -> list[tuple[int, list[str]]]:
    """Rows with quotes around cells; empty if that does not come out even."""
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
    found, before = [], 0
    try:
        for cells in reader:
            if cells:
                found.append((before + 1, cells))
            before = reader.line_num
    except csv.Error:
        return []
    return found if len({len(cells) for _, cells in found}) == 1 else []


def _split(content: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines.split(content), 1):
        if line.strip():
            yield number, line.split(separator)
