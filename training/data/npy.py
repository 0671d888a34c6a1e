"""Images in one .npy file, labels in another beside it: read a batch at a time, so they may be larger than memory."""

from __future__ import annotations

import tokenize
from pathlib import Path

import numpy as np

from training.data import npz
from training.data.dataset import LARGEST_BYTES, LARGEST_SIDE, DataError, Records

# What NumPy raises, whose header is a line of Python.
_DAMAGE = (
    *(ValueError, EOFError, SyntaxError, tokenize.TokenError),
    *(TypeError, KeyError, OverflowError, UnicodeError, MemoryError),
)
_PAIRS = {"images": "labels", "x": "y", "data": "target"}


def read(path: Path) -> Records:
    """Map an .npy file of images.

    path: `images.npy`, `x.npy` or `data.npy`, with `labels.npy`, `y.npy` or `target.npy` beside it, and, optional,
          `class_names.npy`. Labels and names as in an .npz file.

    The images are used as they lie on disk: uint8, C order, [n, side, side] or [n, side, side, 1 or 3], side a
    multiple of 4 in [8, 256]. What would have to be converted is refused; an .npz file is converted, in memory.
    """
    name = path.stem.lower()
    if name not in _PAIRS:
        wanted = ", ".join(f"{images}.npy ({labels}.npy beside it)" for images, labels in _PAIRS.items())
        raise DataError(f"{path}: the name does not say that it holds images; wanted {wanted}")
    images = _mapped(path)
    if images.dtype != np.uint8 or not images.flags.c_contiguous or not _fits(images.shape):
        order = "" if images.flags.c_contiguous else " in Fortran order"
        raise DataError(
            f"{path}: holds {images.dtype} {list(images.shape)}{order}; images that are read from disk must lie there "
            "as uint8 [n, side, side] or [n, side, side, 1 or 3] in C order, side a multiple of 4 in "
            f"[8, {LARGEST_SIDE}]; others are converted in memory from an .npz file"
        )
    arrays = _Folder(path.parent)
    pair = npz.Pair(name, _PAIRS[name])
    if pair.labels not in arrays:
        raise DataError(f"{path}: no labels file beside it; wanted {pair.labels}.npy")
    labels, names = npz.name_classes(arrays, npz.read_labels(arrays, pair))
    return Records(images if images.ndim == 4 else images[..., None], labels, names, on_disk=True)


class _Folder:
    """Arrays in files of their own, by name, read into memory; see training.data.npz.Arrays."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __contains__(self, name: str) -> bool:
        return (self.path / f"{name}.npy").is_file()

    def __getitem__(self, name: str) -> np.ndarray:
        array = _mapped(self.path / f"{name}.npy")
        if array.nbytes > LARGEST_BYTES:
            raise DataError(f"{self.path / name}.npy: {array.nbytes} bytes; at most {LARGEST_BYTES} can be read")
        return np.array(array)


def _mapped(path: Path) -> np.ndarray:
    try:
        # A header that promises more than the file holds cannot be mapped; pickled objects are refused.
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except _DAMAGE as error:
        raise DataError(f"{path}: not a whole .npy file of numbers or text ({str(error).splitlines()[0]})") from error


def _fits(shape: tuple[int, ...]) -> bool:
    if len(shape) not in (3, 4) or shape[0] == 0 or (len(shape) == 4 and shape[3] not in (1, 3)):
        return False
    return shape[1] == shape[2] and 8 <= shape[1] <= LARGEST_SIDE and shape[1] % 4 == 0
