"""Kinds of samples: how each is handed to people, files and loaders. Nobody else knows what an image or a row is."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

import numpy as np

from augmint.errors import InvalidRequest
from augmint.kinds import audio, image, midi, music, text
from augmint.kinds.face import Face
from augmint.kinds.intake import Intake
from augmint.kinds.table import column, encoding, files, frame, spread


class Encoder(Protocol):
    """Writes samples into a file that it was given, in pieces."""

    def add(self, samples: Any) -> None:
        """The next samples."""

    def finish(self) -> None:
        """All were added; the file stays open. A second time it does nothing."""


@dataclass(frozen=True)
class Kind:
    """How one kind is handed over. Samples and descriptions are augmint's own, which import this package.

    column:   its name in tables and Hugging Face data sets; "": a sample is several columns, and `objects` gives dicts,
              `feature` one of features, by column.
    suffix:   of a file of one sample.
    pictures: samples can be looked at as pictures: [height, width, channels], bytes being levels of 0..255.
    objects:  samples as those who work with the kind take them. files: the content of a file of each.
    feature:  of Hugging Face's datasets: (the module, description) -> a feature.
    details:  description -> what more there is to say of its samples: pairs of a name and what is said.
    label:    description -> name of the column of labels.
    many:     suffix, without the point, of a file of many samples to what writes one: (file, description) -> Encoder.
    cells:    samples -> rows of text for people to read, the header first. Absent: they are nothing to read.
    frame:    samples -> a pandas DataFrame. Absent: that is not what they are.
    sound:    samples -> (float32 [n, frames(, channels)] in [-1, 1], frames a second). Absent: nothing is heard.
    floats:   raw samples [n, *shape] -> float32 as networks take them, from loaders that nobody gave a transform.
    media:    description -> the feature, in Hugging Face's JSON, of a column of `files`, which other programs open;
              {}: it has none, and columns hold arrays. Absent: a file of one sample is an array, too.
    lines:    samples -> lines of text for people and programs to read. Absent: cells are printed, if there are any.
    texts:    samples -> a str of each. Absent: that is not what they are.
    midis:    samples -> a mido.MidiFile of each. Absent: that is not what they are.
    indices:  elements are numbers of things, which PyTorch wants as int64.
    face:     how samples look on a page.
    intake:   how they come in. Absent: as arrays only.
    """

    column: str
    suffix: str
    pictures: bool
    objects: Callable[[Any], Iterable[Any]]
    files: Callable[[Any], Iterator[bytes]]
    feature: Callable[[Any, Any], Any]
    details: Callable[[Any], list[tuple[str, str]]] = lambda description: []
    label: Callable[[Any], str] = lambda description: "label"
    many: Mapping[str, Callable[[IO[bytes], Any], Encoder]] = field(default_factory=dict)
    cells: Callable[[Any], list[list[str]]] | None = None
    frame: Callable[[Any], Any] | None = None
    sound: Callable[[Any], tuple[np.ndarray, int]] | None = None
    floats: Callable[[np.ndarray], np.ndarray] | None = None
    media: Callable[[Any], dict[str, Any]] | None = None
    lines: Callable[[Any], list[str]] | None = None
    texts: Callable[[Any], list[str]] | None = None
    midis: Callable[[Any], list[Any]] | None = None
    indices: bool = False
    face: Face = field(default_factory=Face)
    intake: Intake | None = None


def of(description: Any) -> Kind:
    """The row of a generator's kind; what this release has no row for is handed over as arrays."""
    return KINDS.get(description.kind, ARRAY)


def raw(given: Any, description: Any) -> np.ndarray:
    """Raw samples, the generator's dtype [n, *shape], C order, of whatever a person has; InvalidRequest.

    given: an array (or tensor) of just that dtype and shape, Samples of the same form, or what the kind's row encodes.
    """
    kind, array = of(description), given
    if hasattr(given, "array") and hasattr(given, "description"):
        if given.description.message.sample != description.message.sample:
            other = given.description
            raise InvalidRequest(
                f"the samples are of {other.name} version {other.version}, whose {other.kind} is described otherwise "
                f"than that of {description.name} version {description.version}: hand them over decoded"
                + (f", as {kind.intake.words}" if kind.intake else "")
            )
        array = given.array
    wanted = f"{description.dtype.name} [n, {', '.join(map(str, description.shape))}]"
    numbers = hasattr(array, "__array__") and hasattr(array, "shape") and not hasattr(array, "columns")
    if numbers:
        array = np.asarray(array)
        if array.dtype == description.dtype and array.shape[1:] == tuple(description.shape):
            return np.ascontiguousarray(array, description.dtype)
    if kind.intake is None or numbers:
        is_what = f"{array.dtype} {list(array.shape)}" if numbers else type(given).__name__
        also = f", or {kind.intake.words}" if kind.intake else ""
        raise InvalidRequest(f"samples are {is_what}; generator {description.name!r} takes {wanted}{also}")
    return np.ascontiguousarray(kind.intake.encode(given, description), description.dtype)


