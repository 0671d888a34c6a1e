"""What somebody may have meant."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

# Names compared, at most; and how alike two must be.
MOST = 10_000
ALIKE = 0.6
# Letters of a part by which a name is found.
LEAST = 3


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The question to put behind a message, after a blank: "; did you mean 'sneaker'?"; "" if nothing is near."""
    names: dict[str, str] = {}
    for name, _ in zip(known, range(MOST), strict=False):
        names.setdefault(name.casefold(), name)
    wanted = word.casefold()[:200]
    found = difflib.get_close_matches(wanted, names, 1, ALIKE)
    if not found and len(wanted) >= LEAST:
        found = [name for name in names if wanted in name]
    return f"; did you mean {names[found[0]]!r}?" if found else ""


def did_you_mean_file(path: str | os.PathLike[str]) -> str:
    """The same for a file that is not there."""
    there = Path(os.fsdecode(path))
    try:
        if there.exists():
            return ""
        # What lacks may be a folder on the way.
        while not there.parent.is_dir():
            there = there.parent
        names = sorted(one.name for one in there.parent.iterdir())
        alike = [name for name in names if Path(name).stem == there.stem]
        return did_you_mean(there.name, names) or (did_you_mean(alike[0], alike) if alike else "")
    except OSError:
        return ""
