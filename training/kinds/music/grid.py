"""From notes in quarter notes to windows of steps: bars, what lies off the grid, what is left of a piece at its end."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from training.data.errors import DataError
from training.kinds.music.midi import FOUR_FOUR, Metre, Piece

DEFAULT_BARS = 4
DEFAULT_STEPS = 4  # a quarter note: 16 in a bar of 4/4
MOST_STEPS = 48
MOST_BARS = 64
LONGEST = 1024  # steps of a sample
_MULTIPLE = 8  # of steps: networks halve them
OFF = 1e-3  # of a step: files of few ticks a quarter round that much
_KEPT = 0.5  # of a sample: less than that at the end of a piece is left out


@dataclass(frozen=True, slots=True)
class Grid:
    """steps: of a quarter note; bar: of a bar of the metre that holds longest; length: of a sample; bars: in one."""

    steps: int
    bar: int
    length: int
    bars: int


def check(bars: int, steps: int) -> None:
    """Raises DataError."""
    if not 1 <= bars <= MOST_BARS:
        raise DataError(f"--bars {bars}: a sample has 1 to {MOST_BARS} bars")
    if not 1 <= steps <= MOST_STEPS:
        raise DataError(f"--grid {steps}: a quarter note has 1 to {MOST_STEPS} steps")


def bar_quarters(metre: Metre) -> Fraction:
    return Fraction(4 * metre[0], metre[1])


def metre_of(pieces: Sequence[Piece]) -> Metre:
    """The time signature that holds for the longest time."""
    held: Counter[Metre] = Counter()
    for piece in pieces:
        for metre, start, end in sections(piece):
            held[metre] += int((end - start) * 1000)
    return max(held, key=lambda metre: (held[metre], metre == FOUR_FOUR), default=FOUR_FOUR)


def sections(piece: Piece) -> Iterator[tuple[Metre, float, float]]:
    """Time signatures, and from where to where each holds, in quarter notes; 4/4 where the piece does not say."""
    marks = piece.metres if piece.metres and piece.metres[0][0] <= 0 else [(0.0, FOUR_FOUR), *piece.metres]
    for number, (start, metre) in enumerate(marks):
        end = marks[number + 1][0] if number + 1 < len(marks) else piece.quarters
        if end > start:
            yield metre, start, end


def of(pieces: Sequence[Piece], bars: int, steps: int, length: int | None = None) -> tuple[Grid, Metre]:
    """The grid for all pieces, by the metre that holds for the longest time; raises DataError.

    length: of a sample, in steps; None: that of the bars.
    """
    metre = metre_of(pieces)
    exact = bar_quarters(metre) * steps
    if exact.denominator != 1:
        wanted = Fraction(bar_quarters(metre)).denominator
        raise DataError(
            f"--grid {steps}: a bar of {metre[0]}/{metre[1]} is no whole number of steps; take a multiple of {wanted}"
        )
    bar = int(exact)
    length = length or -(-bar * bars // _MULTIPLE) * _MULTIPLE
    if length > LONGEST:
        raise DataError(
            f"{bars} bars of {metre[0]}/{metre[1]} with {steps} steps a quarter note are {length:,} steps; at most "
            f"{LONGEST:,}: take a smaller --bars or --grid"
        )
    return Grid(steps, bar, length, bars), metre


def windows(piece: Piece, grid: Grid) -> list[int]:
    """The steps at which samples of a piece begin: on bar lines, so many bars of its own metre apart.

    What a bar is longer than in the grid, it is fewer bars apart: all of the piece is in some sample. What is left at
    its end is one if it is long enough.
    """
    lines = [0]
    for metre, start, end in sections(piece):
        bar, count = float(bar_quarters(metre)), 0
        while (line := start + count * bar) < end - OFF:
            count += 1
            if (step := round(line * grid.steps)) > lines[-1]:
                lines.append(step)
    total = math.ceil(piece.quarters * grid.steps - OFF)
    begins = [0]
    at = 0
    while begins[-1] + grid.length < total:
        reach = begins[-1] + grid.length
        following = min(at + grid.bars, len(lines) - 1)
        while following > at + 1 and lines[following] > reach:
            following -= 1
        # A bar that is longer than a sample, or a piece that goes on after its last bar line.
        if following == at or lines[following] > reach:
            begins.append(reach)
            while at + 1 < len(lines) and lines[at + 1] <= reach:
                at += 1
            continue
        at = following
        begins.append(lines[at])
    if len(begins) > 1 and total - begins[-1] < _KEPT * grid.length:
        begins.pop()
    return begins


def placed(start: float, end: float, steps: int) -> tuple[int, int, bool]:
    """Quarter notes to the nearest step and a length of at least one; whether the note begins off the grid."""
    exact = start * steps
    first = int(exact + 0.5)
    return first, max(1, int(end * steps + 0.5) - first), abs(exact - round(exact)) > OFF
