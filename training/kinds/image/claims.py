"""Whether a source shows pictures, where its files could as well hold something else: looked at, not read."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from training.data.errors import DataError
from training.data.reading import Claim
from training.data.separators import separator_of
from training.kinds.image import huggingface, idx, mapped, pixels, tagged
from training.kinds.image.picture import SUFFIXES, UNREAD
from training.kinds.image.table import clean

_HEAD = 2**18  # bytes of a table
_ROWS = 200
_MOST_ENTRIES = 200_000  # of a folder that a table lies in, which may be anybody's whole disk
_NAMED_SHARE = 0.5
_ROWS_OF_ONE = (
    20  # that name the same picture, at most: a column of 0 and 1 names none, though there be 0.png and 1.png
)


def reads(source: str) -> Claim:
    """How surely a source is images. What no kind knows is theirs: they say what would be right."""
    path = Path(source)
    try:
        sure = source == "digits" or (_folder(path) if path.is_dir() else path.is_file() and _file(path))
    except (OSError, DataError, ValueError):
        sure = False  # who reads it says what is wrong with it
    if sure:
        return Claim.SURE
    tabular = path.suffix.lower() in (huggingface.PARQUET, huggingface.ARROW) or tagged.is_table(path.name)
    return Claim.ASKED if tabular and path.is_file() else Claim.IN_WORDS


def _folder(path: Path) -> bool:
    if idx.is_folder(path) or mapped.is_folder(path) or next(_pictures(path), None) is not None:
        return True
    for folder, _, names in os.walk(path):
        for name in sorted(names):
            if huggingface.is_part(Path(folder, name)):
                return huggingface.has_images(Path(folder, name))
    return False


def _file(path: Path) -> bool:
    if path.suffix.lower() in (huggingface.PARQUET, huggingface.ARROW):
        return huggingface.has_images(path)
    return pixels.is_table(path) or (tagged.is_table(path.name) and _names_pictures(path))


def _names_pictures(path: Path) -> bool:
    """Whether at least half of the first rows have, in one column, names of pictures in the table's folder."""
    rows = _rows(path)
    width = max(map(len, rows), default=0)
    hits = [0] * width
    wanted = [{_name(row[number]) for row in rows if number < len(row) and row[number]} for number in range(width)]
    wanted = [names if len(names) * _ROWS_OF_ONE >= len(rows) else set() for names in wanted]
    open_ = {name for names in wanted for name in names}
    for picture in _pictures(path.parent):
        for name in {clean(picture), clean(PurePosixPath(picture).stem)} & open_:
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


def _pictures(path: Path) -> Iterator[str]:
    """Names of pictures below a folder, also of kinds that are not read; as many entries as are looked at."""
    entries = 0
    for _, folders, names in os.walk(path, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if PurePosixPath(name.lower()).suffix in SUFFIXES | UNREAD:
                yield name
        entries += len(names) + len(folders)
        if entries > _MOST_ENTRIES:
            return
