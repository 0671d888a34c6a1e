"""What most files of a folder are, by their endings."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path

_LOOKED_AT = 20_000  # files; more of them say nothing new


def holds(source: str, suffixes: Collection[str]) -> bool:
    """Whether a file has one of the endings, or a folder at least as many files of them as of any other ending.

    suffixes: in lower case, with the dot.
    """
    path = Path(source)
    try:
        if path.is_file():
            return path.suffix.lower() in suffixes
        if not path.is_dir():
            return False
    except (OSError, ValueError):
        return False
    endings: Counter[str] = Counter()
    entered: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(path, followlinks=True):
        status = os.stat(folder)  # noqa: PTH116, thousands of folders
        # A link may lead back to where it lies.
        if (here := (status.st_dev, status.st_ino)) in entered:
            folders.clear()
            continue
        entered.add(here)
        folders[:] = [name for name in folders if not name.startswith(".")]
        endings.update(os.path.splitext(name)[1].lower() for name in files if not name.startswith("."))  # noqa: PTH122
        if endings.total() > _LOOKED_AT:
            break
    count = sum(endings.pop(ending, 0) for ending in suffixes)
    return count > 0 and count >= max(endings.values(), default=0)
