"""Rolls of music, uint8 [steps, pitches], and the notes in them."""

from __future__ import annotations

import numpy as np

Note = tuple[int, int, int, int]  # step at which it is struck, steps, pitch from the roll's lowest, velocity


def struck(array: np.ndarray, held: int) -> np.ndarray:
    """uint8 [n, steps, ...] -> bool likewise: where a note begins, which is also where silence ends.

    held: velocity of the steps at which a note only sounds on; 0: there is none, and a run of steps is one note.
    """
    before = np.concatenate([np.zeros_like(array[:, :1]), array[:, :-1]], 1)
    if not held:
        return (array > 0) & (before == 0)
    return (array > 0) & ((array != held) | (before == 0))


def notes(roll: np.ndarray, held: int) -> list[Note]:
    """The notes of one track [steps, pitches], in the order in which they begin."""
    begins = struck(roll[None], held)[0]
    found = []
    for at, pitch in np.argwhere(begins).tolist():
        over = (roll[at + 1 :, pitch] == 0) | begins[at + 1 :, pitch]
        length = 1 + (int(over.argmax()) if over.any() else len(over))
        found.append((at, length, pitch, int(roll[at, pitch])))
    return found
