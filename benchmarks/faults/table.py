"""What was tried and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    fault: str
    tried: int
    failed: int
    notes: str


def first(failures: Sequence[str]) -> str:
    """One of them for the notes."""
    return failures[0] if failures else ""
