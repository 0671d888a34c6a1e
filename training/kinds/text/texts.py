"""What a source of texts holds, before it is known how long a text is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from training.kinds.text.units import cleaned


@dataclass(slots=True)
class Texts:
    """Each text has a label, a split and a place, which messages name. order: of classes, where the source has one."""

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    words: str = ""
    splits: str = ""

    def add(self, text: str, label: str, part: str, place: str, empty: str) -> None:
        """Keep a text, unless there is nothing in it, which is called `empty`."""
        if text := cleaned(text):
            self.texts.append(text)
            self.labels.append(label)
            self.parts.append(part)
            self.places.append(place)
        else:
            self.skipped[empty] += 1
