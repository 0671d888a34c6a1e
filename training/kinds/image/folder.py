"""A folder of pictures: one folder per class, splits above them or not, labels in tables; or a table of pictures."""

from __future__ import annotations

from pathlib import Path

from training.data.errors import DataError
from training.data.folders import layout as layouts
from training.data.folders.arrangement import Layout
from training.data.folders.leftovers import ending_of, say_left_out, unread_in
from training.data.folders.recorded import records
from training.data.folders.tree import Parts, Tree, walk
from training.data.question import Question
from training.data.records import Records
from training.data.wording import counted, listed
from training.kinds.image import huggingface, pictures, pixels, tagged
from training.kinds.image.labelled import of_labels
from training.kinds.image.levels import Levels
from training.kinds.image.picture import PICTURES
from training.kinds.image.tagged import Columns

# What training reads of other kinds, and a folder of which is easily taken for the data.
ARRAYS = (".npy", ".npz")
ARCHIVES = frozenset({".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst"})
# Files that often hold labels, and in which none of the pictures was found.
_MAYBE_LABELS = frozenset({".json", ".txt", ".xlsx", ".xls", ".ods", ".xml", ".mat", ".yaml", ".yml", ".pkl", ".db"})


def read(path: Path, size: int | None, columns: Columns | None = None, levels: Levels | None = None) -> Records:
    """Read a folder of pictures, or a table of them.

    path:    holds one folder per class; or train/ with one folder per class and test/ with the same (the official test
             split; val/ beside test/ joins the training part, and is the test split where there is no test/); or
             pictures with their labels in a table (.csv, .tsv, .jsonl, StyleGAN's dataset.json) among them or above; or
             pictures, which are one class. Or such a table itself, its pictures in its folder.
    size:    side in pixels; None: chosen from the median of the images' longer sides, at most 64.
    columns: of the tables; None: found by their names and contents.
    levels:  which levels are black and full, see training.kinds.image.pictures.

    Links are followed. See training.kinds.image.pictures for what is done to a picture.
    """
    columns = columns or Columns()
    root = path if path.is_dir() else path.parent
    tree = walk(root, PICTURES)
    if not tree.samples and any(huggingface.is_part(tree.path(parts)) for parts in tree.files):
        return huggingface.read(path, size, columns, levels)
    if not tree.samples:
        raise DataError(_nothing(path, tree))
    base = layouts.enter(tree) if path.is_dir() else ()
    layout = _layout(tree, base, columns) if path.is_dir() else _of_table(path, tree, columns)
    say_left_out(layout, tree, base)
    _ask_for_labels(layout, tree)
    names = ["/".join(found.parts) for found in layout.found]
    if not layout.found:
        raise DataError(f"{path}: no picture has a class")
    read = pictures.read(str(path), names, lambda: (tree.path(found.parts) for found in layout.found), size, levels)
    return records(layout, read, levels=read.levels)


def _layout(tree: Tree, base: Parts, columns: Columns) -> Layout:
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
    return by_folder


def _of_table(path: Path, tree: Tree, columns: Columns) -> Layout:
    return of_labels(tree, (), tagged.of_file(path, tree, columns))


def _ask_for_labels(layout: Layout, tree: Tree) -> None:
    """One class, and files beside it that may hold others."""
    if len(layout.classes) > 1 or layout.used:
        return
    files = [parts for parts in tree.files if ending_of(parts) in _MAYBE_LABELS and len(parts) <= 2]
    if files and not any(parts[-1].casefold().startswith(("readme", "license")) for parts in files):
        layout.questions.append(
            Question(
                f"All pictures were taken for one class; {listed(['/'.join(parts) for parts in files], 3)} beside them "
                "was not read.",
                "If it holds the labels, write them as a .csv with the columns file_name and label.",
            )
        )


def _nothing(path: Path, tree: Tree) -> str:
    wanted = "wanted one folder of PNG or JPEG images per class, or pictures with their labels in a table"
    beside = [parts for parts in tree.files if len(parts) == 1]
    arrays = [parts for parts in beside if ending_of(parts) in ARRAYS or pixels.is_table(tree.path(parts))]
    archives = [parts for parts in tree.files if ending_of(parts) in ARCHIVES]
    hint = ""
    if arrays:
        hint = f"; to read {arrays[0][-1]}, name the file itself: {tree.path(arrays[0])}"
    elif unread := unread_in(tree):
        hint = f"; {unread} files are not read: convert them to PNG or JPEG"
    elif archives:
        hint = f"; unpack {listed(['/'.join(parts) for parts in archives], 3)} first"
    elif tree.dead:
        hint = f"; it has {counted(len(tree.dead), 'link')} whose targets are gone"
    if path.is_file():
        return f"{path}: wanted the pictures that it names, beside it or in folders there; there are none{hint}"
    return f"{path}: has no folders of images; {wanted}{hint}"
