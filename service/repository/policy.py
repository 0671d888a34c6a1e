"""Which versions are kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keep:
    """How many versions are held in memory."""

    versions: int = 4  # the highest good ones of each generator, beside those that channels lead to
    retiring: int = 2  # of each generator: those that are not wanted any more and still have readers
    retire_seconds: float = 600.0  # a retiring version goes when no reader has named it for so long
