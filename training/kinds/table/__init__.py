"""Tables: float32 [columns], rows of one schema."""

from training.kinds.table.reader import described, load, shaped
from training.kinds.table.sources import reads

NAME = "table"  # in a SampleSpec

__all__ = ["NAME", "described", "load", "reads", "shaped"]
