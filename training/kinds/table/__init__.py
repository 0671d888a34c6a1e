"""Tables: float32 [columns], rows of one schema."""

from training.kinds.table.reader import described, load, shaped
from training.kinds.table.sources import reads
from training.kinds.table.table import Table

NAME = "table"  # in a SampleSpec
RECOMMENDED = Table.recommended

__all__ = ["NAME", "RECOMMENDED", "described", "load", "reads", "shaped"]
