"""Sounds to look at and to listen to."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Sequence

import numpy as np
from PIL import Image

from augmint.sheet import contact_sheet
from training.data.kind import Picture
from training.kinds.audio import mel
from training.kinds.audio.form import Statistics

_HEARD = 5  # of the sounds shown beside each other: a page holds them all
_WIDTH = 130  # pixels of a sound on a page
_IMAGE = '<img style="width:100%;height:80px"'
_DEPTH = np.log(10.0) * 7  # of what is drawn, 70 dB over the floor
_HEIGHT = 2  # pixels a band


def spectrograms(raw: np.ndarray, rate: int, statistics: Statistics) -> np.ndarray:
    """int16 [n, frames] -> uint8 [n, height, columns, 1]: low tones below, loud ones dark."""
    values = mel.bands(raw, rate, statistics)[:, ::-1] * (255 / _DEPTH)
    drawn = 255 - values.clip(0, 255).astype(np.uint8)
    return drawn.repeat(_HEIGHT, axis=1)[..., None]


def players(raw: np.ndarray, rate: int, statistics: Statistics) -> Picture:
    """A part of a page: each sound's spectrogram, and under the first ones what plays it."""
    parts = []
    for number, (sound, drawn) in enumerate(zip(raw, spectrograms(raw, rate, statistics), strict=True)):
        picture = f'<img src="{_uri(_png(Image.fromarray(drawn[..., 0])))}" alt="spectrogram">'
        played = _uri(Picture(wav(sound, rate), ".wav", "audio/wav"))
        player = f'<audio controls preload="metadata" style="width:100%" src="{played}"></audio>'
        heard = player if number < _HEARD else ""
        parts.append(f'<div style="flex:0 0 {_WIDTH}px">{picture.replace("<img", _IMAGE)}{heard}</div>')
    content = f'<div style="display:flex;flex-wrap:wrap;gap:6px">{"".join(parts)}</div>'
    return Picture(content.encode(), ".html", "text/html")


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


def _png(image: Image.Image) -> Picture:
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return Picture(stream.getvalue(), ".png", "image/png")


def _uri(picture: Picture) -> str:
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.content).decode()}"
