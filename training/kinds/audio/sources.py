"""Reads labelled sounds: WAV, FLAC, OGG or MP3 files, in a folder for each class or named by a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from augmint.v1 import generator_pb2 as pb
from training.data import classes, encoded, recorded
from training.data.dataset import Dataset
from training.data.errors import DataError
from training.data.finish import finished
from training.data.labels import naming
from training.data.labels.tagged import Columns, is_table
from training.data.reading import Claim
from training.data.records import LARGEST_BYTES
from training.data.wording import shown
from training.kinds.audio import sounds
from training.kinds.audio.audio import Audio
from training.kinds.audio.length import DEFAULT_RATE, check_rate, check_seconds
from training.kinds.audio.sound import ENCODED, SOUNDS, SUFFIXES, UNREAD
from training.kinds.audio.waves import Waves

_WANTED = "one folder of WAV, FLAC, OGG or MP3 files per class, or such files with their labels in a table"


def reads(source: str) -> Claim:
    """A sound, a folder that holds at least as many as files of any other ending, or a table of them: surely sounds."""
    return Claim.SURE if naming.sure(source, SUFFIXES | UNREAD) or _is_encoded(Path(source)) else Claim.NONE


def _is_encoded(path: Path) -> bool:
    """Whether a file of rows, or the first one of a folder, has a column of sounds."""
    try:
        part = encoded.first_part(path) if path.is_dir() else path
        return part is not None and encoded.is_file(part) and encoded.holds(part, ENCODED)
    except (OSError, ValueError):
        return False  # who reads it says what is wrong with it


def _contents(source: str, rows: encoded.Rows) -> list[encoded.Content]:
    """The encoded sounds, which are held in memory. Raises DataError for too many."""
    found: list[encoded.Content] = []
    size = 0
    for content in rows.contents():
        found.append(content)
        size += len(content) if isinstance(content, bytes) else 0
        if size > LARGEST_BYTES:
            raise DataError(f"{source}: more than {LARGEST_BYTES:,} bytes of sounds; save them as files, or take some")
    return found


def shaped(spec: pb.SampleSpec) -> dict[str, Any]:
    """The options of `load` by which sounds have the shape of a generator's samples again."""
    rate = spec.audio.sample_rate_hz
    return {"rate": rate, "seconds": spec.shape[0] / rate}


def load(
    source: str,
    *,
    rate: int | None = None,
    seconds: float | None = None,
    waves: bool = False,
    drop_scarce: bool = False,
    label: str | None = None,
    file: str | None = None,
) -> Dataset:
    """Read a labelled data set into memory.

    source:  a folder with one folder of sounds per class; or train/ and test/ of such folders (the official test
             split; val/ beside test/ joins the training part, and is the test split where there is no test/); or
             sounds with their labels in a table among them or above; or such a table, its sounds in its folder; or
             Parquet or Arrow files of a Hugging Face data set (training.data.encoded).
    rate:    frames a second of the samples, 8000 or 16000; None: 8000.
    seconds: of a sample, rounded up to steps of 0.128; None: chosen from the data, see training.kinds.audio.sounds.
    waves:   networks see waves instead of spectrograms.
    drop_scarce: leave out classes that have too few sounds, instead of refusing them.
    label, file: columns of a table that hold the labels and the names of the sounds; None: found by their usual names.
    raises:  DataError, in one sentence, for anything that cannot be trained on.
    """
    rate = check_rate(DEFAULT_RATE if rate is None else rate)
    if seconds is not None:
        check_seconds(seconds)
    path = Path(source)
    columns = Columns(label, file)
    in_rows = not naming.sure(source, SUFFIXES | UNREAD) and _is_encoded(path)
    if path.is_file() and not is_table(path.name) and not in_rows:
        raise DataError(f"{source}: it is one sound; name the folder with one folder of sounds per class")
    try:
        if in_rows:
            rows = encoded.rows(path, ENCODED, columns)
            records = rows.records(sounds.read(str(path), rows.names, _contents(source, rows), rate, seconds))
        else:
            layout, names, paths = recorded.filed(path, SOUNDS, _WANTED, columns)
            records = recorded.records(layout, sounds.read(str(path), names, paths, rate, seconds))
    except OSError as error:
        raise DataError(f"{source}: cannot be read: {error.strerror or error}") from error
    name = shown(source)
    records = replace(records, class_names=classes.checked_names(name, records.class_names))
    records = classes.with_enough(name, records, drop_scarce)
    return finished(name, records, (Waves if waves else Audio)(rate, records.samples.shape[1]), "sounds")
