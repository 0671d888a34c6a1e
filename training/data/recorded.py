"""Samples that are files, one each: what a folder of them holds, and records of those that could be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from training.data.errors import DataError
from training.data.folders.arrangement import Layout
from training.data.folders.leftovers import unread_in
from training.data.folders.tree import Sought, Tree, walk
from training.data.labels.arranged import arrange
from training.data.labels.tagged import Columns
from training.data.question import Question
from training.data.reading import Reading
from training.data.records import Records
from training.data.wording import counted, listed


class Read(Protocol):
    """Samples [n, ...] of a layout's files; kept: int64 [n], which of the files each is of."""

    @property
    def samples(self) -> np.ndarray: ...
    @property
    def kept(self) -> np.ndarray: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def questions(self) -> Sequence[Question]: ...


def filed(path: Path, sought: Sought, wanted: str, columns: Columns) -> tuple[Layout, list[str], list[Path]]:
    """The files of a folder with a class each, by its folders or tables, or those that a table names; names and paths.

    wanted:  what would be right, after "has no ...; ".
    columns: of the tables; none given: found by their names and contents.
    raises:  DataError if none is there, or none has a class.
    """
    tree = walk(path if path.is_dir() else path.parent, sought)
    if not tree.samples:
        raise DataError(f"{path}: {_nothing(tree) or f'has no {sought.nouns}; wanted {wanted}'}")
    layout = arrange(path, tree, columns)
    names = ["/".join(found.parts) for found in layout.found]
    return layout, names, [tree.path(found.parts) for found in layout.found]


def _nothing(tree: Tree) -> str:
    if unread := unread_in(tree):
        return f"{unread} files are not read. {tree.sought.advice.removesuffix('.')}"
    if tree.dead:
        return f"has {counted(len(tree.dead), 'link')} whose targets are gone, e.g. {listed(tree.dead[0][-1:])}"
    return ""


def records(
    layout: Layout, read: Read, groups: np.ndarray | None = None, levels: tuple[float, float] | None = None
) -> Records:
    """groups: int64 [n], see Records. levels: see Reading."""
    tests = layout.tests()
    number_of = {name: number for number, name in enumerate(layout.classes)}
    return Records(
        read.samples,
        np.array([number_of[layout.found[number].label] for number in read.kept], np.int64),
        layout.classes,
        None if tests is None else np.flatnonzero([tests[number] for number in read.kept]),
        (*layout.notes, *read.notes),
        reading=Reading(layout.words, layout.splits, levels, dict(layout.skipped)),
        questions=(*layout.questions, *read.questions),
        settled=True,
        groups=groups,
    )
