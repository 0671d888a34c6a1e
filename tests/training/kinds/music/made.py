"""Music in files: arpeggios of a metre each, no two alike; and files of MIDI note by note."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import mido
import numpy as np

from training.data import Dataset
from training.kinds.music import Melody, Music, load
from training.kinds.music.form import is_melody
from training.kinds.music.grid import Grid
from training.kinds.music.pieces import Frame
from training.kinds.music.rolls import draw

TICKS = 480

# start and length in quarter notes, pitch
Notes = Iterable[tuple[float, float, int]]


def track(notes: Notes, *, channel: int = 0, velocity: int = 90, head: Sequence[object] = ()) -> mido.MidiTrack:
    """Messages of notes, after those of the head; times are rounded to ticks."""
    events = []
    for start, length, pitch in notes:
        events.append((round(start * TICKS), 1, pitch))
        events.append((round((start + length) * TICKS), 0, pitch))
    made, now = mido.MidiTrack(head), 0
    for at, on, pitch in sorted(events):
        kind = "note_on" if on else "note_off"
        made.append(mido.Message(kind, channel=channel, note=pitch, velocity=velocity if on else 0, time=at - now))
        now = at
    return made


def head(metre: tuple[int, int] | None = (4, 4), tempo: float | None = 120) -> list[mido.MetaMessage]:
    found = []
    if tempo is not None:
        found.append(mido.MetaMessage("set_tempo", tempo=round(60e6 / tempo)))
    if metre is not None:
        found.append(mido.MetaMessage("time_signature", numerator=metre[0], denominator=metre[1]))
    return found


def save(path: Path, *tracks: mido.MidiTrack, type: int = 1, ticks: int = TICKS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = mido.MidiFile(type=type, ticks_per_beat=ticks)
    file.tracks.extend(tracks)
    file.save(path)
    return path


def arpeggio(number: int, up: bool, bars: int = 8, metre: tuple[int, int] = (4, 4)) -> list[tuple[float, float, int]]:
    """Eighth notes of broken triads, upwards or downwards; each number another one."""
    random = np.random.default_rng(number)
    root, found, quarters = 60 + int(random.integers(8)), [], bars * 4 * metre[0] / metre[1]
    chord = [0, 4, 7, 12] if up else [12, 7, 3, 0]
    for at in range(int(quarters * 2)):
        if at % 8 == 0:
            step = int(random.integers(4))
        found.append((at / 2, 0.5, root + step + chord[at % 4]))
    return found


def fill(folder: Path, count: int = 10, up: bool = True, first: int = 0, **how: object) -> list[Path]:
    """Pieces 000.mid, 001.mid, ... of 8 bars in a folder, each with a tempo and a metre; how: of `arpeggio`."""
    metre = how.get("metre", (4, 4))
    return [
        save(folder / f"{number:03}.mid", track(arpeggio(number, up, **how), head=head(metre)))
        for number in range(first, first + count)
    ]


def data(folder: Path, count: int = 10) -> Path:
    """Two classes of so many pieces of 8 bars: going up in 4/4, going down in 3/4."""
    fill(folder / "up", count)
    fill(folder / "down", count, up=False, first=100, bars=10, metre=(3, 4))
    return folder


def arpeggios(count: int = 48, tracks: int = 1) -> tuple[Music, np.ndarray, np.ndarray]:
    """The kind, fitted to them, uint8 [n, 32, 32(, tracks)] and int64 [n]: two bars of arpeggios up or down.

    A second track holds the root for as long as a bar.
    """
    grid = Grid(4, 16, 32, 2)
    frame = Frame(grid, 56, 32, (90, 70)[:tracks], (0, 32)[:tracks], 69)
    raw, labels = np.zeros((count, *frame.shape), np.uint8), np.arange(count) % 2
    for number, roll in enumerate(raw):
        notes = arpeggio(number, labels[number] == 0, 2)
        for start, length, pitch in notes:
            draw(roll, int(start * 4), int(length * 4), pitch - 56, 0, 90, 69)
        for bar in range(2 if tracks > 1 else 0):
            draw(roll, bar * 16, 16, notes[0][2] - 56, 1, 70, 69)
    raw = raw if tracks > 1 else raw[..., 0]
    kind = Melody if is_melody(raw) else Music
    return kind(frame, (120.0, 90.0), ((4, 4), (3, 4))), raw, labels


def classes(found: Dataset) -> dict[str, int]:
    return {name: int(count) for name, count in zip(found.class_names, found.counts(), strict=True)}


def read(path: Path, **options: object) -> tuple[Dataset, str]:
    """The data, and all that is said of it."""
    found = load(str(path), **options)  # type: ignore[arg-type]
    asked = [f"{question.text} {question.advice}" for question in found.questions]
    return found, " | ".join([*found.notes, *asked])
