"""What looks wrong in a source but may be meant: said as a warning, with what to do if it is not meant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One doubt about how a source was read.

    text:   what was found and what it was taken for, one sentence.
    advice: what to do if that is wrong, one sentence.
    """

    text: str
    advice: str
