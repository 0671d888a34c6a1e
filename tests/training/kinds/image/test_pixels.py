"""Tables with a column for every pixel: with a heading or without one, and what is no such table."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from training.data import DataError
from training.kinds.image import load

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
LABELS = np.arange(60) % 3


def write(path: Path, heading: str | None, rows: np.ndarray) -> str:
    text = (heading + "\n" if heading else "") + "\n".join(",".join(map(str, row)) for row in rows) + "\n"
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode())
    return str(path)


FIRST = np.column_stack([LABELS, IMAGES.reshape(60, 64)])
LAST = np.column_stack([IMAGES.reshape(60, 64), LABELS])
PIXELS = ",".join(f"pixel{number}" for number in range(64))
SIDES = ",".join(f"{row}x{column}" for row in range(1, 9) for column in range(1, 9))


@pytest.mark.parametrize(
    ("name", "heading", "rows"),
    [
        ("train.csv", f"label,{PIXELS}", FIRST),
        ("train.csv", f"\ufefflabel,{PIXELS}", FIRST),
        ("mnist_train.csv", f"label,{SIDES}", FIRST),
        ("mnist_784.csv", f'{PIXELS},"class"', LAST),
        ("mnist_train.csv", None, FIRST),
        ("train.csv.gz", f"label,{PIXELS}", FIRST),
    ],
)
def test_tables_of_pixels_are_read(tmp_path: Path, name: str, heading: str | None, rows: np.ndarray) -> None:
    data = load(write(tmp_path / name, heading, rows))
    assert np.array_equal(data.samples[..., 0], IMAGES)
    assert np.array_equal(data.labels, LABELS)
    assert data.class_names == ("0", "1", "2")
    assert data.reading is not None
    assert data.reading.layout == "a table with a column for each pixel"


@pytest.mark.parametrize(
    ("heading", "rows", "words"),
    [
        (PIXELS, FIRST[:, 1:], "has columns of pixels but none of labels"),
        (f"label,{PIXELS}", FIRST[:, :-1], "not a number in every column|rows of 63 values are no square"),
        (f"label,{PIXELS}", FIRST.astype(str), "not a number in every column"),
        (f"label,{PIXELS}", FIRST // 16, r"values from 0 to 15, a small part of 0 to 255.*--levels 0\.\.15"),
    ],
)
def test_tables_that_are_not_whole_are_refused(tmp_path: Path, heading: str, rows: np.ndarray, words: str) -> None:
    if rows.dtype.kind == "U":
        rows[7, 3] = "?"
    with pytest.raises(DataError, match=words):
        load(write(tmp_path / "train.csv", heading, rows))


@pytest.mark.parametrize("text", ["id,label\n1.png,cat\n", "", "a,b\n1,2\n", "\xff\xfe"])
def test_other_tables_are_left_to_their_own_reader(tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match="wanted the pictures that it names"):
        load(str(path))
