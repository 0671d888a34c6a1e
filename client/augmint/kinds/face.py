"""How samples of a kind look on a page: pictures, sounds, how values are spread. No HTML: who makes pages does that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Picture:
    """What one sample looks like.

    content, media_type: of a file that browsers show, e.g. "image/png".
    width, height:       to show it at, in pixels of the page.
    crisp:               its own pixels are shown as squares, not smoothed: they are what a training loop gets.
    """

    content: bytes
    media_type: str
    width: int
    height: int
    crisp: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """So many values of one name, or of one range."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How the values of one part of the samples are spread, e.g. of a column.

    told:    in words. bars: as they stand beside each other. ordered: the bars are ranges, from low to high.
    missing: samples without a value.
    """

    name: str
    told: str
    bars: Sequence[Bar]
    ordered: bool
    missing: int = 0


@dataclass(frozen=True)
class Face:
    """How samples of a kind are shown.

    alone, together: samples on a page of one class, and of each class on a page of several.
    pictures: samples -> a Picture of each. Absent: they do not look like anything.
    sounds:   samples -> the content of a WAV file of each. Absent: nothing is heard.
    spreads:  samples -> how their values are spread. Absent: that is not asked.
    """

    alone: int = 48
    together: int = 10
    pictures: Callable[[Any], Iterator[Picture]] | None = None
    sounds: Callable[[Any], Iterator[bytes]] | None = None
    spreads: Callable[[Any], list[Spread]] | None = None
