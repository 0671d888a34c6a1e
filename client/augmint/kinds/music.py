"""Music: uint8 [steps, pitches] or [steps, pitches, tracks], velocities of 0 to 127, so many steps a quarter note."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from augmint import extras
from augmint.kinds import synthesis
from augmint.kinds.face import Picture
from augmint.kinds.roll import notes

_TICKS = 480  # of a quarter note, at least
_DRUMS = 9  # the channel that players keep for drums
_CHANNELS = 16
_MICROSECONDS = 60_000_000  # of a minute
_TEMPO = 120.0  # as players take it where nobody says
_WIDE, _HIGH = 240, 96  # pixels of a sample on a page


def spec_of(description: Any) -> Any:
    """The contract's MusicSpec."""
    return description.message.sample.music


def floats(array: np.ndarray) -> np.ndarray:
    """uint8 [n, steps, pitches(, tracks)] -> float32 [n, tracks, steps, pitches], velocities in [0, 1]."""
    values = array.astype(np.float32) / np.float32(127)
    return values[:, None] if values.ndim == 3 else np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def midis(samples: Any) -> list[Any]:
    """A mido.MidiFile of type 1 for each sample; raises MissingExtra without mido."""
    mido = extras.load("mido", "music")
    return [
        _midi(mido, roll, samples.description, label)
        for roll, label in zip(samples.array, samples.class_indices.tolist(), strict=True)
    ]


def files(samples: Any) -> Iterator[bytes]:
    """The content of a MIDI file of each sample."""
    for one in midis(samples):
        content = io.BytesIO()
        one.save(file=content)
        yield content.getvalue()


def _midi(mido: Any, roll: np.ndarray, description: Any, label: int) -> Any:
    """roll: uint8 [steps, pitches(, tracks)] of a class."""
    spec = spec_of(description)
    tracks = roll[..., None] if roll.ndim == 2 else roll
    step = -(-_TICKS // spec.steps_per_quarter)
    file = mido.MidiFile(type=1, ticks_per_beat=step * spec.steps_per_quarter)
    head = mido.MidiTrack()
    name = f"{description.name} {description.labels[label]}"
    head.append(mido.MetaMessage("track_name", name=name.encode("latin-1", "replace").decode("latin-1")))
    tempo = _of(spec.tempos, label)
    if tempo:
        head.append(mido.MetaMessage("set_tempo", tempo=min(2**24 - 1, round(_MICROSECONDS / tempo))))
    metre = _of(spec.metres, label)
    if metre:
        head.append(mido.MetaMessage("time_signature", numerator=metre.beats, denominator=metre.unit))
    end = len(tracks) * step
    head.append(mido.MetaMessage("end_of_track", time=end))
    file.tracks.append(head)
    programs = list(spec.programs) or [0] * tracks.shape[2]
    for number, program in enumerate(programs):
        # Beyond 15 tracks some share a channel, and so an instrument.
        channel = number % (_CHANNELS - 1)
        channel += channel >= _DRUMS
        track = mido.MidiTrack([mido.Message("program_change", channel=channel, program=program)])
        now = 0
        for at, kind, pitch, velocity in _events(tracks[:, :, number], spec.held_velocity):
            note = pitch + spec.lowest_pitch
            track.append(mido.Message(kind, channel=channel, note=note, velocity=velocity, time=at * step - now))
            now = at * step
        track.append(mido.MetaMessage("end_of_track", time=end - now))
        file.tracks.append(track)
    return file


def _events(roll: np.ndarray, held: int) -> list[tuple[int, str, int, int]]:
    """Step, kind, pitch from the lowest, velocity: of one track [steps, pitches], in time, ends before beginnings."""
    found = []
    for start, length, pitch, velocity in notes(roll, held):
        found += [(start, "note_on", pitch, velocity), (start + length, "note_off", pitch, 0)]
    return sorted(found, key=lambda event: (event[0], event[1] == "note_on", event[2]))


def _of(values: Any, label: int) -> Any:
    """What stands for a label, where there is one for each, or one for all; None where there is none."""
    return (values[label] if len(values) > 1 else values[0]) if len(values) else None


def wavs(samples: Any) -> Iterator[bytes]:
    """The content of a WAV file of each sample, by a small synthesiser, at the tempo of its label."""
    spec = spec_of(samples.description)
    for roll, label in zip(samples.array, samples.class_indices.tolist(), strict=True):
        seconds = 60 / (_of(spec.tempos, label) or _TEMPO) / spec.steps_per_quarter
        yield synthesis.wav(synthesis.rendered(roll, spec.held_velocity, spec.lowest_pitch, seconds))


def pictures(samples: Any) -> Iterator[Picture]:
    """The roll of each sample: time to the right, high notes above, all tracks on top of each other."""
    held = spec_of(samples.description).held_velocity
    steps, pitches = samples.description.shape[:2]
    for roll in samples.array:
        tracks = np.moveaxis(roll[..., None] if roll.ndim == 2 else roll, 2, 0)
        drawn = "".join(
            f'<rect x="{start}" y="{pitches - 1 - pitch}" width="{length - 0.15}" height="1"/>'
            for track in tracks
            for start, length, pitch, _ in notes(track, held)
        )
        content = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {steps} {pitches}" preserveAspectRatio="none">'
            "<style>rect{fill:#0b6e75}@media(prefers-color-scheme:dark){rect{fill:#5fc9cf}}</style>"
            f"{drawn}</svg>"
        )
        yield Picture(content.encode(), "image/svg+xml", _WIDE, _HIGH)


def details(description: Any) -> list[tuple[str, str]]:
    spec, shape = spec_of(description), description.shape
    quarters = shape[0] / spec.steps_per_quarter
    tracks = f", {shape[2]} tracks" if len(shape) > 2 else ""
    found = [
        (
            "music",
            f"{quarters:g} quarter notes in steps of 1/{spec.steps_per_quarter}, pitches {spec.lowest_pitch} to "
            f"{spec.lowest_pitch + shape[1] - 1}{tracks}",
        )
    ]
    told = []
    if spec.tempos:
        told.append(f"{_span([f'{tempo:g}' for tempo in spec.tempos])} quarter notes a minute")
    if spec.metres:
        told.append(", ".join(dict.fromkeys(f"{metre.beats}/{metre.unit}" for metre in spec.metres)))
    return [*found, *([("tempo and metre", "; ".join(told))] if told else [])]


def _span(values: list[str]) -> str:
    several = sorted(set(values), key=float)
    return several[0] if len(several) == 1 else f"{several[0]} to {several[-1]}"
