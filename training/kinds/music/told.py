"""What is said of files of MIDI: what was not usual about them, and what was made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from training.data.question import Question
from training.data.wording import counted
from training.kinds.music.grid import Grid
from training.kinds.music.midi import FOUR_FOUR, Metre, Piece

_MANY_OFF = 0.1  # of the notes; more is worth a question
_TRIPLETS = 3  # a grid of so many times the steps has them, too


def of_samples(grid: Grid, metre: Metre, files: int, samples: int, empty: int) -> list[str]:
    bars = "bar" if grid.bars == 1 else "bars"
    said = (
        f"{counted(files, 'piece')} became {samples:,} samples of {grid.length} steps, {grid.steps} a quarter note: "
        f"{grid.bars} {bars} of {metre[0]}/{metre[1]}"
    )
    return [said, *([f"stretches of silence that were left out: {empty:,}"] if empty else [])]


def of_pieces(pieces: Sequence[Piece], every: np.ndarray, grid: Grid, several: str, moved: int) -> list[str]:
    """every: the notes of all, see training.kinds.music.pieces; several: what was made of parts; moved: by octaves."""
    total = Counter[str]()
    for piece in pieces:
        total.update(piece.told)
    with_any = {what: sum(piece.told[what] > 0 for piece in pieces) for what in total}
    metres = Counter(len({each for _, each in piece.metres}) for piece in pieces)
    silent_on_tempo = sum(piece.tempo is None for piece in pieces)
    tempos = sum(piece.tempos > 1 for piece in pieces)
    changing = sum(count for number, count in metres.items() if number > 1)
    off = int(every[:, 5].sum())
    lines = (
        (several, several),
        (off, f"{_of(off, len(every), 'note')} began off the grid and {_was(off)} moved to the nearest step"),
        (
            total["hidden"],
            f"{counted(total['hidden'], 'note')} shorter than a step left out, where another one is as near to it",
        ),
        (moved, f"{_of(moved, len(every), 'note')} {_was(moved)} moved by octaves into the range of the others"),
        (silent_on_tempo, f"{counted(silent_on_tempo, 'piece')} without a tempo"),
        (tempos, f"{counted(tempos, 'piece')} with several tempos, of which the one that holds longest counts"),
        (metres[0], f"{counted(metres[0], 'piece')} without a time signature, taken for {FOUR_FOUR[0]}/{FOUR_FOUR[1]}"),
        (
            changing,
            f"{counted(changing, 'piece')} with several time signatures: samples begin on the bar lines of each",
        ),
        (total["odd metres"], f"{counted(total['odd metres'], 'time signature')} that cannot be, left out"),
        (
            total["drums"],
            f"{counted(total['drums'], 'note')} of drums (channel 10) in {counted(with_any.get('drums', 0), 'piece')} "
            "left out: they have no pitch",
        ),
        (
            total["overlapping"],
            f"{counted(total['overlapping'], 'note')} struck again before {_its(total['overlapping'])} end: the first "
            "one ends there",
        ),
        (total["without end"], f"{counted(total['without end'], 'note')} without an end, ended with the track"),
        (total["system"], f"{counted(total['system'], 'message')} to one make of instrument (SysEx), ignored"),
    )
    return [sentence for count, sentence in lines if count]


def questions(every: np.ndarray, grid: Grid) -> list[Question]:
    share = float(every[:, 5].mean())
    if share <= _MANY_OFF:
        return []
    return [
        Question(
            f"{share:.0%} of the notes began off a grid of {grid.steps} steps a quarter note.",
            f"--grid {grid.steps * _TRIPLETS} would hold triplets; what was played freely needs a sequencer's "
            "quantisation.",
        )
    ]


def _of(count: int, total: int, noun: str) -> str:
    return f"{count:,} of {counted(total, noun)}"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _its(count: int) -> str:
    return "its" if count == 1 else "their"
