"""Texts and their labels in two files, line by line: x_train.txt and y_train.txt (WiLI), train_text.txt and
train_labels.txt (TweetEval), whose mapping.txt names the classes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from training.data.errors import DataError
from training.data.parts import part_in
from training.kinds.table import text as files_of_text
from training.kinds.text import lines

_TEXTS = frozenset({"x", "text", "texts", "sentence", "sentences", "tweets"})
_LABELS = frozenset({"y", "label", "labels", "target", "targets"})
MAPPING = "mapping"  # of numbers to names, one a line


def find(files: Iterable[Path]) -> dict[str, tuple[Path, Path]]:
    """Of each split the texts and the labels, where their names say both; empty if there are no such files.

    Files of numbers are no texts: X_train.txt of measurements. Raises DataError for two files of one split and sort.
    """
    found: dict[str, dict[bool, Path]] = {}
    for each in files:
        words = set(re.split(r"[^a-z]+", each.name.split(".")[0].casefold()))
        part = part_in(each.name)[0]
        if part is None or bool(words & _TEXTS) == bool(words & _LABELS):
            continue
        own = found.setdefault(part, {})
        if (is_text := bool(words & _TEXTS)) in own:
            raise DataError(f"{each}: is as well as {own[is_text].name} a file of {part}; wanted one")
        own[is_text] = each
    return {part: (own[True], own[False]) for part, own in found.items() if len(own) == 2 and not _numbers(own[True])}


def _numbers(path: Path) -> bool:
    """Whether the first line that is not blank is several numbers."""
    try:
        with files_of_text.opened(path) as file:
            first = next((line for line in file if line.strip()), b"")
        return len([float(word) for word in first.split()]) > 1
    except (*files_of_text.DAMAGE, ValueError):
        return False  # who reads it says what is wrong


def labelled(texts: Path, labels: Path, names: dict[str, str]) -> list[tuple[str, str]]:
    """Each line with its label, by name where there is one. Raises DataError if they are not as many."""
    text, label = (lines.split(lines.read(each)[0]) for each in (texts, labels))
    if len(text) != len(label):
        raise DataError(
            f"{labels}: has {len(label):,} lines and {texts.name} {len(text):,}; wanted a label for each text"
        )
    if "" in (stripped := [name.strip() for name in label]):
        raise DataError(f"{labels}: line {stripped.index('') + 1} has no label")
    return [(line, names.get(name, name)) for line, name in zip(text, stripped, strict=True)]


def names(mapping: Path | None, labels: Iterable[Path]) -> dict[str, str]:
    """What a mapping says that labels are called; nothing if it leaves one out, or is none."""
    if mapping is None:
        return {}
    rows = [line.split(maxsplit=1) for line in lines.split(lines.read(mapping)[0]) if line.strip()]
    found = {row[0]: row[1].strip() for row in rows if len(row) == 2}
    used = {line.strip() for each in labels for line in lines.split(lines.read(each)[0])}
    return found if used <= found.keys() and len(set(found.values())) == len(found) else {}
