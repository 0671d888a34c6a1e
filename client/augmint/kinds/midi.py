"""Files of MIDI as rolls of a generator: the way back from how it hands music over."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from augmint import extras
from augmint.errors import InvalidRequest

DRUMS = 9  # the channel that players keep for drums, which have no pitch
LOUDEST = 127


def opened(content: bytes) -> Any:
    """A mido.MidiFile; InvalidRequest if it is none, MissingExtra without mido."""
    mido = extras.load("mido", "music")
    try:
        return mido.MidiFile(file=io.BytesIO(content), clip=True)
    except Exception as error:  # mido lets through whatever came up, from struct.error to its own
        raise InvalidRequest(f"it is no MIDI file that can be read: {error or type(error).__name__}") from error


def back(array: np.ndarray, description: Any) -> np.ndarray:
    """uint8 [n, steps, pitches(, tracks)] of what `augmint.kinds.music.floats` gives, or of floats of that shape."""
    if array.shape[1:] != tuple(description.shape):
        array = array.transpose(0, 2, 3, 1) if len(description.shape) > 2 else array[:, 0]
    return np.rint(array * LOUDEST).clip(0, LOUDEST).astype(np.uint8)


def encode(given: Any, description: Any) -> np.ndarray:
    """uint8 [n, steps, pitches(, tracks)] of mido.MidiFile, each not longer than a sample; InvalidRequest.

    Notes go to the nearest step. Parts (a channel of a track) become tracks in order, further ones join the last; drums
    are left out.
    """
    if not isinstance(given, list | tuple) or not given:
        raise InvalidRequest(f"samples are a {type(given).__name__}; give a list of mido.MidiFile, at least one")
    return np.stack([_roll(number, file, description) for number, file in enumerate(given)])


def _roll(number: int, file: Any, description: Any) -> np.ndarray:
    if not hasattr(file, "tracks") or not hasattr(file, "ticks_per_beat"):
        raise InvalidRequest(f"sample {number} is a {type(file).__name__}; give a mido.MidiFile")
    spec, shape = description.message.sample.music, tuple(description.shape)
    roll = np.zeros((*shape[:2], shape[2] if len(shape) > 2 else 1), np.uint8)
    per_step = file.ticks_per_beat / spec.steps_per_quarter
    parts = sorted({(track, channel) for track, channel, *_ in _notes(file)})
    for track, channel, start, end, pitch, velocity in sorted(_notes(file), key=lambda note: note[2]):
        first, last = int(start / per_step + 0.5), int(end / per_step + 0.5)
        if last > shape[0] or not 0 <= pitch - spec.lowest_pitch < shape[1]:
            top = spec.lowest_pitch + shape[1] - 1
            raise InvalidRequest(
                f"sample {number} has pitch {pitch} up to step {last}; generator {description.name!r} takes "
                f"{shape[0]} steps of 1/{spec.steps_per_quarter} quarter note, pitches {spec.lowest_pitch} to {top}"
            )
        place = pitch - spec.lowest_pitch, min(parts.index((track, channel)), roll.shape[2] - 1)
        first = min(first, shape[0] - 1)
        roll[first : max(last, first + 1), *place] = spec.held_velocity or velocity
        roll[first, *place] = velocity - 1 if velocity == spec.held_velocity > 1 else velocity
    return roll if len(shape) > 2 else roll[..., 0]


def _notes(file: Any) -> list[tuple[int, int, int, int, int, int]]:
    """Track, channel, first and last tick, pitch, velocity of each note; what is struck again ends there."""
    found = []
    for number, track in enumerate(file.tracks):
        now = 0
        sounding: dict[tuple[int, int], tuple[int, int]] = {}
        for message in track:
            now += message.time
            if message.type not in ("note_on", "note_off") or message.channel == DRUMS:
                continue
            key = message.channel, message.note
            if key in sounding:
                start, velocity = sounding.pop(key)
                found.append((number, key[0], start, now, key[1], velocity))
            if message.type == "note_on" and message.velocity:
                sounding[key] = now, message.velocity
        found += [(number, key[0], start, now, key[1], velocity) for key, (start, velocity) in sounding.items()]
    return found
