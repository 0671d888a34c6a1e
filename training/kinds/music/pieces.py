"""Many files of MIDI into one array of rolls: parts become tracks, pieces windows; what was done is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data.errors import DataError
from training.data.folders.faults import tolerate
from training.data.question import Question
from training.data.records import LARGEST_BYTES
from training.data.wording import counted, shown
from training.kinds.music import grid as grids
from training.kinds.music import midi, rolls, told
from training.kinds.music.grid import Grid
from training.kinds.music.midi import Metre, Note, Piece

MOST_TRACKS = 8
_TOGETHER = 0.95  # of the pieces have as many parts: those are tracks
_MULTIPLE = 8  # of pitches: networks halve them
_RARE = 0.001  # of the notes at either end, for which the range is widened by an octave at most
_OCTAVE = 12
_UNHEARD = 90  # velocity of a track without a note
TEMPO = 120.0  # what players take where no file says


@dataclass(frozen=True, slots=True)
class Asked:
    """How pieces are read; None: chosen from the data. length: of a sample; pitches: the lowest, and how many."""

    bars: int = grids.DEFAULT_BARS
    steps: int = grids.DEFAULT_STEPS
    tracks: int | None = None
    length: int | None = None
    pitches: tuple[int, int] | None = None
    held: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """What samples are: steps, `pitches` from `lowest` on, tracks each with a velocity and a General MIDI program.

    held: velocity of steps at which nothing is struck.
    """

    grid: Grid
    lowest: int
    pitches: int
    velocities: tuple[int, ...]
    programs: tuple[int, ...]
    held: int

    @property
    def tracks(self) -> int:
        return len(self.velocities)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a sample, with tracks."""
        return self.grid.length, self.pitches, self.tracks


@dataclass(frozen=True, slots=True, eq=False)
class Rolls:
    """samples: uint8 [n, steps, pitches(, tracks)]; kept: int64 [n], which of the files each is of.

    groups: int64 [n], equal where they are of files with the same notes. tempos, metres: of files, where known.
    """

    samples: np.ndarray
    kept: np.ndarray
    groups: np.ndarray
    frame: Frame
    tempos: dict[int, float]
    metres: dict[int, Metre]
    notes: tuple[str, ...]
    questions: tuple[Question, ...]


def read(where: str, names: Sequence[str], paths: Sequence[Path], asked: Asked) -> Rolls:
    """Read files into one array. where: the source, for messages; names: of the files, too. Raises DataError."""
    grids.check(asked.bars, asked.steps)
    if asked.tracks is not None and not 1 <= asked.tracks <= MOST_TRACKS:
        raise DataError(f"--tracks {asked.tracks}: a sample has 1 to {MOST_TRACKS} tracks")
    found = [midi.read(path) for path in paths]
    faults = {number: each for number, each in enumerate(found) if isinstance(each, str)}
    tolerate(where, names, faults, "pieces")
    files = {number: each for number, each in enumerate(found) if not isinstance(each, str)}
    pieces = [piece for each in files.values() for piece in each]
    grid, metre = grids.of(pieces, asked.bars, asked.steps, asked.length)
    tracks, several = _tracks(pieces, asked.tracks)
    placed = {number: [_placed(piece, grid, tracks) for piece in each] for number, each in files.items()}
    every = np.concatenate([each for of_file in placed.values() for each in of_file])
    frame = _frame(every, grid, tracks, _programs(pieces, tracks), asked)
    moved = sum(_into(each, frame) for of_file in placed.values() for each in of_file)
    samples, kept, left = _cut(where, files, placed, frame)
    alike = {number: b"".join(each.tobytes() for each in of_file) for number, of_file in placed.items()}
    group_of = {each: number for number, each in enumerate(dict.fromkeys(alike.values()))}
    notes = [f"skipped {shown(names[number])}: {fault}" for number, fault in sorted(faults.items())]
    notes += told.of_samples(grid, metre, len(files), len(samples), left)
    notes += told.of_pieces(pieces, every, grid, several, moved)
    if twice := len(alike) - len(group_of):
        notes.append(f"{counted(twice, 'piece')} {'has' if twice == 1 else 'have'} the very notes of another one")
    return Rolls(
        samples if tracks > 1 else samples[..., 0],
        kept,
        np.array([group_of[alike[number]] for number in kept.tolist()], np.int64),
        frame,
        {number: tempo for number, each in files.items() if (tempo := each[0].tempo) is not None},
        {number: grids.metre_of(each) for number, each in files.items()},
        tuple(notes),
        tuple(told.questions(every, grid)),
    )


def _tracks(pieces: Sequence[Piece], wanted: int | None) -> tuple[int, str]:
    """How many tracks there are, and in words what was made of parts where pieces have different numbers of them."""
    counts = Counter(len(piece.parts) for piece in pieces)
    most, with_most = counts.most_common(1)[0]
    if wanted is None and (most > MOST_TRACKS or with_most < _TOGETHER * len(pieces)):
        return 1, (
            f"pieces have {min(counts)} to {max(counts)} parts (tracks and channels): all of a piece became one track; "
            "--tracks N keeps N of them apart"
        )
    tracks = most if wanted is None else wanted
    more = sum(count for parts, count in counts.items() if parts > tracks)
    return tracks, f"the further parts of {counted(more, 'piece')} joined the last track" if more else ""


