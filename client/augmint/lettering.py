"""Puts a class's name beside its pictures: whatever letters it has, and however long it is. Needs Pillow."""

from __future__ import annotations

import bisect
import os
import re
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from augmint import fonts
from augmint.fonts import Typeface

# Pixels.
SIZE, SMALL = 18, 13
WIDEST = 240
SMALL_LINE = 16
ELLIPSIS = "..."
# Letters of which something is shown, at most.
LONGEST = 512

# Labels that a warning names.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Lettering:
    """A text, ready to be drawn. lines: of it, with line breaks; width: in pixels; font: Pillow's."""

    lines: str
    font: Any
    width: int


def letter(
    labels: Sequence[str], heights: Sequence[int], font: str | os.PathLike[str] | None = None
) -> list[Lettering]:
    """Each label as it goes beside its row.

    heights: pixels that each may take. font: a file to be asked first, see fonts.find.

    A label that no font here can draw is called by the number of its row, from 1, and by what ASCII has of it; a
    warning says which those are.
    """
    drawn, lost = [], []
    texts = [readable(label) for label in labels]
    faces = fonts.find(texts, font)
    for number, (label, text, face, height) in enumerate(zip(labels, texts, faces, heights, strict=True), start=1):
        if face is None:
            lost.append(f"row {number} is {label!r}")
            text, face = f"{number} {folded(text)}".strip(), fonts.plain()
        drawn.append(_fitted(text, face, height))
    if lost:
        more = f"; and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
        warnings.warn(
            f"no font here has the letters of some labels: {'; '.join(lost[:SHOWN])}{more}. Install one that has "
            "(Debian: fonts-noto), or name its file: contact_sheet(font=...), augmint generate --font",
            stacklevel=3,
        )
    return drawn


def readable(label: str) -> str:
    """Letters and their accents as one where there is such a letter; what is no letter and no space, escaped."""
    text = unicodedata.normalize("NFC", label)
    # Selects how the letter before it looks; nothing of its own.
    text = re.sub("[\ufe00-\ufe0f]", "", text)
    return "".join(
        one if one == " " or unicodedata.category(one)[0] not in "CZ" else one.encode("unicode_escape").decode()
        for one in text
    )


def folded(text: str) -> str:
    """What ASCII has of it: Latin letters without accents and strokes, ? for others; "" if it has nothing."""
    letters = []
    for one in unicodedata.normalize("NFKD", text):
        stroked = re.match(r"LATIN (SMALL|CAPITAL) LETTER ([A-Z]) WITH ", unicodedata.name(one, ""))
        if one.isascii():
            letters.append(one)
        elif stroked:
            letters.append(stroked[2] if stroked[1] == "CAPITAL" else stroked[2].lower())
        elif not unicodedata.combining(one):
            letters.append("?")
    found = "".join(letters)
    return found if re.search("[A-Za-z0-9]", found) else ""


def _fitted(text: str, face: Typeface, height: int) -> Lettering:
    """In one line if it is short, else in several smaller ones, else without its middle."""
    font = face.at(SIZE)
    if font.getlength(text) <= WIDEST:
        return Lettering(text, font, _width(font, text))
    font = face.at(SMALL)
    most = max(1, height // SMALL_LINE)

    def cut(kept: int) -> str:
        # Both ends, since the names of one data set often begin alike.
        return text if kept >= len(text) else text[: (kept + 1) // 2] + ELLIPSIS + text[len(text) - kept // 2 :]

    fits = bisect.bisect_right(range(LONGEST), False, key=lambda kept: len(_wrapped(cut(kept), font)) > most) - 1
    lines = _wrapped(cut(fits), font)
    return Lettering("\n".join(lines), font, max(_width(font, line) for line in lines))


def _wrapped(text: str, font: Any) -> list[str]:
    lines = [""]
    for word in re.findall(r" *[^ ]+| +", text):
        if lines[-1] and font.getlength(lines[-1] + word) > WIDEST:
            lines.append("")
        for one in word if lines[-1] else word.lstrip():
            if lines[-1] and font.getlength(lines[-1] + one) > WIDEST:
                lines.append("")
            lines[-1] += one
    return lines


def _width(font: Any, text: str) -> int:
    return int(-(-font.getlength(text) // 1))
