"""Reads labelled data: `load("digits")`, IDX, .npz or .npy files, folders of images, tables of them, Parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.data import folder, huggingface, idx, npy, npz, tagged
from training.data.dataset import DataError, Dataset, Records, check_size, finish
from training.data.rows import Rows, Samples

__all__ = ["DataError", "Dataset", "Rows", "Samples", "load"]


def load(
    source: str,
    *,
    size: int | None = None,
    drop_scarce: bool = False,
    label: str | None = None,
    file: str | None = None,
) -> Dataset:
    """Read a labelled data set into memory; of an .npy file, the labels only.

    source: `digits` (8x8 gray, 1,797 samples, comes with scikit-learn); an .npz file; an .npy or IDX images file, its
            labels file beside it; a folder of IDX files; a folder with one folder of images per class, or with images
            and their labels in a table, or with images of one class (training.data.folder); such a table (.csv, .tsv,
            .jsonl); a Parquet file or a folder of a Hugging Face data set (training.data.huggingface).
    size:   side of the images in pixels, a multiple of 4 in [8, 256]; None: chosen from the data, at most 64.
    drop_scarce: leave out classes that have too few images, instead of refusing them.
    label, file: columns of a table that hold the labels and the names of the images; None: found by their usual names.
    raises: DataError, in one sentence, for anything that cannot be trained on.
    """
    if size is not None:
        check_size(size)
    if source == "digits":
        return finish(source, _digits(), size, drop_scarce=drop_scarce)
    path = Path(source)
    try:
        records = _read(path, size, tagged.Columns(label, file))
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        # E.g. no permission, or a NUL in the path.
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{source}: cannot be read: {reason}") from error
    return finish(source, records, size, drop_scarce=drop_scarce)


def _read(path: Path, size: int | None, columns: tagged.Columns) -> Records:
    if path.is_dir() and not idx.is_folder(path):
        return folder.read(path, size, columns)
    if path.is_file() and path.suffix.lower() in (huggingface.PARQUET, huggingface.ARROW):
        return huggingface.read(path, size, columns)
    if path.is_file() and tagged.is_table(path.name):
        return folder.read(path, size, columns)
    if columns.given:
        raise DataError(f"{path}: --label and --file name columns of a table, and this source has none")
    if path.is_dir():
        return idx.read_folder(path)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; `digits` is the built-in data set")
    if path.suffix.lower() == ".npz":
        return npz.read(path)
    if path.suffix.lower() == ".npy":
        return npy.read(path)
    if idx.is_images_file(path):
        return idx.read_file(path)
    if path.suffix.lower() in folder.ARCHIVES:
        raise DataError(f"{path}: an archive; unpack it, and give the folder")
    raise DataError(
        f"{path}: not a known kind of data; wanted .npz, .npy, an IDX images file (its name has 'images' and 'idx' or "
        "'ubyte'), .csv, .tsv, .jsonl, .parquet, a folder of IDX files, or a folder with one folder of images per class"
    )


def _digits() -> Records:
    from sklearn.datasets import load_digits  # half a second to import, and only this source needs it

    bunch = load_digits()
    samples = np.rint(bunch.images[..., None] * (255 / 16)).astype(np.uint8)  # levels are 0..16
    return Records(samples, bunch.target.astype(np.int64), tuple(str(name) for name in bunch.target_names))
