"""What a source of data was taken for, for a person to check before training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Claim(IntEnum):
    """How surely a source is of a kind; the kind with the surest claim reads it."""

    NONE = 0
    IN_WORDS = 1  # it is told in words what would be right
    ASKED = 2  # if it is asked for, by an option that those who are surer do not take
    LIKELY = 3  # by the names of its files
    SURE = 4  # by what is in them


@dataclass(frozen=True, slots=True)
class Part:
    """One value of a sample that has a name: what it was taken for, and why."""

    name: str
    type: str
    reason: str


@dataclass(frozen=True)
class Reading:
    """What a source was taken for, for a person to check before training.

    layout:  what the files are and where the labels come from, e.g. "one folder per class".
    splits:  the splits found and what each is used as; "" if the source has none and training splits by itself.
    levels:  least and greatest value before scaling to 0..255; None where it was not looked at.
    skipped: what was left out, in words, and how many of it.
    parts:   what the values of a sample were taken for, in kinds whose values have names; also those left out.
    """

    layout: str
    splits: str = ""
    levels: tuple[float, float] | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()

    def sentences(self) -> list[str]:
        """What was read, and what was left out: one or two sentences."""
        said = [f"read as {self.layout}", self.splits or "no split of its own"]
        if self.levels is not None:
            said.append(f"levels {self.levels[0]:g} to {self.levels[1]:g}")
        skipped = [f"{count} {what}" for what, count in self.skipped.items() if count]
        return ["; ".join(said), *([f"left out: {', '.join(skipped)}"] if skipped else [])]
