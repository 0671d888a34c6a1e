"""One sound: what its header says, and its frames as one channel at the rate wanted."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from training.data.encoded import Content, Encoded
from training.data.folders.tree import Sought

# Endings of what libsndfile reads by itself; the content decides how.
SUFFIXES = frozenset(
    {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".caf", ".w64"}
)
UNREAD = frozenset(
    {".m4a", ".aac", ".m4b", ".wma", ".amr", ".ape", ".wv", ".mka", ".ac3", ".dts", ".tta", ".mpc", ".spx", ".ra"}
)
CONVERT = "ffmpeg -i IN OUT.wav converts one"
_AROUND = frozenset({"audio", "audios", "sounds", "sound", "wav", "wavs", "clips", "recordings"})
_WORDS = ("audio", "sound", "wav", "clip", "recording", "slice")
SOUNDS = Sought("sound", SUFFIXES, UNREAD, f"Convert them to WAV or FLAC: {CONVERT}.", _AROUND, _WORDS)
ENCODED = Encoded("Audio", ("audio", "sound", "speech", "wav", "recording"), SOUNDS)

FULL = 32767  # the greatest level
LONGEST_SECONDS = 600  # a header may claim any length
SHORTEST_SECONDS = 0.01
_HEAD = 4096  # bytes in which a WAV file says how it is coded
# Codings of WAV files that libsndfile knows: PCM, ADPCM, floats, A-law, mu-law, GSM, G.721, MP3, extensible ones.
_CODINGS = frozenset({0x01, 0x02, 0x03, 0x06, 0x07, 0x11, 0x31, 0x40, 0x55, 0x64, 0x65, 0xFFFE})
_RATES = (1_000, 768_000)
_LOUDEST_FLOAT = 16.0  # float files go from -1 to 1, a mix beyond it now and then; whole numbers as floats much further


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself; frames: in each channel, 0 where it does not say."""

    rate: int
    channels: int
    frames: int
    coding: str

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """frames: float64 [n], one channel at the rate wanted, full scale 1, perhaps a little beyond.

    opposed: its channels cancel each other, and the first was taken.
    """

    frames: np.ndarray
    opposed: bool


def header(content: Content) -> Header | str:
    """What a sound says of itself, or why it cannot be used."""
    if isinstance(content, Path) and not content.exists():
        return "neither bytes nor a file that is there"
    if not (len(content) if isinstance(content, bytes) else content.stat().st_size):
        return "an empty file"
    try:
        found = soundfile.info(_opened(content))
    except (soundfile.LibsndfileError, RuntimeError, ValueError, OSError) as error:
        return _unreadable(content, error)
    if not _RATES[0] <= found.samplerate <= _RATES[1]:
        return f"{found.samplerate} frames a second; from {_RATES[0]:,} to {_RATES[1]:,} are read"
    if found.channels < 1:
        return "it has no channel"
    frames = found.frames if 0 <= found.frames < 2**48 else 0
    made = Header(found.samplerate, found.channels, frames, found.subtype)
    if frames and made.seconds > LONGEST_SECONDS:
        return f"{made.seconds / 60:.0f} minutes long; at most {LONGEST_SECONDS // 60}: cut it into samples"
    return made


def decode(content: Content, rate: int) -> Sound | str:
    """All frames of a sound as one channel at `rate`, or why it cannot be used."""
    try:
        with soundfile.SoundFile(_opened(content)) as file:
            kind = file.format
            stored = file.samplerate
            values = file.read(frames=LONGEST_SECONDS * stored, dtype="float64", always_2d=True)
            declared = file.frames if 0 <= file.frames < 2**48 else len(values)
    except (soundfile.LibsndfileError, RuntimeError, ValueError, OSError, MemoryError) as error:
        return _unreadable(content, error)
    if len(values) < min(declared, LONGEST_SECONDS * stored) and kind != "MP3":
        return f"damaged: its header says {declared:,} frames, and {len(values):,} can be read"
    if len(values) < SHORTEST_SECONDS * stored:
        length = f"{len(values) / stored * 1000:.2g} ms" if len(values) else "no frame"
        return f"holds {length} of sound; at least {SHORTEST_SECONDS * 1000:.0f} ms are needed"
    if not np.isfinite(values).all():
        return "holds values that are no numbers"
    if (loudest := float(np.abs(values).max())) > _LOUDEST_FLOAT:
        return f"has levels up to {loudest:,.0f}, where floats go from -1 to 1: divide them by their full scale"
    frames = values.mean(1)
    opposed = values.shape[1] > 1 and loudest * FULL >= 1 and float(np.abs(frames).max()) < loudest / 1000
    if opposed:
        frames = values[:, 0]
    if stored != rate:
        from scipy.signal import resample_poly  # a second to import, and sounds of the rate asked for need none

        shared = math.gcd(stored, rate)
        frames = resample_poly(frames, rate // shared, stored // shared)
    return Sound(frames, opposed)


def levels(frames: np.ndarray) -> np.ndarray:
    """float64 [n], full scale 1, to int16 [n]."""
    return np.rint(frames * FULL).clip(-FULL - 1, FULL).astype(np.int16)


def _opened(content: Content) -> str | io.BytesIO:
    return io.BytesIO(content) if isinstance(content, bytes) else str(content)


def _unreadable(content: Content, error: Exception) -> str:
    reason = " ".join(str(getattr(error, "error_string", error)).split()).rstrip(".")[:120]
    if isinstance(content, bytes):
        start = content[:_HEAD]
    else:
        with content.open("rb") as file:
            start = file.read(_HEAD)
    if coding := _foreign(start):
        return f"coded as {coding}, for which there is no decoder here: {CONVERT}"
    return f"damaged, or no sound of a kind that is read ({reason})"


def _foreign(start: bytes) -> str:
    """The coding of a file that libsndfile has no decoder for; "" if that is not why it cannot be read."""
    if start[4:8] == b"ftyp":
        return "AAC (an MP4 file)"
    if start[:4] == bytes.fromhex("3026b275"):
        return "WMA (an ASF file)"
    place = start.find(b"fmt ", 12)
    if start[8:12] == b"WAVE" and place > 0 and len(start) >= place + 10:
        coding = int.from_bytes(start[place + 8 : place + 10], "big" if start[:4] == b"RIFX" else "little")
        return "" if coding in _CODINGS else f"0x{coding:04X}"
    return ""
