"""What is measured of sounds alone: clipping, silence, loudness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.data.kind import Measurement
from training.kinds.audio.form import FULL

_SILENT = 10 ** (-60 / 20)  # root mean square, full scale 1
_PART = 64  # frames over which silence is looked for
_TOP = 32767


def measurements(made: np.ndarray, held: np.ndarray) -> Sequence[Measurement]:
    """int16 [n, frames] each."""
    pairs = (
        ("frames at full scale, share", _clipped),
        ("sounds that are silent, share", _mute),
        ("silence in a sound, share", _still),
        ("loudness, median, dB of full scale", _loudness),
    )
    return [Measurement(name, measure(made), measure(held)) for name, measure in pairs]


def _clipped(raw: np.ndarray) -> float:
    return float(((raw >= _TOP) | (raw <= -_TOP)).mean())


def _levels(raw: np.ndarray) -> np.ndarray:
    """Root mean square of each part of each sound: float64 [n, parts]."""
    parts = raw.reshape(len(raw), -1, _PART).astype(np.float64) / FULL
    return np.sqrt(np.square(parts).mean(2))


def _mute(raw: np.ndarray) -> float:
    return float((_levels(raw).max(1) < _SILENT).mean())


def _still(raw: np.ndarray) -> float:
    return float((_levels(raw) < _SILENT).mean())


def _loudness(raw: np.ndarray) -> float:
    return float(np.median(20 * np.log10(np.sqrt(np.square(_levels(raw)).mean(1)) + 1e-5)))
