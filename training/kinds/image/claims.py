"""Whether a source shows pictures, where its files could as well hold something else: looked at, not read."""

from __future__ import annotations

from pathlib import Path

from training.data import encoded
from training.data.errors import DataError
from training.data.labels.naming import names_below, names_samples
from training.data.labels.tagged import is_table
from training.data.reading import Claim
from training.kinds.image import idx, mapped, pixels
from training.kinds.image.picture import ENCODED, SUFFIXES, UNREAD

_SUFFIXES = SUFFIXES | UNREAD


def reads(source: str) -> Claim:
    """How surely a source is images. What no kind knows is theirs: they say what would be right."""
    path = Path(source)
    try:
        sure = source == "digits" or (_folder(path) if path.is_dir() else path.is_file() and _file(path))
    except (OSError, DataError, ValueError):
        sure = False  # who reads it says what is wrong with it
    if sure:
        return Claim.SURE
    tabular = encoded.is_file(path) or (is_table(path.name) and path.is_file())
    return Claim.ASKED if tabular else Claim.IN_WORDS


def _folder(path: Path) -> bool:
    if idx.is_folder(path) or mapped.is_folder(path) or next(names_below(path, _SUFFIXES), None) is not None:
        return True
    part = encoded.first_part(path)
    return part is not None and encoded.holds(part, ENCODED)


def _file(path: Path) -> bool:
    if encoded.is_file(path):
        return encoded.holds(path, ENCODED)
    return pixels.is_table(path) or (is_table(path.name) and names_samples(path, _SUFFIXES))
