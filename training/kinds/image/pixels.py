"""Tables with a label and a column for every pixel, as Kaggle's digit-recognizer and Fashion-MNIST in CSV have them."""

from __future__ import annotations

import csv
import gzip
import math
import re
from pathlib import Path
from typing import TextIO

import numpy as np

from training.data.errors import DataError
from training.data.records import LARGEST_BYTES, Records
from training.kinds.image import arrays as conventions
from training.kinds.image import names
from training.kinds.image.levels import Levels

_LEAST_SIDE = 8
_PIXEL = re.compile(r"(pixel|px|p|x|attr|feature)?[_ ]?\d+|\d+x\d+", re.IGNORECASE)
# Longer than a line of 256 x 256 pixels of three digits; what has no line end is no table.
_LONGEST_LINE = 2**20


def is_table(path: Path) -> bool:
    """Whether a CSV file has as many columns of pixels as a square image; with or without a label, or a heading."""
    if not path.name.lower().endswith((".csv", ".csv.gz")):
        return False
    try:
        return _columns(path) is not None
    except (OSError, UnicodeDecodeError, csv.Error, EOFError):
        return False


def read(path: Path, levels: Levels | None = None) -> Records:
    """Read a table: one line an image, row after row of a square gray image, and its label in the first column, or in
    one that is called label, y, target, ...; raises DataError."""
    found = _columns(path)
    assert found is not None
    label, heading = found
    if label is None:
        raise DataError(f"{path}: has columns of pixels but none of labels; wanted one more, called label")
    if path.stat().st_size > LARGEST_BYTES:
        raise DataError(f"{path}: {path.stat().st_size} bytes; at most {LARGEST_BYTES} can be read")
    try:
        with _opened(path) as file:
            values = np.loadtxt(file, np.float32, delimiter=",", skiprows=int(heading), ndmin=2, comments=None)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path}: not a number in every column of every line ({error})") from error
    table = _Table(path, {"images": np.delete(values, label, 1), "labels": values[:, label]})
    source = conventions.Source(str(path), {"": names.Pair("images", "labels")})
    content = conventions.read(source, table, levels)
    reading = conventions.Reading("a table with a column for each pixel", levels=content.reading.levels)
    return Records(
        content.samples, content.labels, content.class_names, None, tuple(source.notes), reading=reading, settled=True
    )


class _Table:
    """Columns of a table by what they are; see training.kinds.image.arrays.Arrays."""

    def __init__(self, path: Path, columns: dict[str, np.ndarray]) -> None:
        self._path, self._columns = path, columns

    def names(self) -> list[str]:
        return list(self._columns)

    def where(self, name: str) -> str:
        return f"{self._path}: {name}"

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]


def _opened(path: Path) -> TextIO:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig")  # type: ignore[return-value]
    return open(path, encoding="utf-8-sig")


def _columns(path: Path) -> tuple[int | None, bool] | None:
    """Which column is the label, and whether there is a heading; None: this is another kind of table."""
    with _opened(path) as file:
        first = next(csv.reader([file.readline(_LONGEST_LINE)]), [])
    cells = [cell.strip() for cell in first]
    if all(re.fullmatch(r"\d+(\.\d*)?", cell) for cell in cells):
        return (0, False) if _is_square(len(cells) - 1) else (None, False) if _is_square(len(cells)) else None
    pixels = [bool(_PIXEL.fullmatch(cell)) for cell in cells]
    others = [number for number, pixel in enumerate(pixels) if not pixel]
    if not _is_square(sum(pixels)) or len(others) > 1:
        return None
    if others and not ((role := names.role(cells[others[0]])) and role.is_labels) and cells[others[0]] != "class":
        return None
    return (others[0] if others else None), True


def _is_square(count: int) -> bool:
    return count >= _LEAST_SIDE**2 and math.isqrt(count) ** 2 == count
