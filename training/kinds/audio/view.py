"""Sounds to look at and to listen to."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence

import numpy as np
from PIL import Image

from augmint.sheet import contact_sheet
from training.data.kind import Picture
from training.kinds.audio import mel
from training.kinds.audio.form import Statistics

_COLUMNS = 5
_DEPTH = np.log(10.0) * 7  # of what is drawn, 70 dB over the floor
_HEIGHT = 2  # pixels a band


def spectrograms(raw: np.ndarray, rate: int, statistics: Statistics) -> np.ndarray:
    """int16 [n, frames] -> uint8 [n, height, columns, 1]: low tones below, loud ones dark."""
    values = mel.bands(raw, rate, statistics)[:, ::-1] * (255 / _DEPTH)
    drawn = 255 - values.clip(0, 255).astype(np.uint8)
    return drawn.repeat(_HEIGHT, axis=1)[..., None]


def mosaic(raw: np.ndarray, rate: int, statistics: Statistics) -> Picture:
    """Spectrograms in rows of five, one pixel between."""
    drawn = spectrograms(raw, rate, statistics)
    height, width = drawn.shape[1:3]
    columns = min(_COLUMNS, len(raw))
    rows = -(-len(raw) // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), 128, np.uint8)
    for number, each in enumerate(drawn[..., 0]):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        sheet[top : top + height, left : left + width] = each
    return _png(Image.fromarray(sheet))


def sheet(
    groups: Sequence[np.ndarray], names: Sequence[str], columns: int, caption: str, rate: int, statistics: Statistics
) -> Picture:
    """Groups of sounds, each under its name, as spectrograms."""
    drawn = [spectrograms(group, rate, statistics) for group in groups]
    return _png(contact_sheet(drawn, names, columns=columns, caption=caption))


def wav(sound: np.ndarray, rate: int) -> bytes:
    """The content of a WAV file: one channel of int16 [frames]."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, rate, len(sound), "NONE", "not compressed"))
        file.writeframes(sound.astype("<i2").tobytes())
    return content.getvalue()


def player(sound: np.ndarray, rate: int) -> Picture:
    return Picture(wav(sound, rate), ".wav", "audio/wav")


def _png(image: Image.Image) -> Picture:
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return Picture(stream.getvalue(), ".png", "image/png")
