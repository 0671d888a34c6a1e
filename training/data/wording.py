"""Names of files and classes, for people: printable whatever their bytes, and compared as an eye compares them."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

_MOST_NAMED = 8


def shown(text: str) -> str:
    """The same text, with escapes such as \\xc6 for bytes of a file name that are not UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def listed(names: Iterable[str], most: int = _MOST_NAMED) -> str:
    """'a', 'b' and 3 more."""
    quoted = [f"'{shown(name)}'" for name in names]
    if len(quoted) > most:
        return f"{', '.join(quoted[:most])} and {len(quoted) - most:,} more"
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def counted(number: int, noun: str) -> str:
    """1 picture, 2 pictures; 1 class, 2 classes; 1 category, 2 categories."""
    several = noun + "es" if noun.endswith("s") else noun[:-1] + "ies" if noun.endswith("ry") else noun + "s"
    return f"{number:,} {noun if number == 1 else several}"


def lookalikes(names: Sequence[str]) -> list[list[str]]:
    """Groups of different names that differ in case, blanks, dashes or Unicode form only."""
    groups = defaultdict(list)
    for name in names:
        folded = unicodedata.normalize("NFKC", name).casefold()
        plain = "".join(letter for letter in folded if not letter.isspace() and letter not in "_-")
        groups[plain or folded].append(name)
    return [group for group in groups.values() if len(group) > 1]
