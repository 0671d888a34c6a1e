"""Files as messages name them, and what tells one content of a file from another without reading it."""

from __future__ import annotations

import os
import re
from pathlib import Path

# A SHA-256 in hexadecimal.
DIGEST = re.compile(r"[0-9a-f]{64}")


def named(path: Path) -> str:
    """A file's name for a message; of a symbolic link, also where that leads, as written and in full."""
    try:
        target = os.fsencode(path.readlink()).decode(errors="replace")
    except OSError:
        return path.name
    full = os.fsencode(os.path.realpath(path)).decode(errors="replace")
    return f"{path.name}, a link to {target}{'' if full == target else f' ({full})'},"


def stamp(path: Path) -> str:
    """What changes with a file's content, or with where a link to it leads."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return f"link {path.readlink()}" if path.is_symlink() else "none"
    except OSError as error:
        if not path.is_symlink():
            raise
        return f"link {path.readlink()} {error.errno}"  # the fault of one file, told when that is read
    # The time of the last change of any kind, too: the time of writing can be set, as cp -p and rsync do. The number,
    # because Kubernetes swaps a link to another file.
    return f"{facts.st_size}:{facts.st_mtime_ns}:{facts.st_ctime_ns}:{facts.st_dev}:{facts.st_ino}"
