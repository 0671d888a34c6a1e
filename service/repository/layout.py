"""How a folder of generators is laid out, <generator>/<version>/model.onnx, and what to say of one that is not so."""

from __future__ import annotations

import difflib
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from service import artifact
from service.files import named

WANTED = f"wanted <generator>/<version>/{artifact.FILE_NAME}, as `python -m training fit` publishes it"
# A folder that is no repository may be anything, a home or a whole disk.
DEPTH, ENTRIES = 4, 2000


def missing(path: Path) -> str:
    """Why there is no such folder, and which was probably meant."""
    if path.is_symlink():
        return f"{path.parent / named(path)} leads nowhere"
    if path.exists():
        above = path.parents
        near = len(above) > 2 and artifact.VERSION.fullmatch(above[0].name) and f"; did you mean {above[2]}?"
        return f"{path} is no folder{near or f'; {WANTED}'}"
    if path.parts[:1] == ("~",) and path.expanduser().is_dir():
        return f"{path}: no such folder, since no shell has read it; did you mean {path.expanduser()}?"
    there = path.parent
    while not there.is_dir() and there != there.parent:
        there = there.parent
    first, *rest = path.parts[len(there.parts) :]
    try:
        beside = [entry.name for entry in there.iterdir() if entry.is_dir()]
    except OSError:
        beside = []
    for name in difflib.get_close_matches(first, beside, n=3, cutoff=0.6):
        if (there / name).joinpath(*rest).is_dir():
            return f"{path}: no such folder; did you mean {(there / name).joinpath(*rest)}?"
    return f"{path}: no such folder; publish a generator with `python -m training fit`"


def advice(root: str, files: Sequence[Sequence[str]]) -> str:
    """Why nothing in a place can be served, by the paths of its files from there, and what would be right.

    root: of the place, as it was given.
    """
    models = sorted((parts for parts in files if parts[-1] == artifact.FILE_NAME), key=len)
    for parts in models:
        told = misplaced(root, parts)
        if told:
            return told
    for parts in files:
        if parts[-1].endswith(".onnx"):
            return f"{'/'.join(parts)} is there, and the file has to be called {artifact.FILE_NAME}; {WANTED}"
    return f"{'nothing of it is there' if files else 'it is empty'}; {WANTED}"


def misplaced(root: str, parts: Sequence[str]) -> str:
    """What is wrong with where a model.onnx lies, and what would be right; "" for nothing.

    root: as in advice; parts: of the file's path from there.
    """
    there, above, higher = "/".join(parts), *_above(root)
    match parts:
        case [_] if artifact.VERSION.fullmatch(_last(root)) and higher:
            return f"it is the folder of one version; did you mean --models {higher}?"
        case [file]:
            return f"{file} lies at the top; move it to <generator>/1/{file}"
        case [version, _] if artifact.VERSION.fullmatch(version) and artifact.NAME.fullmatch(_last(root)) and above:
            return f"it is the folder of one generator; did you mean --models {above}?"
        case [name, file]:
            return f"{there} lies in no folder of a version; move it to {name}/1/{file}"
        case [name, version, _] if not artifact.NAME.fullmatch(name):
            return (
                f"{there}: {name!r} cannot be a generator's name, which has small letters, digits, '.', '_' and '-', "
                "at most 63"
            )
        case [name, version, file] if not artifact.VERSION.fullmatch(version):
            number = version.strip("vV").lstrip("0")
            right = number if artifact.VERSION.fullmatch(number) else "1"
            return f"{there}: a version is a whole number from 1; rename {name}/{version} to {name}/{right}"
        case [*folders, _, _, _] if folders:
            return f"{there} lies too deep; did you mean --models {root.rstrip('/')}/{'/'.join(folders)}?"
    return ""


def _last(root: str) -> str:
    return root.rstrip("/").rpartition("/")[2]


def _above(root: str) -> tuple[str, str]:
    """The place that holds this one, and the one above that; "" where there is none."""
    if "://" not in root:
        parents = Path(root).absolute().parents
        return (str(parents[0]) if parents else "", str(parents[1]) if len(parents) > 1 else "")
    above = root.rstrip("/").rpartition("/")[0]
    return above, above.rpartition("/")[0]


def walk(root: Path) -> Iterator[tuple[Path, bool]]:
    """Files below a folder, links followed, down to DEPTH and up to ENTRIES; of each, whether it can be read."""
    left = ENTRIES
    waiting = [root]
    while waiting:
        folder = waiting.pop(0)
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            continue
        for entry in entries:
            left -= 1
            if left < 0:
                return
            if entry.name.startswith("."):
                continue
            try:
                mode = entry.stat().st_mode
            except OSError:
                yield entry, False
                continue
            if not stat.S_ISDIR(mode):
                yield entry, True
            elif len(entry.relative_to(root).parts) < DEPTH:
                waiting.append(entry)
