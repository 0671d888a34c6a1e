"""Texts: int32 [length], ids of characters or of pairs of them that are frequent together."""

from training.kinds.text.reader import load, shaped
from training.kinds.text.sources import reads
from training.kinds.text.text import Text

NAME = "text"  # in a SampleSpec
RECOMMENDED = (*Text.recommended, "textwgan")  # the last one is for who asks for it: of GANs, textgan is better

__all__ = ["NAME", "RECOMMENDED", "Text", "load", "reads", "shaped"]
