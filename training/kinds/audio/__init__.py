"""Sounds: int16 [n, frames], one channel of 8,000 or 16,000 frames a second."""

from training.kinds.audio.audio import Audio
from training.kinds.audio.sources import load, reads, shaped
from training.kinds.audio.waves import Waves

NAME = "audio"  # in a SampleSpec
RECOMMENDED = (*Audio.recommended, *Waves.recommended)

__all__ = ["NAME", "RECOMMENDED", "Audio", "Waves", "load", "reads", "shaped"]
