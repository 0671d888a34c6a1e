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
from training.data.labels.tagged import is_table, load_table
from training.data.separators import separator_of

_HEAD = 2**18  # bytes of a table
_LARGEST_JSON = 2**26  # bytes
_ROWS = 200
_MOST_ENTRIES = 200_000  # of a folder that a table lies in, which may be anybody's whole disk
_NAMED_SHARE = 0.5
_FEWEST_BARE = 3  # different names without endings
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
    cells = [{_name(row[number]) for row in rows if number < len(row) and row[number]} for number in range(width)]
    # Names without endings are also numbers, of which a column may hold a few for other reasons.
    whole = [{*each} if len(each) * _ROWS_OF_ONE >= len(rows) else set() for each in cells]
    bare = [{*each} if len(each) >= max(_FEWEST_BARE, len(rows) / 2) else set() for each in cells]
    if not any((*whole, *bare)):
        return False
    hits = [0] * width
    for sample in names_below(path.parent, suffixes):
        name, stem = clean(sample), clean(PurePosixPath(sample).stem)
        for number, names in enumerate(cells):
            if name in whole[number] or stem in bare[number]:
                whole[number] -= {name, stem}
                bare[number] -= {name, stem}
                hits[number] += 1
                if hits[number] >= _NAMED_SHARE * len(names):
                    return True
    return False


def _rows(path: Path) -> list[list[str]]:
    if path.suffix.lower() == ".json":  # whole, or not at all
        return [list(row) for row in load_table(path).rows[:_ROWS]] if path.stat().st_size <= _LARGEST_JSON else []
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
