"""Kinds of data: which dtype and shape a sample of each has, and what its description must say.

The one table of kinds in the service; everything else takes samples as arrays. The kinds are those of SampleSpec in
generator.proto, and `array` where it names none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from augmint.v1 import generator_pb2 as pb

Shape = tuple[int, ...]
PITCHES = 128  # of MIDI, and as many programs
TEMPOS = (4, 1000)  # a file of MIDI has room for no slower one
UNITS = (1, 2, 4, 8, 16, 32, 64)
CHANNELS = {pb.COLOR_SPACE_GRAY: 1, pb.COLOR_SPACE_RGB: 3}


class Rounding(NamedTuple):
    """What another runtime may do to whole numbers.

    most: levels by which one is moved, at most; uncounted: levels up to which that is nothing; share: of the values
    of a sample that are moved by more.
    """

    most: int = 1
    uncounted: int = 0
    share: float = 0.02


LEVELS = Rounding()


@dataclass(frozen=True, slots=True)
class Kind:
    """What holds for every sample of a kind."""

    dtype: pb.DataType | None  # None: any
    shapes: tuple[str, ...]  # names of the extents, one text for each rank; none: any shape
    faults: Callable[[Any, Shape], Iterator[str]]  # of the kind's own message, and of a shape of one of these ranks
    # Of the kind's own message: of samples [n, *shape], which values it cannot mean, bool of their shape. Absent: it
    # means something by all of them.
    wrong: Callable[[Any], Callable[[np.ndarray], np.ndarray]] | None = None
    # Of the kind's own message, and a place in a sample: what a value there may be, as words.
    wanted: Callable[[Any, Shape], str] = lambda spec, place: ""
    rounding: Rounding = LEVELS
    # What stands once for each label, or once for all: names of fields, and how many there are.
    each: Callable[[Any], Iterator[tuple[str, int]]] = lambda spec: iter(())

    @property
    def words(self) -> str:
        """E.g. `int16 [frames] or [frames, channels]`."""
        return f"{_name(self.dtype)} {' or '.join(f'[{shape}]' for shape in self.shapes)}"


def _image(spec: pb.ImageSpec, shape: Shape) -> Iterator[str]:
    channels = CHANNELS.get(spec.color_space)
    if channels is None:
        yield "sample.image.color_space is not set"
    elif shape[2] != channels:
        yield f"{pb.ColorSpace.Name(spec.color_space)} has channels: {channels}, but sample.shape is {list(shape)}"


def _audio(spec: pb.AudioSpec, shape: Shape) -> Iterator[str]:
    if spec.sample_rate_hz < 1:
        yield "sample.audio.sample_rate_hz is 0; wanted frames per second, at least 1"


def _music(spec: pb.MusicSpec, shape: Shape) -> Iterator[str]:
    if spec.steps_per_quarter < 1:
        yield "sample.music.steps_per_quarter is 0; wanted at least 1"
    if spec.lowest_pitch + shape[1] > PITCHES:
        yield (
            f"sample.music.lowest_pitch {spec.lowest_pitch} with {shape[1]} pitches goes beyond the last one of MIDI, "
            f"{PITCHES - 1}"
        )
    tracks = shape[2] if len(shape) > 2 else 1
    if len(spec.programs) != tracks and (spec.programs or tracks > 1):
        yield f"sample.music.programs has length {len(spec.programs)}, but there are tracks: {tracks}"
    for program in spec.programs:
        if program >= PITCHES:
            yield f"sample.music.programs holds {program}; wanted 0 to {PITCHES - 1}"
    if spec.held_velocity >= PITCHES:
        yield f"sample.music.held_velocity is {spec.held_velocity}; wanted 0 to {PITCHES - 1}"
    for tempo in spec.tempos:
        if not TEMPOS[0] <= tempo <= TEMPOS[1]:  # neither is what is no number
            yield f"sample.music.tempos holds {tempo:g}; wanted {TEMPOS[0]} to {TEMPOS[1]} quarter notes a minute"
    for metre in spec.metres:
        if not 1 <= metre.beats <= 64 or metre.unit not in UNITS:
            yield (
                f"sample.music.metres holds {metre.beats}/{metre.unit}; wanted 1 to 64 over one of "
                f"{', '.join(map(str, UNITS))}"
            )


def _of_each_label(spec: pb.MusicSpec) -> Iterator[tuple[str, int]]:
    yield "sample.music.tempos", len(spec.tempos)
    yield "sample.music.metres", len(spec.metres)


def _text(spec: pb.TextSpec, shape: Shape) -> Iterator[str]:
    if not spec.vocabulary:
        yield "sample.text.vocabulary is empty"
    elif spec.end_id >= len(spec.vocabulary):
        yield f"sample.text.end_id is {spec.end_id}, and the vocabulary ends at {len(spec.vocabulary) - 1}"


def _table(spec: pb.TableSpec, shape: Shape) -> Iterator[str]:
    if len(spec.columns) != shape[0]:
        yield f"sample.table.columns has length {len(spec.columns)}, but sample.shape is {list(shape)}"
    yield from _names("sample.table.columns: name", [column.name for column in spec.columns])
    if spec.label and any(column.name == spec.label for column in spec.columns):
        yield f"sample.table.label {spec.label[:64]!r} is the name of a column, too"
    for number, column in enumerate(spec.columns):
        yield from _column(f"sample.table.columns[{number}]", column)


def _column(where: str, column: pb.ColumnSpec) -> Iterator[str]:
    yield from _names(f"{where}.categories:", column.categories)
    bounds = [getattr(column, name) for name in ("minimum", "maximum") if column.HasField(name)]  # type: ignore[arg-type]
    numeric = [
        name
        for name, there in (
            ("integer", column.integer),
            ("minimum or maximum", bool(bounds)),
            ("offset", column.offset),
            ("decimals", column.HasField("decimals")),
            ("unit", column.unit),
        )
        if there
    ]
    if column.categories and numeric:
        yield f"{where} has categories and {numeric[0]}; wanted one of them"
    if not all(map(np.isfinite, [*bounds, column.offset])):
        yield f"{where}: minimum, maximum or offset is not finite"
    if len(bounds) == 2 and bounds[0] > bounds[1]:
        yield f"{where}: minimum {bounds[0]:g} is above maximum {bounds[1]:g}"
    if column.unit not in pb.ColumnUnit.values():
        yield f"{where}.unit {column.unit} is not a known ColumnUnit"


def _wrong_cells(spec: pb.TableSpec) -> Callable[[np.ndarray], np.ndarray]:
    low, high = np.outer([-np.inf, np.inf], np.ones(len(spec.columns))).astype(np.float32)
    for number, column in enumerate(spec.columns):
        if column.categories:
            low[number], high[number] = 0, len(column.categories) - 1
        if column.HasField("minimum"):
            low[number] = column.minimum
        if column.HasField("maximum"):
            high[number] = column.maximum
    whole = np.array([column.integer or bool(column.categories) for column in spec.columns])
    missing = np.array([column.missing for column in spec.columns])

    def wrong(rows: np.ndarray) -> np.ndarray:
        gaps = np.isnan(rows)
        good = (rows >= low) & (rows <= high) & np.isfinite(rows)
        good[:, whole] &= np.floor(rows[:, whole]) == rows[:, whole]
        return ~np.where(gaps, missing, good)

    return wrong


def _wanted_cell(spec: pb.TableSpec, place: Shape) -> str:
    column = spec.columns[place[0]]
    if column.categories:
        told = f"the index of a category, 0 to {len(column.categories) - 1}"
    else:
        told = "a whole number" if column.integer else "a number"
        told += f" from {column.minimum:g}" if column.HasField("minimum") else ""
        told += f" up to {column.maximum:g}" if column.HasField("maximum") else ""
    return f"{told}{', or NaN' if column.missing else ''} in column {column.name[:64]!r}"


def _outside(limit: int) -> Callable[[np.ndarray], np.ndarray]:
    # One comparison: what is negative is large without a sign.
    return lambda values: values.view(values.dtype.str.replace("i", "u")) >= limit


def _names(where: str, names: Sequence[str]) -> Iterator[str]:
    seen = set()
    for name in names:
        if not name:
            yield f"{where} is empty"
        if name in seen:
            yield f"{where} {name[:64]!r} repeats"
        seen.add(name)


def _array(spec: None, shape: Shape) -> Iterator[str]:
    yield from ()


KINDS = {
    "image": Kind(pb.DATA_TYPE_UINT8, ("height, width, channels",), _image),
    # 48 dB and 80 dB below full scale: phases are found in rounds, each of which hands on what the last one rounded.
    "audio": Kind(pb.DATA_TYPE_INT16, ("frames", "frames, channels"), _audio, rounding=Rounding(256, 6)),
    "music": Kind(
        pb.DATA_TYPE_UINT8,
        ("steps, pitches", "steps, pitches, tracks"),
        _music,
        lambda spec: _outside(PITCHES),
        lambda spec, place: f"0 to {PITCHES - 1}",
        # A note that is there or not by rounding. Most of a sample is silence: a share that is small beside its notes.
        rounding=Rounding(PITCHES - 1, 0, 0.002),
        each=_of_each_label,
    ),
    "text": Kind(
        pb.DATA_TYPE_INT32,
        ("length",),
        _text,
        lambda spec: _outside(len(spec.vocabulary)),
        lambda spec, place: f"the index of a token, 0 to {len(spec.vocabulary) - 1}",
    ),
    "table": Kind(pb.DATA_TYPE_FLOAT32, ("columns",), _table, _wrong_cells, _wanted_cell),
    "array": Kind(None, (), _array),
}


def fault(sample: pb.SampleSpec, labels: int = 1) -> str:
    """The first rule of its kind that a description breaks, as a sentence; "" if it keeps them all.

    sample: its shape has no zero. labels: how many the generator has.
    """
    name = sample.WhichOneof("kind") or "array"
    kind, shape = KINDS[name], tuple(sample.shape)
    ranks = {text.count(",") + 1 for text in kind.shapes}
    if (kind.dtype and sample.dtype != kind.dtype) or (ranks and len(shape) not in ranks):
        return f"a sample of {name} is {kind.words}, but here it is {_name(sample.dtype)} {list(shape)}"
    message = getattr(sample, name, None)
    return next(kind.faults(message, shape), "") or next(_not_each(kind.each(message), labels), "")


def _not_each(counts: Iterator[tuple[str, int]], labels: int) -> Iterator[str]:
    for name, count in counts:
        if count > 1 and count != labels:
            yield f"{name} has length {count}, but there are labels: {labels}"


def rounding(sample: pb.SampleSpec) -> Rounding:
    """What another runtime may do to samples of whole numbers."""
    return KINDS[sample.WhichOneof("kind") or "array"].rounding


def checker(sample: pb.SampleSpec) -> Callable[[np.ndarray], str]:
    """What finds the first value of samples that their kind cannot mean, such as a token that is not in the vocabulary.

    sample:  without fault.
    returns: a function of samples, of its dtype [n, *shape], that says as a sentence which value is wrong, or "".
    """
    name = sample.WhichOneof("kind") or "array"
    kind, spec, shape = KINDS[name], getattr(sample, name, None), tuple(sample.shape)
    if kind.wrong is None:
        return lambda values: ""
    wrong = kind.wrong(spec)

    def check(values: np.ndarray) -> str:
        found = wrong(values)
        if not found.any():
            return ""
        number, *place = (int(at) for at in np.unravel_index(int(found.argmax()), (len(values), *shape)))
        value = values[(number, *place)]
        return f"sample {number} holds {value:g} at {place}; wanted {kind.wanted(spec, tuple(place))}"

    return check


def _name(dtype: pb.DataType | None) -> str:
    return pb.DataType.Name(dtype or pb.DATA_TYPE_UNSPECIFIED).removeprefix("DATA_TYPE_").lower()
