"""Music: uint8 [n, steps, pitches] or [n, steps, pitches, tracks], from files of MIDI."""

from training.kinds.music.music import Melody, Music
from training.kinds.music.sources import load, reads, shaped

NAME = "music"  # in a SampleSpec
RECOMMENDED = Melody.recommended

__all__ = ["NAME", "RECOMMENDED", "Melody", "Music", "load", "reads", "shaped"]
