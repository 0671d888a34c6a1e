"""A small synthesiser, so that a page plays what it shows: tones that are struck and die away, of a few harmonics."""

from __future__ import annotations

import io
import wave

import numpy as np

from augmint.kinds.roll import notes

RATE = 8000  # frames a second: a page holds them all
_HARMONICS = (1.0, 0.5, 0.25, 0.12)
_DECAY = 2.5  # of a second, e-fold
_EDGE = 0.008  # seconds in which a tone comes and goes, or it would click
_LOUDEST = 0.8


def rendered(roll: np.ndarray, held: int, lowest: int, seconds: float) -> np.ndarray:
    """int16 [frames] of one sample, uint8 [steps, pitches(, tracks)]; seconds: of a step. See augmint.kinds.roll."""
    total = round((len(roll) * seconds + _EDGE) * RATE)
    sound = np.zeros(total)
    for track in np.moveaxis(roll[..., None] if roll.ndim == 2 else roll, 2, 0):
        for start, length, pitch, velocity in notes(track, held):
            first, last = round(start * seconds * RATE), round((start + length) * seconds * RATE)
            tone = _tone(440.0 * 2 ** ((lowest + pitch - 69) / 12), last - first) * velocity
            sound[first : first + len(tone)] += tone[: total - first]
    peak = np.abs(sound).max(initial=0.0)
    return np.round(sound * (32767 * _LOUDEST / peak if peak else 0.0)).astype(np.int16)


def _tone(hertz: float, frames: int) -> np.ndarray:
    time = np.arange(frames) / RATE
    parts = [
        loud * np.sin(2 * np.pi * hertz * number * time)
        for number, loud in enumerate(_HARMONICS, 1)
        if hertz * number < RATE / 2
    ]
    edge = np.clip(np.minimum(time, (frames / RATE) - time) / _EDGE, 0, 1)
    return np.sum(parts, 0) * np.exp(-time * _DECAY) * edge if parts else np.zeros(frames)


def wav(sound: np.ndarray) -> bytes:
    """The content of a WAV file of int16 [frames]."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, RATE, len(sound), "NONE", "not compressed"))
        file.writeframes(sound.astype("<i2").tobytes())
    return content.getvalue()
