"""What somebody may have meant who named a path that is not there."""

from __future__ import annotations

import difflib
from pathlib import Path

_MOST = 3
_LOOKED_AT = 5000  # names; more are a store, not a place where a person types one


def similar(path: Path) -> list[Path]:
    """Up to three paths that exist and are written nearly alike, likeliest first; empty if there are none."""
    parts = path.parts
    known = Path(parts[0]) if path.is_absolute() else Path()
    rest = parts[1:] if path.is_absolute() else parts
    try:
        while rest and (known / rest[0]).exists():
            known, rest = known / rest[0], rest[1:]
        if not rest or not known.is_dir():
            return []
        names = [entry.name for _, entry in zip(range(_LOOKED_AT), known.iterdir(), strict=False)]
    except (OSError, ValueError):
        return []
    lower = {name.lower(): name for name in names if not name.startswith(".")}
    wanted = rest[0].lower()
    close = difflib.get_close_matches(wanted, lower, _MOST, cutoff=0.6)
    # Without the ending, or with one.
    close += [name for name in lower if Path(name).stem == Path(wanted).stem and name not in close]
    found = [known.joinpath(lower[name], *rest[1:]) for name in close[:_MOST]]
    return [each for each in found if each.exists()] or [known / lower[name] for name in close[:_MOST]]


def hint(path: Path) -> str:
    """The end of a message: "; did you mean X?", or nothing."""
    found = similar(path)
    return f"; did you mean {' or '.join(map(str, found))}?" if found else ""
