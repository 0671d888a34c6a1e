"""Splits from lists of names: testing_list.txt, test.txt, as Speech Commands and Food-101 have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from training.data import parts as split_names
from training.data.errors import DataError
from training.data.folders.arrangement import Layout
from training.data.folders.layout import PART_ORDER
from training.data.folders.tree import Parts, Tree
from training.data.labels import table
from training.data.labels.index import Index
from training.data.parts import TEST, TRAIN, VALIDATION, part_in
from training.data.wording import counted, listed

_SUFFIXES = frozenset({".txt", ".lst", ".list"})
_LARGEST = 2**26  # bytes
_NAMED_SHARE = 0.9  # of the lines: below it, a file is about something else


def split(layout: Layout, tree: Tree, base: Parts) -> None:
    """Put the samples of a layout without splits where lists say; what no list names is for training.

    A list is a text file of names, one a line, whose own name says a split; it lies on the way down to the samples, or
    in a folder of its own beside them. One of what to train on alone says nothing.
    """
    if any(found.part is not None for found in layout.found):
        return
    lists: dict[str, tuple[Path, set[Parts]]] = {}
    index: Index | None = None
    for file in tree.files:
        path, part = tree.path(file), part_in(Path(file[-1]).stem)[0]
        if (
            part is None
            or path.suffix.lower() not in _SUFFIXES
            or path in layout.used
            or not _lies_right(file, tree, base)
        ):
            continue
        index = index or Index(tree)
        named = _named(path, file[:-1], index)
        if not named:
            continue
        if part in lists:
            both = listed([lists[part][0].name, path.name])
            layout.notes.append(f"{both} both name samples of the {part} split, and neither was used")
            return
        lists[part] = path, named
    if TEST not in lists and VALIDATION not in lists:
        return
    twice = sum(sum(each.parts in named for _, named in lists.values()) > 1 for each in layout.found)
    if twice:
        layout.notes.append(f"{counted(twice, 'sample')} in two lists of splits; to be tested on goes before")
    # What must not be trained on comes last, and stays.
    part_of = {sample: part for part in (TRAIN, VALIDATION, TEST) if part in lists for sample in lists[part][1]}
    names = {part: path.name for part, (path, _) in lists.items()}
    divide(layout, part_of, names, [path for path, _ in lists.values()])


def divide(layout: Layout, part_of: Mapping[Parts, str], names: dict[str, str], used: Iterable[Path]) -> None:
    """Give the samples of a layout their splits, if some are left to train on; those not in `part_of` are.

    names: what says each split, in words. used: the files that say them.
    """
    found = [replace(each, part=part_of.get(each.parts, TRAIN)) for each in layout.found]
    if not any(each.part == TRAIN for each in found):
        layout.notes.append(f"{listed(names.values())} leave nothing to train on: not used")
        return
    layout.found = found
    layout.found.sort(key=lambda each: PART_ORDER[each.part])
    layout.splits = split_names.in_words(names)
    layout.used |= {*used}


def _lies_right(file: Parts, tree: Tree, base: Parts) -> bool:
    return file[:-1] == base[: len(file) - 1] or (len(file) == 2 and not tree.below(file[:1]))


def _named(path: Path, folder: Parts, index: Index) -> set[Parts]:
    """The samples that a file's lines name; empty if they are about something else."""
    try:
        if path.stat().st_size > _LARGEST:
            return set()
        lines = [table.clean(line) for line in table.text(path).splitlines() if line.strip()]
    except (DataError, OSError):
        return set()
    found, _ = index.resolve(lines, folder, None)
    named = {sample for sample in found if sample is not None}
    return named if len(named) >= _NAMED_SHARE * len(lines) else set()
