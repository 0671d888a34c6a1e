"""How long a sample is: a whole number of steps that networks can halve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.data.errors import DataError

RATES = (8000, 16000)
DEFAULT_RATE = RATES[0]
STEP_SECONDS = 0.128  # 8 columns of a spectrogram: they halve cleanly three times
LONGEST_CHOSEN = 4.0
LONGEST = 16.0
_PERCENTILE = 95


def check_rate(rate: int) -> int:
    """The rate asked for, if there is one like it."""
    if rate not in RATES:
        raise DataError(f"--rate {rate}: sounds are made at {' or '.join(map(str, RATES))} frames a second")
    return rate


def check_seconds(seconds: float) -> float:
    """The length asked for, if a sample can have it."""
    if not STEP_SECONDS / 2 <= seconds <= LONGEST:
        raise DataError(f"--seconds {seconds:g} is outside [{STEP_SECONDS / 2:g}, {LONGEST:g}]")
    return seconds


def choose_seconds(lengths: Sequence[float]) -> float:
    """What holds 95 of 100 sounds whole, at most 4 s; lengths: in seconds."""
    return min(float(np.percentile(lengths, _PERCENTILE)), LONGEST_CHOSEN)


def frames_of(seconds: float, rate: int) -> int:
    """The fewest frames that hold the seconds and are whole steps."""
    steps = max(1, int(np.ceil(seconds / STEP_SECONDS - 1e-6)))
    return steps * round(STEP_SECONDS * rate)
