"""Finds, for letters of any script, a font on this machine that has them. Needs Pillow."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from augmint import extras
from augmint.errors import InvalidRequest

# Where systems keep theirs.
_FOLDERS = (
    *("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    *("/Library/Fonts", "/System/Library/Fonts", "~/Library/Fonts"),
    *("C:/Windows/Fonts", "~/AppData/Local/Microsoft/Windows/Fonts"),
    *(f"{sys.prefix}/fonts", "/run/current-system/sw/share/X11/fonts"),  # conda, NixOS
)
# Tried first, of those that are there: plain faces, then those with many scripts.
_FIRST = (
    *("dejavusans", "notosans-regular", "arial", "segoeui", "helvetica", "liberationsans-regular", "arial unicode"),
    *("notosanscjk-regular", "notosansarabic-regular", "msyh", "pingfang", "hiragino sans gb", "wqy-microhei"),
    *("wqy-zenhei", "droidsansfallbackfull", "freesans", "unifont"),
)
_ENDINGS = (".ttf", ".otf", ".ttc", ".otc")
# Looking at one takes a millisecond or two.
_MOST = 1000

# No font has them: what it shows for them, it shows for all that it lacks.
_NOBODYS = ("\uffff", "\U0010fffe")


class Typeface:
    """A font file. path: None for the one that comes with Pillow, which has ASCII only."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._module = extras.load("PIL.ImageFont", "images")
        self._looked_at = self.at(18)
        self._has: dict[str, bool] = {}
        self._lacking = {self._drawn(letter) for letter in _NOBODYS}

    def at(self, size: int) -> Any:
        """Pillow's font, `size` in pixels; OSError if the file is none."""
        if self.path is None:
            return self._module.load_default(size=size)
        return self._module.truetype(str(self.path), size)

    def has(self, letter: str) -> bool:
        """Whether it draws this letter, and no box instead."""
        found = self._has.get(letter)
        if found is None:
            found = self._has[letter] = letter.isspace() or self._drawn(letter) not in self._lacking
        return found

    def draws(self, text: str) -> bool:
        """Whether it has every letter; marks that come with a letter count."""
        return all(map(self.has, text))

    def _drawn(self, letter: str) -> tuple[tuple[int, int], bytes]:
        mask = self._looked_at.getmask(letter)
        return mask.size, bytes(mask)


@functools.cache
def plain() -> Typeface:
    """The font that comes with Pillow."""
    return Typeface(None)


def find(texts: Sequence[str], first: str | os.PathLike[str] | None = None) -> list[Typeface | None]:
    """For each text the first font that draws all of it as it should be; None if none here does.

    first: a file to ask before the one that comes with Pillow and those of the system.
    raises: InvalidRequest if that is no font.
    """
    found = _find(frozenset(texts), None if first is None else os.fspath(first))
    return [found.get(text) for text in texts]


@functools.lru_cache(8)  # one sheet is followed by others of the same classes
def _find(texts: frozenset[str], first: str | None) -> dict[str, Typeface]:
    found: dict[str, Typeface] = {}
    wanted = {text for text in texts if not _joined(text) or _shapes()}
    for face in _faces(first):
        found.update({text: face for text in wanted - found.keys() if face.draws(text)})
        if wanted <= found.keys():
            break
    return found


def _faces(first: str | None) -> Iterator[Typeface]:
    """One after the other, so that those which are of no use are closed again."""
    if first is not None:
        try:
            yield Typeface(Path(first))
        except OSError as error:
            raise InvalidRequest(f"font: {first} is no font that can be read: {error}") from error
    yield plain()
    for path in _files():
        with contextlib.suppress(OSError, ValueError):  # no outlines, or damaged
            yield Typeface(path)


@functools.cache
def _files() -> tuple[Path, ...]:
    """Those of matplotlib, if it is installed, and of the system; the likeliest first."""
    found = {path for path in _candidates() if path.suffix.lower() in _ENDINGS}

    def rank(path: Path) -> tuple[int, str]:
        name = path.stem.lower()
        return _FIRST.index(name) if name in _FIRST else len(_FIRST), str(path)

    return tuple(sorted(found, key=rank)[:_MOST])


def _candidates() -> Iterator[Path]:
    spec = importlib.util.find_spec("matplotlib")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield from Path(place).glob("mpl-data/fonts/ttf/DejaVuSans.ttf")
    for folder in _FOLDERS:
        for place, _, names in os.walk(Path(folder).expanduser()):
            for name in names:
                yield Path(place, name)


def _joined(text: str) -> bool:
    """Whether its letters change with their neighbours, or run to the left."""
    return any(
        unicodedata.bidirectional(letter) in ("R", "AL", "RLE", "RLO", "RLI")
        # Devanagari to Sinhala, Thai to Tibetan, Myanmar, Khmer.
        or "\u0900" <= letter <= "\u109f"
        or "\u1780" <= letter <= "\u17ff"
        for letter in text
    )


def _shapes() -> bool:
    """Whether Pillow has the library that puts such letters in place."""
    return bool(extras.load("PIL.features", "images").check("raqm"))
