"""Names made from where data lies: of the data, for everybody to read, and of its generator."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath

# What folders and files are called whatever is in them.
_WORDS = """
train training val valid validation test testing eval all split splits root new final
data dataset datasets samples raw processed input inputs export download downloads unpacked extracted
images image imgs img pictures photos x y labels label target features array arrays classes folder files
ubyte idx idx1 idx3 npy npz jpg jpeg png
"""
_GENERIC = frozenset(_WORDS.split())
_SUFFIXES = (".npz", ".npy", ".gz", ".csv", ".parquet", ".json", ".jsonl", ".zip")
# Above these lie other people's names and machines, not data.
_SYSTEM = frozenset(
    {
        "home",
        "users",
        "mnt",
        "media",
        "volumes",
        "tmp",
        "var",
        "opt",
        "srv",
        "root",
        "usr",
        "workspace",
        "work",
        "content",
    }
)
_MOST = 63


def data_name(source: str) -> str:
    """What data is called in what is published: its file or folder, and those above as long as a name says nothing.

    Never a whole path, which would name the maker's disk, project and account.
    """
    parts = _parts(source)
    named = [parts[-1]]
    for part in reversed(parts[:-1]):
        if not _is_generic(named[0]):
            break
        named.insert(0, part)
    return "/".join(named).encode("utf-8", "backslashreplace").decode() or "data"


def nameless(text: str, source: str) -> str:
    """A sentence about data without the path that leads to it; see data_name."""
    places = {source, str(Path(source.replace("\0", "")).absolute())}
    for place in sorted(places, key=len, reverse=True):
        if os.sep in place:
            text = text.replace(place, data_name(source))
    return text


def generator_name(data: str) -> str:
    """A generator's name made from its source: lower case, with a dash for everything that a name may not hold.

    Of `apples/train` it is `apples`: what says nothing is passed over.
    """
    named = next((part for part in data_name(data).split("/") if not _is_generic(part)), data_name(data).split("/")[-1])
    stem = PurePath(named).name.split(".")[0] if "." in named else named
    name = re.sub(r"[^a-z0-9._]+", "-", stem.lower()).strip("-._")
    return name[:_MOST].rstrip("-._") or "generator"


def _parts(source: str) -> list[str]:
    """Components of a source, from the first that is its own, at least one."""
    path = PurePath(os.path.normpath(Path(source.replace("\0", "")).absolute()))
    home = PurePath(Path.home()) if os.environ.get("HOME") else None
    parts = list(path.parts)
    if home is not None and path.is_relative_to(home) and len(path.parts) > len(home.parts):
        parts = list(path.relative_to(home).parts)
    kept: list[str] = []
    for part in reversed(parts):
        if kept and part.lower() in _SYSTEM:
            break
        if part != path.anchor:
            kept.insert(0, part)
    # What lies directly in a home or mount folder belongs to an account or a machine.
    if len(kept) > 1 and len(parts) > len(kept) and parts[-len(kept) - 1].lower() in ("home", "users", "media", "mnt"):
        kept = kept[1:]
    return kept or ["data"]


def _is_generic(part: str) -> bool:
    stem = part
    for suffix in _SUFFIXES:
        stem = stem.removesuffix(suffix)
    words = [word for word in re.split(r"[^a-z0-9]+", stem.lower()) if word]
    return all(word in _GENERIC or word.isdigit() for word in words)
