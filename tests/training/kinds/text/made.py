"""Small sources of texts."""

from pathlib import Path

import numpy as np

from training.data import Dataset
from training.data.kind import Kind
from training.kinds import load
from training.source import SourceOptions


def folder(path: Path, **classes: bytes | str | list[str]) -> Path:
    """A file of lines for each class."""
    path.mkdir(parents=True, exist_ok=True)
    for name, content in classes.items():
        lines = "\n".join(content) + "\n" if isinstance(content, list) else content
        (path / f"{name}.txt").write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    return path


def words(count: int, letters: str, seed: int = 0) -> list[str]:
    """Made-up words of 2 to 8 of the letters."""
    random = np.random.default_rng(seed)
    return ["".join(random.choice(list(letters), random.integers(2, 9))) for _ in range(count)]


def read(path: Path, **options: str | bool) -> Dataset:
    return load(str(path), SourceOptions(**options))


def learned(dataset: Dataset) -> Dataset:
    """As if all of it were for training."""
    return dataset.fitted(np.arange(len(dataset.labels)))


def texts(dataset: Dataset) -> list[str]:
    return strings(dataset.kind, dataset.samples)


def strings(kind: Kind, raw: np.ndarray) -> list[str]:
    return kind.units.strings(raw)  # type: ignore[attr-defined]