def _placed(piece: Piece, grid: Grid, tracks: int) -> np.ndarray:
    """int64 [notes, 6] of a piece, by step: step, length, pitch, track, velocity, and 1 if it began off the grid."""
    rows = [
        (*row[:3], min(number, tracks - 1), *row[3:])
        for number, notes in enumerate(piece.parts.values())
        for row in _in_steps(piece, notes, grid)
    ]
    return np.array(sorted(rows), np.int64).reshape(-1, 6)


def _in_steps(piece: Piece, notes: Sequence[Note], grid: Grid) -> list[list[int]]:
    """Step, length, pitch, velocity and whether it began off the grid, of each note of a part.

    Notes that follow each other do so on the grid, too: of those that fall on one step the longest is left.
    """
    rows: list[list[int]] = []
    sounding: list[tuple[Note, list[int]]] = []
    for note in notes:
        first, length, off = grids.placed(note.start, note.end, grid.steps)
        row = [first, length, note.pitch, note.velocity, int(off)]
        hidden = False
        for before, other in sounding:
            if before.end > note.start + grids.OFF / grid.steps:
                continue
            if other[0] < first:
                other[1] = min(other[1], first - other[0])
            elif before.end - before.start < note.end - note.start:
                other[1] = 0
            else:
                hidden = True
        if hidden:
            piece.told["hidden"] += 1
            continue
        rows.append(row)
        sounding = [each for each in sounding if each[1][0] + each[1][1] > first]
        sounding.append((note, row))
    piece.told["hidden"] += sum(not row[1] for row in rows)
    return [row for row in rows if row[1]]


def _programs(pieces: Sequence[Piece], tracks: int) -> tuple[int, ...]:
    """The most frequent program of each track."""
    counts = [Counter[int]() for _ in range(tracks)]
    for piece in pieces:
        for number, part in enumerate(piece.parts):
            if number < tracks:
                counts[number][piece.programs[part]] += 1
    return tuple(each.most_common(1)[0][0] if each else 0 for each in counts)


def _frame(every: np.ndarray, grid: Grid, tracks: int, programs: tuple[int, ...], asked: Asked) -> Frame:
    medians = []
    for track in range(tracks):
        own = every[every[:, 3] == track, 4]
        medians.append(max(2, int(np.median(own))) if len(own) else _UNHEARD)
    held = asked.held or min(medians) - 1
    lowest, count = asked.pitches or _range(every[:, 2])
    return Frame(grid, lowest, count, tuple(each - (each == held) for each in medians), programs, held)


def _range(pitches: np.ndarray) -> tuple[int, int]:
    """The lowest pitch of samples and how many there are: those that occur, and some beside them."""
    low, high = int(pitches.min()), int(pitches.max())
    most = np.quantile(pitches, [_RARE, 1 - _RARE], method="nearest").astype(int).tolist()
    low, high = max(low, most[0] - _OCTAVE), min(high, most[1] + _OCTAVE)
    count = -(-(high - low + 1) // _MULTIPLE) * _MULTIPLE
    return max(0, min(low - (count - (high - low + 1)) // 2, 128 - count)), count


def _into(placed: np.ndarray, frame: Frame) -> int:
    """Count pitches from the lowest on, in place, those out of range moved by octaves; returns how many were moved."""
    pitches, top = placed[:, 2] - frame.lowest, frame.pitches - 1
    up = np.maximum(0, -(pitches // _OCTAVE)) * _OCTAVE
    down = np.maximum(0, -((top - pitches) // _OCTAVE)) * _OCTAVE
    # A range of less than an octave has no room for every pitch class.
    placed[:, 2] = (pitches + up - down).clip(0, top)
    return int((placed[:, 2] != pitches).sum())


def _cut(
    where: str, files: dict[int, list[Piece]], placed: dict[int, list[np.ndarray]], frame: Frame
) -> tuple[np.ndarray, np.ndarray, int]:
    """Samples uint8 [n, steps, pitches, tracks] that hold a note, the file of each, and how many held none."""
    grid = frame.grid
    wanted = [
        (number, notes, begin)
        for number, pieces in files.items()
        for piece, notes in zip(pieces, placed[number], strict=True)
        for begin in grids.windows(piece, grid)
    ]
    size = int(np.prod(frame.shape))
    if len(wanted) * size > LARGEST_BYTES:
        raise DataError(f"{where}: {len(wanted):,} samples of {size:,} bytes are more than {LARGEST_BYTES:,}")
    samples = np.zeros((len(wanted), *frame.shape), np.uint8)
    kept: list[int] = []
    for number, notes, begin in wanted:
        inside = notes[(notes[:, 0] < begin + grid.length) & (notes[:, 0] + notes[:, 1] > begin)]
        for start, length, pitch, track, _, _ in inside.tolist():
            # What was struck before a sample begins is struck again at its beginning.
            first, end = max(0, start - begin), min(start + length - begin, grid.length)
            rolls.draw(samples[len(kept)], first, end - first, pitch, track, frame.velocities[track], frame.held)
        if len(inside):
            kept.append(number)
    return samples[: len(kept)], np.array(kept, np.int64), len(wanted) - len(kept)
