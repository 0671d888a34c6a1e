"""Whether a table names samples that lie in its folder: looked at, not read."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Set
from pathlib import Path, PurePosixPath

from training.data.errors import DataError
from training.data.folders.holding import holds
from training.data.labels.table import clean
from training.data.labels.tagged import is_table
from training.data.separators import separator_of

_HEAD = 2**18  # bytes of a table
_ROWS = 200
_MOST_ENTRIES = 200_000  # of a folder that a table lies in, which may be anybody's whole disk
_NAMED_SHARE = 0.5
_ROWS_OF_ONE = 20  # that name the same sample, at most: a column of 0 and 1 names none, though there be 0.png and 1.png


def sure(source: str, suffixes: Set[str]) -> bool:
    """Whether a source is a sample, a folder that holds mostly samples, or a table that names those of its folder.

    suffixes: of samples, in lower case, with the dot.
    """
    path = Path(source)
    try:
        return holds(source, suffixes) or (is_table(path.name) and path.is_file() and names_samples(path, suffixes))
    except (OSError, DataError, ValueError):
        return False  # who reads it says what is wrong with it


def names_samples(path: Path, suffixes: Set[str]) -> bool:
    """Whether at least half of the first rows have, in one column, names of samples in the table's folder.

    suffixes: of samples, in lower case, with the dot. Raises DataError, OSError, ValueError.
    """
    rows = _rows(path)
    width = max(map(len, rows), default=0)
    hits = [0] * width
    wanted = [{_name(row[number]) for row in rows if number < len(row) and row[number]} for number in range(width)]
    wanted = [names if len(names) * _ROWS_OF_ONE >= len(rows) else set() for names in wanted]
    open_ = {name for names in wanted for name in names}
    for sample in names_below(path.parent, suffixes):
        for name in {clean(sample), clean(PurePosixPath(sample).stem)} & open_:
            open_.discard(name)
            for number, names in enumerate(wanted):
                hits[number] += name in names
                if name in names and hits[number] >= _NAMED_SHARE * len(names):
                    return True
    return False


def _rows(path: Path) -> list[list[str]]:
    with open(path, "rb") as file:
        text = file.read(_HEAD).decode("utf-8-sig", "replace")
    lines = text.splitlines()[: _ROWS + 1]
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return [[str(value) for value in json.loads(line).values()] for line in lines[:-1] or lines if line.strip()]
    if path.suffix.lower() == ".txt" and all(len(line.split()) == 2 for line in lines):
        return [line.split() for line in lines]
    text = "\n".join(lines)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator_of(text, path.suffix.lower())))


def _name(cell: str) -> str:
    return clean(cell.replace("\\", "/").rstrip("/").rpartition("/")[2])


def names_below(path: Path, suffixes: Set[str]) -> Iterator[str]:
    """Names of samples below a folder; as many entries as are looked at."""
    entries = 0
    for _, folders, names in os.walk(path, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if PurePosixPath(name.lower()).suffix in suffixes:
                yield name
        entries += len(names) + len(folders)
        if entries > _MOST_ENTRIES:
            return