def _npys(samples: Any) -> Iterator[bytes]:
    for array in samples.array:
        content = io.BytesIO()
        np.lib.format.write_array(content, array, allow_pickle=False)
        yield content.getvalue()


def _sequence(datasets: Any, description: Any) -> Any:
    content = datasets.Value(description.dtype.newbyteorder("=").name)
    for extent in reversed(description.shape):
        content = datasets.Sequence(content, length=extent)
    return content


ARRAY = Kind("sample", "npy", False, lambda samples: samples.array, _npys, _sequence)
KINDS = {
    "image": Kind(
        column="image",
        suffix="png",
        pictures=True,
        objects=image.images,
        files=image.pngs,
        feature=image.feature,
        media=lambda description: {"_type": "Image"},
        face=Face(pictures=image.pictures),
        intake=Intake(
            image.encode,
            "a list of PIL images",
            image.opened,
            ("png", "jpg", "jpeg", "bmp", "webp", "gif", "tif", "tiff"),
        ),
    ),
    "audio": Kind(
        column="audio",
        suffix="wav",
        pictures=False,
        objects=audio.encoded,
        files=audio.wavs,
        feature=audio.feature,
        details=audio.details,
        sound=audio.sounds,
        floats=audio.floats,
        media=audio.media,
        face=Face(alone=24, together=4, pictures=audio.pictures, sounds=audio.wavs),
        intake=Intake(
            audio.encode,
            "a pair of sounds, float32 in [-1, 1], and frames a second",
            audio.opened,
            ("wav",),
            floats=audio.back,
        ),
    ),
    "music": Kind(
        column="roll",
        suffix="mid",
        pictures=False,
        objects=lambda samples: samples.array,
        files=music.files,
        feature=_sequence,
        details=music.details,
        floats=music.floats,
        media=lambda description: {},
        midis=music.midis,
        face=Face(alone=24, together=4, pictures=music.pictures, sounds=music.wavs),
        intake=Intake(midi.encode, "a list of mido.MidiFile", midi.opened, ("mid", "midi"), floats=midi.back),
    ),
    "table": Kind(
        column="",
        suffix="row.json",
        pictures=False,
        objects=files.rows,
        files=files.jsons,
        feature=files.feature,
        details=column.details,
        label=column.label_name,
        many={
            "csv": files.Separated(","),
            "tsv": files.Separated("\t"),
            "jsonl": files.JsonLines,
            "parquet": files.Parquet,
        },
        cells=files.cells,
        frame=frame.frame,
        face=Face(alone=200, together=100, spreads=spread.spreads),
        intake=Intake(encoding.encode_rows, "a DataFrame or a list of dicts", tables=tuple(encoding.FILES.items())),
    ),
    "text": Kind(
        column="text",
        suffix="txt",
        pictures=False,
        objects=text.texts,
        files=text.contents,
        feature=text.feature,
        details=text.details,
        many={"txt": text.Lines, "jsonl": text.JsonLines, "parquet": text.Parquet},
        cells=text.cells,
        lines=text.lines,
        texts=text.texts,
        indices=True,
        face=Face(alone=40, together=10),
        intake=Intake(text.encode_all, "a list of str", tables=tuple(text.FILES.items())),
    ),
}
# Suffix of a file of one sample that other programs open, of kinds that are no pictures: those go on a sheet.
ONE = {kind.suffix: name for name, kind in KINDS.items() if kind.media is not None and not kind.pictures}
# Suffix of a file of many samples to the kinds that have one.
MANY = {
    suffix: [name for name, kind in KINDS.items() if suffix in kind.many]
    for kind in KINDS.values()
    for suffix in kind.many
}
