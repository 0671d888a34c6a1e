"""One file of MIDI: its notes, in quarter notes from the beginning, and what it says of tempo, metre, instruments."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mido

from training.data.folders.tree import Sought

SUFFIXES = frozenset({".mid", ".midi", ".smf", ".kar"})
UNREAD = frozenset({".rmi", ".abc", ".musicxml", ".mxl", ".krn", ".mscz", ".gp5", ".mod", ".xm"})
CONVERT = "MuseScore exports it, and abc2midi converts ABC"
_AROUND = frozenset({"midi", "midis", "mid", "music", "tunes", "songs", "pieces"})
_WORDS = ("midi", "piece", "tune", "song")
PIECES = Sought("piece", SUFFIXES, UNREAD, f"Convert them to MIDI: {CONVERT}.", _AROUND, _WORDS)

DRUMS = 9  # the channel that a person calls 10
LONGEST_QUARTERS = 20_000  # a few bytes may claim a rest of years
LARGEST_BYTES = 2**24
UNITS = (1, 2, 4, 8, 16, 32, 64)
_TEMPOS = (4.0, 1000.0)
FOUR_FOUR = (4, 4)

Metre = tuple[int, int]
Part = tuple[int, int]  # track and channel


@dataclass(frozen=True, slots=True)
class Note:
    """start, end: in quarter notes from the beginning; velocity 1 to 127."""

    start: float
    end: float
    pitch: int
    velocity: int


@dataclass(slots=True)
class Piece:
    """What a file holds, or, of type 2, one track of it.

    parts:    notes by track and channel, in that order, each in the order in which they begin.
    programs: General MIDI program of each part.
    tempo:    quarter notes a minute, that of the longest time; None: it does not say. tempos: how many different ones.
    metres:   where each time signature begins, in quarter notes, and which it is; empty: it does not say.
    quarters: how long it is.
    told:     what is not usual about it, in the words of _TOLD, and how many of it.
    """

    parts: dict[Part, list[Note]] = field(default_factory=dict)
    programs: dict[Part, int] = field(default_factory=dict)
    tempo: float | None = None
    tempos: int = 0
    metres: list[tuple[float, Metre]] = field(default_factory=list)
    quarters: float = 0.0
    told: Counter[str] = field(default_factory=Counter)


def read(path: Path) -> list[Piece] | str:
    """The pieces of a file, one unless it is of type 2; or why it cannot be used."""
    size = path.stat().st_size
    if not size:
        return "an empty file"
    if size > LARGEST_BYTES:
        return f"has {size:,} bytes; a piece of MIDI has {LARGEST_BYTES:,} at most"
    with path.open("rb") as file:
        start = file.read(4)
    if start != b"MThd":
        return f"no MIDI file: it begins with {start!r}, not with b'MThd'"
    try:
        file = mido.MidiFile(path, clip=True)
    except EOFError:
        return "damaged: it ends in the middle of a track"
    except Exception as error:  # mido lets through whatever came up, from struct.error to its own
        return f"damaged: {' '.join(str(error).split())[:80] or type(error).__name__}"
    if file.ticks_per_beat <= 0:
        return "counts time in frames of film (SMPTE), not in beats: there is no grid to lay it on"
    tracks = list(enumerate(file.tracks))
    pieces = [_piece([each], file) for each in tracks] if file.type == 2 else [_piece(tracks, file)]
    longest = max((each.quarters for each in pieces), default=0.0)
    if longest > LONGEST_QUARTERS:
        return f"claims to be {longest:,.0f} quarter notes long; at most {LONGEST_QUARTERS:,} are read"
    found = [piece for piece in pieces if piece.parts]
    if not found:
        drums = sum(piece.told["drums"] for piece in pieces)
        return "holds drums only (channel 10), which have no pitch" if drums else "holds no note"
    return found


def _piece(tracks: Iterable[tuple[int, Any]], file: Any) -> Piece:
    """tracks: with their numbers, all that sound together."""
    piece, per_quarter = Piece(), file.ticks_per_beat
    tempos: list[tuple[int, float]] = []
    metres: list[tuple[int, Metre]] = []
    last = 0
    for number, track in tracks:
        now, end = 0, _notes(piece, number, track, per_quarter)
        last = max(last, end)
        for message in track:
            now += message.time
            if message.type == "set_tempo" and message.tempo:
                tempos.append((now, round(60e6 / message.tempo, 3)))
            elif message.type == "time_signature":
                metres.append((now, (message.numerator, message.denominator)))
            elif message.type in ("sysex", "sequencer_specific"):
                piece.told["system"] += 1
    piece.quarters = last / per_quarter
    sane = [each for each in metres if 1 <= each[1][0] <= 64 and each[1][1] in UNITS]
    piece.told["odd metres"] += len(metres) - len(sane)
    # Of several at one place the last one holds.
    piece.metres = sorted({at / per_quarter: metre for at, metre in sorted(sane, key=lambda each: each[0])}.items())
    piece.tempo, piece.tempos = _longest(tempos, last)
    return piece


def _notes(piece: Piece, number: int, track: Any, per_quarter: int) -> int:
    """Add a track's notes to the piece; returns the tick at which the last of them ends."""
    now, last = 0, 0
    sounding: dict[tuple[int, int], tuple[int, int]] = {}  # channel and pitch to start and velocity
    programs: dict[int, int] = {}
    found: dict[Part, list[Note]] = defaultdict(list)

    def end(key: tuple[int, int], at: int) -> None:
        nonlocal last
        start, velocity = sounding.pop(key)
        part = number, key[0]
        found[part].append(Note(start / per_quarter, at / per_quarter, key[1], velocity))
        piece.programs.setdefault(part, programs.get(key[0], 0))
        last = max(last, at)

    for message in track:
        now += message.time
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type in ("note_on", "note_off"):
            begins = message.type == "note_on" and message.velocity > 0
            if message.channel == DRUMS:
                piece.told["drums"] += begins
                continue
            key = message.channel, message.note
            if key in sounding:
                piece.told["overlapping"] += begins
                end(key, now)
            if begins:
                sounding[key] = now, message.velocity
    piece.told["without end"] += len(sounding)
    for key in list(sounding):
        end(key, now)
    for part, notes in sorted(found.items()):
        piece.parts[part] = sorted(notes, key=lambda note: (note.start, note.pitch))
    return last


def _longest(tempos: list[tuple[int, float]], last: int) -> tuple[float | None, int]:
    """The tempo that holds for the longest time, and how many different ones there are."""
    if not tempos:
        return None, 0
    tempos = sorted(tempos, key=lambda each: each[0])
    held: Counter[float] = Counter()
    for (at, tempo), (following, _) in itertools.zip_longest(tempos, tempos[1:], fillvalue=(last, 0.0)):
        held[min(max(tempo, _TEMPOS[0]), _TEMPOS[1])] += max(0, min(following, last) - at)
    return held.most_common(1)[0][0], len(held)
