"""Reads labelled music: MIDI files, in a folder for each class or named by a table."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from augmint.v1 import generator_pb2 as pb
from training.data import classes, recorded
from training.data.dataset import Dataset
from training.data.errors import DataError
from training.data.finish import finished
from training.data.labels import naming
from training.data.labels.tagged import Columns, is_table
from training.data.reading import Claim
from training.data.records import Records
from training.data.wording import shown
from training.kinds.music import grid as grids
from training.kinds.music import pieces
from training.kinds.music.form import is_melody
from training.kinds.music.midi import FOUR_FOUR, PIECES, SUFFIXES, UNREAD, Metre
from training.kinds.music.music import Melody, Music
from training.kinds.music.pieces import Asked, Rolls

_WANTED = "one folder of MIDI files per class, or such files with their labels in a table"


def reads(source: str) -> Claim:
    """A piece, a folder that holds at least as many as files of any other ending, or a table of them: surely music."""
    return Claim.SURE if naming.sure(source, SUFFIXES | UNREAD) else Claim.NONE


def shaped(spec: pb.SampleSpec) -> dict[str, Any]:
    """The options of `load` by which pieces have the shape of a generator's samples again."""
    length, count, *tracks = spec.shape
    music = spec.music
    return {
        "grid": music.steps_per_quarter,
        "tracks": tracks[0] if tracks else 1,
        "shape": (length, music.lowest_pitch, count, music.held_velocity),
    }


def load(
    source: str,
    *,
    bars: int | None = None,
    grid: int | None = None,
    tracks: int | None = None,
    shape: tuple[int, int, int, int] | None = None,
    drop_scarce: bool = False,
    label: str | None = None,
    file: str | None = None,
) -> Dataset:
    """Read a labelled data set into memory.

    source:  a folder with one folder of MIDI files per class; or train/ and test/ of such folders (the official test
             split; val/ beside test/ joins the training part, and is the test split where there is no test/); or
             pieces with their labels in a table among them or above; or such a table, its pieces in its folder.
    bars:    of a sample, of the metre that holds for the longest time; None: 4.
    grid:    steps of a quarter note; None: 4.
    tracks:  that a piece's parts become; None: as many as nearly all pieces have parts, else 1.
    shape:   of a generator's samples: steps, lowest pitch, pitches, held velocity; in place of bars.
    drop_scarce: leave out classes that have too few pieces, instead of refusing them.
    label, file: columns of a table that hold the labels and the names of the pieces; None: found by their usual names.
    raises:  DataError, in one sentence, for anything that cannot be trained on.
    """
    path = Path(source)
    if path.is_file() and not is_table(path.name):
        raise DataError(f"{source}: it is one piece; name the folder with one folder of MIDI files per class")
    asked = Asked(grids.DEFAULT_BARS if bars is None else bars, grids.DEFAULT_STEPS if grid is None else grid, tracks)
    if shape is not None:
        asked = replace(asked, length=shape[0], pitches=(shape[1], shape[2]), held=shape[3] or None)
    try:
        layout, names, paths = recorded.filed(path, PIECES, _WANTED, Columns(label, file))
        found = pieces.read(str(path), names, paths, asked)
        records = recorded.records(layout, found, found.groups)
    except OSError as error:
        raise DataError(f"{source}: cannot be read: {error.strerror or error}") from error
    name = shown(source)
    records = replace(records, class_names=classes.checked_names(name, records.class_names))
    before = records.class_names
    labels = dict(zip(found.kept.tolist(), records.labels.tolist(), strict=True))
    records = classes.with_enough(name, records, drop_scarce, "different pieces")
    kept = [before.index(each) for each in records.class_names]
    return finished(name, records, _kind(found, records, labels, kept), "samples")


def _kind(found: Rolls, records: Records, labels: dict[int, int], kept: list[int]) -> Music:
    """labels: class of each file, as they were read; kept: those of them that the classes are."""
    tempos, metres = defaultdict[int, list[float]](list), defaultdict[int, Counter[Metre]](Counter)
    for number, label in labels.items():
        metres[label][found.metres[number]] += 1
        if number in found.tempos:
            tempos[label].append(found.tempos[number])
    known = [statistics.median(tempos[label]) if tempos[label] else None for label in kept]
    usual = statistics.median([each for each in known if each is not None] or [pieces.TEMPO])
    kind = Melody if is_melody(records.samples) else Music
    return kind(
        found.frame,
        tuple(usual if each is None else each for each in known) if any(known) else (),
        tuple(metres[label].most_common(1)[0][0] if metres[label] else FOUR_FOUR for label in kept),
    )
