"""Reads labelled images: `digits`, IDX, .npz or .npy files, folders, tables of them, Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from augmint.v1 import generator_pb2 as pb
from training.data import encoded, nearby
from training.data.dataset import Dataset
from training.data.errors import DataError
from training.data.labels import tagged
from training.data.labels.tagged import Columns
from training.data.reading import Reading
from training.data.records import Records
from training.kinds.image import archive, folder, foreign, idx, mapped, pixels
from training.kinds.image.finish import finish
from training.kinds.image.levels import Levels
from training.kinds.image.resize import check_size


def shaped(spec: pb.SampleSpec) -> dict[str, Any]:
    """The options of `load` by which images have the shape of a generator's samples again."""
    return {"size": spec.shape[0]}


def load(
    source: str,
    *,
    size: int | None = None,
    levels: Levels | None = None,
    allow_pickle: bool = False,
    drop_scarce: bool = False,
    label: str | None = None,
    file: str | None = None,
) -> Dataset:
    """Read a labelled data set into memory; of an .npy file, the labels only.

    source: `digits` (8x8 gray, 1,797 samples, comes with scikit-learn); an .npz file; an .npy or IDX images file, its
            labels file beside it; a .csv table with a label and a column for each pixel; a folder of such files; a
            folder with one folder of images per class, or with images and their labels in a table, or with images of
            one class (folder.py); such a table (.csv, .json, .jsonl, ...); a Parquet file or a folder of a Hugging Face
            data set (training.data.encoded).
    size:   side of the images in pixels, a multiple of 4 in [8, 256]; None: chosen from the data, at most 64.
    levels: which values are black and full; None: made out from the values, or asked.
    allow_pickle: read arrays of Python objects, which may run code while they are read.
    drop_scarce: leave out classes that have too few images, instead of refusing them.
    label, file: columns of a table that hold the labels and the names of the images; None: found by their usual names.
    raises: DataError, in one sentence, for anything that cannot be trained on.
    """
    if size is not None:
        check_size(size)
    if source == "digits":
        if levels is not None:
            raise DataError("digits: the built-in data set has levels of its own; --levels is for files")
        return finish(source, _digits(), size, drop_scarce=drop_scarce)
    path = Path(source)
    try:
        records = _read(path, size, levels, allow_pickle, Columns(label, file))
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        # E.g. no permission, or a NUL in the path.
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{source}: cannot be read: {reason}") from error
    return finish(source, records, size, levels, drop_scarce=drop_scarce)


def _read(path: Path, size: int | None, levels: Levels | None, allow_pickle: bool, columns: Columns) -> Records:
    of_pixels = path.is_file() and pixels.is_table(path)
    of_arrays = path.is_dir() and (idx.is_folder(path) or mapped.is_folder(path))
    if path.is_dir() and not of_arrays:
        foreign.refuse_folder(path)
        return folder.read(path, size, columns, levels)
    if encoded.is_file(path):
        return folder.read_encoded(path, size, columns, levels)
    if path.is_file() and tagged.is_table(path.name) and not of_pixels:
        return folder.read(path, size, columns, levels)
    if columns.given:
        raise DataError(f"{path}: --label and --file name columns of a table, and this source has none")
    if of_pixels:
        return pixels.read(path, levels)
    if of_arrays:
        return idx.read_folder(path) if idx.is_folder(path) else mapped.read_folder(path, levels, allow_pickle)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; `digits` is the built-in data set{nearby.hint(path)}")
    if path.suffix.lower() == ".npz":
        if mapped.is_one_of_a_pair(path):
            return mapped.read(path, levels, allow_pickle)
        return archive.read(path, levels, allow_pickle)
    if path.suffix.lower() == ".npy":
        return mapped.read(path, levels, allow_pickle)
    if idx.is_images_file(path):
        return idx.read_file(path)
    foreign.refuse_file(path)
    raise DataError(
        f"{path}: not a known kind of data; wanted .npz, .npy, an IDX images file (its name has 'images' and 'idx' or "
        "'ubyte'), .csv, .tsv, .jsonl, .parquet, a folder of IDX files, or a folder with one folder of images per class"
    )


def _digits() -> Records:
    from sklearn.datasets import load_digits  # half a second to import, and only this source needs it

    bunch = load_digits()
    samples = np.rint(bunch.images[..., None] * (255 / 16)).astype(np.uint8)  # levels are 0..16
    notes: tuple[str, ...] = ()
    if Path("digits").exists():
        notes = ("this is the built-in data set, not the folder or file of that name here: ./digits names that one",)
    names = tuple(str(name) for name in bunch.target_names)
    reading = Reading("the built-in digits of scikit-learn", levels=(0.0, 16.0))
    return Records(samples, bunch.target.astype(np.int64), names, notes=notes, reading=reading, settled=True)
