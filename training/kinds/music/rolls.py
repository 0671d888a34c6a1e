"""Rolls, uint8 [steps, pitches, tracks], and the notes in them.

Where a note is struck the roll has its velocity, where it sounds on `held`, so that a long note and one that is struck
again and again are told apart.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from augmint.kinds.roll import struck

__all__ = ["Notes", "draw", "find", "struck", "tracked"]


class Notes(NamedTuple):
    """int64 [k] each: the sample, the step at which it is struck, its pitch from the roll's lowest, track, steps."""

    sample: np.ndarray
    start: np.ndarray
    pitch: np.ndarray
    track: np.ndarray
    length: np.ndarray


def tracked(raw: np.ndarray) -> np.ndarray:
    """uint8 [n, steps, pitches] or [n, steps, pitches, tracks] -> the latter."""
    return raw[..., None] if raw.ndim == 3 else raw


def find(raw: np.ndarray, held: int) -> Notes:
    """All notes of rolls [n, steps, pitches(, tracks)], in order of sample, track, pitch, start."""
    rolls = tracked(raw)
    steps = rolls.shape[1]
    # Time last, and a step of silence behind: along it a note is a run.
    padding = ((0, 0), (0, 0), (0, 0), (0, 1))
    begins = np.pad(struck(rolls, held).transpose(0, 3, 2, 1), padding)
    sounding = np.pad(rolls.transpose(0, 3, 2, 1) > 0, padding)
    sample, track, pitch, start = np.nonzero(begins)
    # The nearest step from each on at which nothing sounds or another note begins.
    stops = np.where(~sounding | begins, np.arange(steps + 1), steps)
    following = np.minimum.accumulate(stops[..., ::-1], -1)[..., ::-1]
    return Notes(sample, start, pitch, track, following[sample, track, pitch, start + 1] - start)


def draw(roll: np.ndarray, start: int, length: int, pitch: int, track: int, velocity: int, held: int) -> None:
    """Put one note into a roll [steps, pitches, tracks]; velocity above 0 and not `held`."""
    roll[start : start + length, pitch, track] = held
    roll[start, pitch, track] = velocity
