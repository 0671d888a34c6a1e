"""Tones in files; no two are alike."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import soundfile

from training.data import Dataset
from training.kinds.audio import load

RATE = 8000


def tone(key: str, seconds: float = 0.1, rate: int = RATE, hertz: float | None = None, loud: float = 0.5) -> np.ndarray:
    """float64 [frames]: a tone, a phase and a loudness of the key."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    random = np.random.default_rng(seed)
    hertz = random.uniform(200, 3000) if hertz is None else hertz
    time = np.arange(round(seconds * rate)) / rate
    return loud * random.uniform(0.8, 1) * np.sin(2 * np.pi * (hertz * time + random.random()))


def put(path: Path, frames: np.ndarray | None = None, rate: int = RATE, **how: str) -> Path:
    """A sound in a file, with its folders; how: of soundfile.write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(str(path)) if frames is None else frames, rate, **how)
    return path


def fill(folder: Path, count: int = 8, suffix: str = ".wav", first: int = 0) -> list[Path]:
    """Sounds 000.wav, 001.wav, ... in a folder."""
    return [put(folder / f"{number:03}{suffix}") for number in range(first, first + count)]


def classes(data: Dataset) -> dict[str, int]:
    return {name: int(count) for name, count in zip(data.class_names, data.counts(), strict=True)}


def read(path: Path, **options: object) -> tuple[Dataset, str]:
    """The data, and all that is said of it."""
    data = load(str(path), **options)  # type: ignore[arg-type]
    asked = [f"{question.text} {question.advice}" for question in data.questions]
    return data, " | ".join([*data.notes, *asked])


def sounds(count: int = 96, frames: int = 1024) -> tuple[np.ndarray, np.ndarray]:
    """int16 [n, frames] and int64 [n]: a low tone that fades, or a chirp that rises."""
    random = np.random.default_rng(0)
    labels, time = np.arange(count) % 2, np.arange(frames) / RATE
    low = np.sin(2 * np.pi * random.uniform(250, 350, (count, 1)) * time) * np.exp(-time * 20)
    rising = np.sin(2 * np.pi * (random.uniform(700, 900, (count, 1)) * time + 6000 * time**2))
    loud = random.uniform(5000, 15000, (count, 1))
    return np.round(loud * np.where(labels[:, None], rising, low)).astype(np.int16), labels
