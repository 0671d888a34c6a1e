"""Many sounds into one array: rates, widths, channels and lengths made alike, damaged files left out and named."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from training.data.encoded import Content
from training.data.errors import DataError
from training.data.folders.faults import tolerate
from training.data.question import Question
from training.data.records import LARGEST_BYTES
from training.data.wording import counted, listed, shown
from training.kinds.audio import sound
from training.kinds.audio.length import choose_seconds, frames_of
from training.kinds.audio.sound import FULL, Header

_AT_ONCE = 8  # threads that decode
_CLIPPED_SHARE = 0.001  # of a sound's frames at full scale: more is a recording that was too loud
_MOST_SILENT = 0.01  # of the sounds; more is worth a question


@dataclass(frozen=True, slots=True, eq=False)
class Sounds:
    """samples: int16 [n, frames]; kept: int64 [n], which of the sounds these are."""

    samples: np.ndarray
    kept: np.ndarray
    notes: tuple[str, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """A sound of the length of a sample, and what was done to it; length: in frames, before."""

    frames: np.ndarray
    length: int
    silent: bool
    clipped: bool
    opposed: bool


def read(where: str, names: Sequence[str], contents: Sequence[Content], rate: int, seconds: float | None) -> Sounds:
    """Decode sounds into one array.

    where:   the source, for messages; names: of the sounds, too.
    seconds: of a sample; None: what holds 95 of 100 of the sounds whole, at most 4.

    Channels are averaged, other rates resampled. What is longer is cut to its loudest stretch, what is shorter ends in
    silence.
    """
    faults: dict[int, str] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        headers = list(pool.map(sound.header, contents))
        faults |= {number: found for number, found in enumerate(headers) if isinstance(found, str)}
        tolerate(where, names, faults, "sounds")
        lengths = [found.seconds for found in headers if isinstance(found, Header) and found.frames]
        if seconds is None and not lengths:
            raise DataError(f"{where}: no file says how long it is; say how long a sample shall be: --seconds 1")
        frames = frames_of(choose_seconds(lengths) if seconds is None else seconds, rate)
        usable = [number for number in range(len(names)) if number not in faults]
        if len(usable) * frames * 2 > LARGEST_BYTES:
            raise DataError(f"{where}: {len(usable)} sounds of {frames} frames are more than {LARGEST_BYTES} bytes")
        made = list(pool.map(lambda number: _fitted(contents[number], rate, frames), usable))
    faults |= {number: found for number, found in zip(usable, made, strict=True) if isinstance(found, str)}
    tolerate(where, names, faults, "sounds")
    kept = [number for number in usable if number not in faults]
    fitted = [found for found in made if isinstance(found, _Fitted)]
    notes = [f"skipped {shown(names[number])}: {fault}" for number, fault in sorted(faults.items())]
    stored = [found for found in (headers[number] for number in kept) if isinstance(found, Header)]
    notes += [*_told(stored, rate), *_lengths(fitted, rate, frames)]
    questions = _levels(fitted, [names[number] for number in kept], notes)
    samples = np.stack([each.frames for each in fitted])
    return Sounds(samples, np.array(kept, np.int64), tuple(notes), tuple(questions))


def _fitted(content: Content, rate: int, frames: int) -> _Fitted | str:
    found = sound.decode(content, rate)
    if isinstance(found, str):
        return found
    values = sound.levels(found.frames)
    length = len(values)
    if length > frames:
        energy = np.concatenate([[0.0], np.cumsum(np.square(values, dtype=np.float64))])
        start = int(np.argmax(energy[frames:] - energy[:-frames]))
        values = values[start : start + frames]
    magnitude = np.abs(values.astype(np.int32))
    clipped = float((magnitude >= FULL).mean()) > _CLIPPED_SHARE
    silent = int(magnitude.max()) == 0
    return _Fitted(np.pad(values, (0, frames - len(values))), length, silent, clipped, found.opposed)


def _told(headers: Sequence[Header], rate: int) -> list[str]:
    notes = []
    others = sorted({header.rate for header in headers} - {rate})
    if others:
        count = sum(header.rate != rate for header in headers)
        rates = ", ".join(f"{each:,}" for each in others[:4]) + (", ..." if len(others) > 4 else "")
        notes.append(f"{counted(count, 'sound')} of {rates} Hz became {rate:,} Hz")
        if low := sum(header.rate < rate for header in headers):
            notes.append(
                f"{counted(low, 'sound')} had a lower rate than {rate:,} Hz, and no tones above half of theirs"
            )
    if several := sum(header.channels > 1 for header in headers):
        notes.append(f"the channels of {counted(several, 'sound')} were averaged to one")
    return notes


def _lengths(fitted: Sequence[_Fitted], rate: int, frames: int) -> list[str]:
    lengths = np.array([each.length for each in fitted])
    cut, padded = int((lengths > frames).sum()), int((lengths < frames).sum())
    shortest, longest = (f"{each / rate:.2f}" for each in (lengths.min(), lengths.max()))
    said = [
        f"sounds of {shortest if shortest == longest else f'{shortest} to {longest}'} s became samples of "
        f"{frames / rate:g} s"
    ]
    said += [f"{cut:,} cut to their loudest part"] if cut else []
    said += [f"{padded:,} with silence added at the end"] if padded else []
    return [", ".join(said)] if cut or padded else []


def _levels(fitted: Sequence[_Fitted], names: Sequence[str], notes: list[str]) -> list[Question]:
    questions = []
    if clipped := sum(each.clipped for each in fitted):
        notes.append(
            f"clipped, with over {_CLIPPED_SHARE:.1%} of the frames at full scale: {counted(clipped, 'sound')}"
        )
    if opposed := sum(each.opposed for each in fitted):
        notes.append(f"the channels of {counted(opposed, 'sound')} cancel each other; the first one was taken")
    if silent := [name for each, name in zip(fitted, names, strict=True) if each.silent]:
        notes.append(f"silent throughout: {counted(len(silent), 'sound')}")
        if len(silent) > _MOST_SILENT * len(fitted):
            questions.append(
                Question(
                    f"Silent throughout: {listed(silent, 4)}.",
                    "Remove them, unless silence is what their class means.",
                )
            )
    return questions
