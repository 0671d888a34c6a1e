"""Sounds: int16 [frames] or [frames, channels], at the rate of the generator."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from typing import Any

import numpy as np

from augmint import extras
from augmint.errors import InvalidRequest, MissingExtra
from augmint.kinds.face import Picture

_FULL = np.float32(32768)
_WITHOUT = (
    "without it, `augmint export --format parquet` writes the sounds, whose files datasets hands over as they are: "
    "cast_column('audio', datasets.Audio(decode=False))"
)
# Of a picture of a sound: strokes, pixels from one to the next, pixels from silence to the top.
_STROKES, _STEP, _MIDDLE = 96, 2, 28


def rate_of(description: Any) -> int:
    """Frames a second."""
    return int(description.message.sample.audio.sample_rate_hz)


def sounds(samples: Any) -> tuple[np.ndarray, int]:
    """float32 [n, frames] or [n, frames, channels] in [-1, 1), and the frames a second."""
    return samples.array.astype(np.float32) / _FULL, rate_of(samples.description)


def floats(array: np.ndarray) -> np.ndarray:
    """int16 [n, frames(, channels)] -> float32 [n, channels, frames] in [-1, 1), as torchaudio loads sounds."""
    values = array.astype(np.float32) / _FULL
    return values[:, None] if values.ndim == 2 else np.ascontiguousarray(values.transpose(0, 2, 1))


def back(array: np.ndarray, description: Any) -> np.ndarray:
    """int16 [n, frames(, channels)] of what `floats` gives, or of floats of that shape."""
    shape = tuple(description.shape)
    if array.shape[1:] != shape:
        array = array.transpose(0, 2, 1) if len(shape) > 1 else array[:, 0]
    return encode((array, rate_of(description)), description)


def wavs(samples: Any) -> Iterator[bytes]:
    """The content of a WAV file of each sample, 16 bits a frame."""
    rate = rate_of(samples.description)
    for sound in samples.array:
        content = io.BytesIO()
        with wave.open(content, "wb") as file:
            file.setparams((sound.shape[1] if sound.ndim > 1 else 1, 2, rate, len(sound), "NONE", "not compressed"))
            file.writeframes(np.ascontiguousarray(sound, "<i2").tobytes())
        yield content.getvalue()


def encoded(samples: Any) -> Iterator[dict[str, Any]]:
    """As Hugging Face's Audio stores sounds: whole files."""
    for content in wavs(samples):
        yield {"bytes": content, "path": None}


def feature(datasets: Any, description: Any) -> Any:
    """Hugging Face's Audio; datasets writes and reads it by torchcodec.

    raises: MissingExtra without it, which says how the same sounds are had nevertheless.
    """
    try:
        extras.load("torchcodec", "audio")
    except MissingExtra as error:
        raise MissingExtra(f"{error}; {_WITHOUT}") from error
    return datasets.Audio(sampling_rate=rate_of(description))


def media(description: Any) -> dict[str, Any]:
    return {"sampling_rate": rate_of(description), "_type": "Audio"}


def details(description: Any) -> list[tuple[str, str]]:
    rate, shape = rate_of(description), description.shape
    channels = f", {shape[1]} channels" if len(shape) > 1 else ""
    return [("sound", f"{shape[0] / rate:g} s at {rate:,} Hz{channels}")]


def pictures(samples: Any) -> Iterator[Picture]:
    """The course of each sound, of all channels together, as high as its loudest frame."""
    for sound in samples.array:
        frames = sound.astype(np.float32) if sound.ndim == 1 else sound.mean(axis=1, dtype=np.float32)
        peak = max(float(np.abs(frames).max()), 1.0)
        parts = [part for part in np.array_split(frames / peak, _STROKES) if len(part)]
        strokes = "".join(
            f"M{number * _STEP + 1} {_MIDDLE * (1 - top):.1f}V{_MIDDLE * (1 - bottom) + 1:.1f}"
            for number, (top, bottom) in enumerate((part.max(), part.min()) for part in parts)
        )
        width, height = _STROKES * _STEP, 2 * _MIDDLE
        content = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + 1}"><style>path{{stroke:#0b6e75}}'
            f"@media(prefers-color-scheme:dark){{path{{stroke:#5fc9cf}}}}</style>"
            f'<path d="{strokes}" stroke-width="1.5" stroke-linecap="round"/></svg>'
        )
        yield Picture(content.encode(), "image/svg+xml", width, height)


def encode(given: Any, description: Any) -> np.ndarray:
    """int16 [n, frames(, channels)] of sounds and their rate, or of a list of what `opened` gives; InvalidRequest.

    given: (floats [n, frames(, channels)] in [-1, 1], or int16, and frames a second).
    """
    if isinstance(given, list):
        parts = [encode((np.asarray(array)[None], rate), description) for array, rate in given]
        if not parts:
            raise InvalidRequest("there are no sounds; give at least one")
        return np.concatenate(parts)
    if not isinstance(given, tuple) or len(given) != 2:
        raise InvalidRequest(f"samples are a {type(given).__name__}; give sounds as a pair (array, frames a second)")
    array, rate = np.asarray(given[0]), given[1]
    if rate != rate_of(description):
        raise InvalidRequest(
            f"the sounds have {rate} frames a second; generator {description.name!r} takes {rate_of(description)}: "
            "resample them"
        )
    if array.shape[1:] != tuple(description.shape):
        raise InvalidRequest(
            f"sounds are {list(array.shape)}; generator {description.name!r} takes "
            f"[n, {', '.join(map(str, description.shape))}]: cut them, or fill them up with silence"
        )
    if array.dtype == np.int16:
        return array
    if array.dtype.kind != "f" or not np.all(np.abs(array) <= 1):
        raise InvalidRequest(f"sounds are {array.dtype} with values outside [-1, 1]; wanted floats in it, or int16")
    return np.clip(np.rint(array.astype(np.float64) * 32768), -32768, 32767).astype(np.int16)


def opened(content: bytes) -> tuple[np.ndarray, int]:
    """int16 [frames] or [frames, channels] of a WAV file, and frames a second; InvalidRequest if it is none."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            parameters = file.getparams()
            frames = file.readframes(parameters.nframes)
    except (wave.Error, EOFError) as error:
        raise InvalidRequest(f"it is no WAV file that can be read: {error}") from error
    if parameters.sampwidth != 2:
        raise InvalidRequest(f"it has {8 * parameters.sampwidth} bits a frame; wanted 16")
    sound = np.frombuffer(frames[: len(frames) // (2 * parameters.nchannels) * 2 * parameters.nchannels], "<i2")
    return (sound if parameters.nchannels == 1 else sound.reshape(-1, parameters.nchannels)), parameters.framerate
