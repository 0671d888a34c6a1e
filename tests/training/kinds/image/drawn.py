"""Small pictures and folders of them; no two pictures are alike."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from training.data import Dataset
from training.kinds.image import load

SIDE = 8


def picture(key: str, side: int = SIDE, color: bool = False) -> Image.Image:
    """Noise that belongs to the key."""
    seed = int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()[:8], "little")
    shape = (side, side, 3) if color else (side, side)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def put(path: Path, key: str | None = None) -> Path:
    """A picture in a file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(key or str(path)).save(path)
    return path


def fill(folder: Path, count: int = 8, first: int = 0, suffix: str = ".png") -> list[Path]:
    """Pictures 000.png, 001.png, ... in a folder."""
    return [put(folder / f"{number:03}{suffix}") for number in range(first, first + count)]


def classes(data: Dataset) -> dict[str, int]:
    return {name: int(count) for name, count in zip(data.class_names, data.counts(), strict=True)}


def read(path: Path, **options: object) -> tuple[Dataset, dict[str, int]]:
    data = load(str(path), **options)  # type: ignore[arg-type]
    return data, classes(data)


def asked(data: Dataset) -> str:
    """All that a person is asked about the reading."""
    return " ".join(f"{question.text} {question.advice}" for question in data.questions)


def label_of(data: Dataset, path: Path) -> str:
    """The class that the picture in a file was given."""
    pixels = np.asarray(Image.open(path))
    (position,) = np.flatnonzero((data.samples[..., 0] == pixels).all((1, 2)))
    return data.class_names[data.labels[position]]


LABELS = ("cat", "dog")


def write(path: Path, head: str, rows: list[str]) -> Path:
    """A table of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def alternate(names: list[str]) -> list[str]:
    """Rows of names and labels, cat and dog in turn."""
    return [f"{name},{LABELS[number % 2]}" for number, name in enumerate(names)]


def pictures(folder: Path, count: int = 20) -> list[str]:
    return [path.name for path in fill(folder, count)]
