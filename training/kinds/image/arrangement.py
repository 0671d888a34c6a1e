"""What the folders of a source were found to mean."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from training.data import parts as split_names
from training.data.question import Question
from training.kinds.image.tree import Parts


@dataclass(slots=True)
class Layout:
    """What was made of a folder.

    classes: in order of class index, also those without a picture. words, splits: for training.data.Reading.
    used:    tables that the labels are from.
    """

    found: list[Found]
    classes: tuple[str, ...]
    words: str
    splits: str = ""
    notes: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    used: frozenset[Path] = frozenset()

    def tests(self) -> list[bool] | None:
        """Whether each picture is of the test split; None if there is none."""
        kinds = {each.part for each in self.found}
        tests = [split_names.is_test(each.part, kinds) for each in self.found]
        return tests if any(tests) else None


@dataclass(frozen=True, slots=True)
class Found:
    """One picture, its class and the split that it lies in; part None: the source has no splits."""

    parts: Parts
    label: str
    part: str | None = None
