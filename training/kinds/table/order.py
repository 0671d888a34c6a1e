"""Names in the order in which people count: 2 before 10."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")


def natural(names: Iterable[str]) -> list[str]:
    """Numbers by what they are; else by case-folded words and by the numbers between them."""
    found = list(names)
    if all(_NUMBER.fullmatch(name) for name in found):
        return sorted(found, key=lambda name: (float(name), name))
    return sorted(found, key=lambda name: ([_part(part) for part in re.split(r"(\d+)", name.casefold())], name))


def _part(part: str) -> tuple[int, int, str]:
    return (0, int(part), "") if part.isdecimal() else (1, 0, part)
