"""Lines that begin with their class, as fastText reads them: `__label__sauce How do I thicken it?`

https://fasttext.cc/docs/en/supervised-tutorial.html
"""

from __future__ import annotations

from pathlib import Path

from training.kinds.table import text as files

MARK = "__label__"
# Of files whose name does not say that they are texts, as cooking.train; what they begin with does.
ENDINGS = frozenset({"", ".train", ".valid", ".val", ".dev", ".test"})
_LOOKED_AT = 4096  # bytes


def begins(path: Path) -> bool:
    """Whether the first line that is not blank begins with its class; False for what cannot be read."""
    try:
        with files.opened(path) as file:
            start = file.read(_LOOKED_AT)
    except (*files.DAMAGE, ValueError):
        return False
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(MARK.encode())


def parted(line: str) -> tuple[list[str], str]:
    """The classes that a line begins with, and its text."""
    labels, rest = [], line.strip()
    while rest.startswith(MARK):
        label, *others = rest.split(maxsplit=1)
        labels.append(label.removeprefix(MARK))
        rest = others[0] if others else ""
    return labels, rest
