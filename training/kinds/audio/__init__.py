"""Sounds: int16 [n, frames], one channel of 8,000 or 16,000 frames a second."""

from training.kinds.audio.audio import Audio
from training.kinds.audio.sources import load, reads, shaped

NAME = "audio"  # in a SampleSpec

__all__ = ["NAME", "Audio", "load", "reads", "shaped"]
