"""What a folder of samples means, with the tables in it: classes by the folders' names, or by the tables' labels."""

from __future__ import annotations

from pathlib import Path

from training.data.errors import DataError
from training.data.folders import layout as layouts
from training.data.folders.arrangement import Layout
from training.data.folders.leftovers import ending_of, say_left_out
from training.data.folders.tree import Parts, Tree
from training.data.labels import lists, tagged
from training.data.labels.labelled import of_labels
from training.data.labels.tagged import Columns
from training.data.parts import TRAIN
from training.data.question import Question
from training.data.wording import listed, shown

# Files that often hold labels, and in which none of the samples was found.
_MAYBE_LABELS = frozenset({".json", ".txt", ".xlsx", ".xls", ".ods", ".xml", ".mat", ".yaml", ".yml", ".pkl", ".db"})


def arrange(path: Path, tree: Tree, columns: Columns) -> Layout:
    """The classes and splits of a folder of samples, or of those that a table names.

    path:    of the folder that `tree` is of, or of a table in it.
    columns: of the tables; none given: found by their names and contents.
    raises:  DataError if no sample has a class, or several.
    """
    base = layouts.enter(tree) if path.is_dir() else ()
    layout = (
        _of_folder(tree, base, columns) if path.is_dir() else of_labels(tree, (), tagged.of_file(path, tree, columns))
    )
    lists.split(layout, tree, base)
    say_left_out(layout, tree, base)
    _ask_for_labels(layout, tree)
    if not layout.found:
        raise DataError(f"{path}: no {tree.sought.noun} has a class")
    return layout


def _of_folder(tree: Tree, base: Parts, columns: Columns) -> Layout:
    by_folder: Layout | None = None
    failure: DataError | None = None
    try:
        by_folder = layouts.of_folders(tree, base)
    except DataError as error:
        failure = error
    classes = by_folder is not None and len(by_folder.classes) > 1
    says = {found.parts: found.label for found in by_folder.found} if by_folder and classes else None
    found = tagged.find(tree, base, columns, says)
    if found.labels:
        return of_labels(tree, base, found)
    if by_folder is None:
        assert failure is not None
        raise failure
    by_folder.notes += found.notes
    by_folder.questions += found.questions
    if found.of_splits:
        tables = ", ".join(shown(path.name) for path in found.of_splits)
        if any(each.part is not None for each in by_folder.found):
            by_folder.notes.append(f"the splits of {tables} were not used: the folders have some")
        elif {*found.parts.values()} - {TRAIN}:
            lists.divide(by_folder, found.parts, dict.fromkeys(found.parts.values(), tables), found.of_splits)
    return by_folder


def _ask_for_labels(layout: Layout, tree: Tree) -> None:
    """One class, and files beside it that may hold others."""
    if len(layout.classes) > 1 or layout.used:
        return
    files = [parts for parts in tree.files if ending_of(parts) in _MAYBE_LABELS and len(parts) <= 2]
    if files and not any(parts[-1].casefold().startswith(("readme", "license")) for parts in files):
        layout.questions.append(
            Question(
                f"All {tree.sought.nouns} were taken for one class; "
                f"{listed(['/'.join(parts) for parts in files], 3)} beside them was not read.",
                "If it holds the labels, write them as a .csv with the columns file_name and label.",
            )
        )
