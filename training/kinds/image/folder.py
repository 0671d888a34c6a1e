"""A folder of pictures: one folder per class, splits above them or not, labels in tables; or a table of pictures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePath

from training.data import encoded
from training.data.errors import DataError
from training.data.folders.leftovers import ending_of, unread_in
from training.data.folders.tree import Tree, walk
from training.data.labels.arranged import arrange
from training.data.labels.tagged import Columns
from training.data.recorded import records
from training.data.records import Records
from training.data.wording import counted, listed
from training.kinds.image import pictures, pixels
from training.kinds.image.levels import Levels
from training.kinds.image.picture import ENCODED, PICTURES

# What training reads of other kinds, and a folder of which is easily taken for the data.
ARRAYS = (".npy", ".npz")
ARCHIVES = frozenset({".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst"})


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
    if not tree.samples and any(encoded.is_part(tree.path(parts)) for parts in tree.files):
        return read_encoded(path, size, columns, levels)
    if not tree.samples:
        raise DataError(_nothing(path, tree))
    layout = arrange(path, tree, columns)
    names = ["/".join(found.parts) for found in layout.found]
    read = pictures.read(str(path), names, lambda: (tree.path(found.parts) for found in layout.found), size, levels)
    return records(layout, read, levels=read.levels)


def read_encoded(path: Path, size: int | None, columns: Columns, levels: Levels | None = None) -> Records:
    """Read a data set of Hugging Face, of a column of images and one of labels; see training.data.encoded.rows."""
    rows = encoded.rows(path, ENCODED, columns)
    read = pictures.read(str(path), rows.names, rows.contents, size, levels)
    return rows.records(read, read.levels)


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
    if not hint and tree.files:
        hint = f", or folders of sounds, MIDI or .txt files; it has {_endings(tree)}"
    return f"{path}: has no folders of images; {wanted}{hint}"


def _endings(tree: Tree) -> str:
    """How many files of which ending: "80 files without an ending and 2 .npy files"."""
    counts = Counter(PurePath(parts[-1]).suffix.lower() for parts in tree.files)
    most = counts.most_common(3)
    said = [
        counted(count, f"{ending} file") if ending else f"{counted(count, 'file')} without an ending"
        for ending, count in most
    ]
    return ", ".join(said) + (", ..." if len(counts) > len(most) else "")
