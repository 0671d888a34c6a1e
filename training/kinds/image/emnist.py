"""EMNIST: MNIST's letters, whose files hold every image transposed and number their classes by tables of their own."""

from __future__ import annotations

import re
import string
from pathlib import Path

import numpy as np

_ALL = string.digits + string.ascii_uppercase + string.ascii_lowercase
# Lower-case letters that are told from their capitals; the others were merged with them.
_MERGED = string.digits + string.ascii_uppercase + "abdefghnqrt"
_LETTERS = dict(enumerate(string.ascii_uppercase, 1))
_NAMES = {
    "byclass": dict(enumerate(_ALL)),
    "bymerge": dict(enumerate(_MERGED)),
    "balanced": dict(enumerate(_MERGED)),
    "letters": _LETTERS,
    "digits": dict(enumerate(string.digits)),
    "mnist": dict(enumerate(string.digits)),
}


def is_named(file: Path) -> bool:
    """Whether a file has one of EMNIST's names."""
    return "emnist" in file.name.lower()


def class_names(file: Path, values: np.ndarray) -> tuple[str, ...] | None:
    """Names of the label values, ascending; None if the file's name or the values are of no known set."""
    match = re.search(rf"emnist[^a-z]*({'|'.join(_NAMES)})", file.name.lower())
    known = _NAMES[match[1]] if match else {}
    if not all(int(value) in known for value in values):
        return None
    return tuple(known[int(value)] for value in values)
