"""Arrays in files of their own: images in one, labels in another beside it; large ones stay on the disk."""

from __future__ import annotations

import tokenize
from pathlib import Path

import numpy as np

from training.data.errors import DataError
from training.data.records import LARGEST_BYTES, Records
from training.kinds.image import arrays as conventions
from training.kinds.image import names
from training.kinds.image.archive import PICKLED, Archive
from training.kinds.image.levels import Levels
from training.kinds.image.resize import LARGEST_SIDE

# What NumPy raises, whose header is a line of Python.
_DAMAGE = (
    *(ValueError, EOFError, SyntaxError, tokenize.TokenError),
    *(TypeError, KeyError, OverflowError, UnicodeError, MemoryError),
)
_SUFFIXES = (".npy", ".npz")


def read(path: Path, levels: Levels | None = None, allow_pickle: bool = False) -> Records:
    """Read images from a file, with their labels from another beside it.

    path: e.g. `images.npy` beside `labels.npy`, `X_train.npy` beside `y_train.npy`, `k49-train-imgs.npz` (one array)
          beside `k49-train-labels.npz`, in any letter case; optional: `class_names.npy`.

    Images are mapped and used as they lie on disk where that can be: uint8, C order, [n, side, side] or
    [n, side, side, 1 or 3], side a multiple of 4 in [8, 256]. Others are converted in memory, as from an .npz file.
    """
    files = _Files(path.parent, allow_pickle)
    own = names.role(path.stem)
    if own is not None and own.is_labels:
        images = [files.file(name).name for name in _beside(files, own, is_labels=False)]
        raise DataError(f"{path}: the name says that it holds labels; name the file of images{_or(images)}")
    if own is None:
        wanted = "images.npy (labels.npy beside it), X.npy (y.npy beside it), X_train.npy (y_train.npy beside it)"
        raise DataError(f"{path}: the name does not say that it holds images; wanted {wanted}")
    labels = _beside(files, own, is_labels=True)
    if not labels:
        raise DataError(f"{path}: no labels file beside it; wanted {conventions.wanted_labels(path.stem)}{path.suffix}")
    files.use(path)
    source = conventions.Source(str(path), {"": names.Pair(path.stem, labels[0])})
    for name in files.names():
        other = names.role(name)
        if own.part == "train" and other and (other.stem, other.part, other.is_labels) == (own.stem, "test", False):
            source.notes[f"{files.file(name).name} beside it was left out; name the folder to test on it"] = None
    return _records(source, files, levels)


def is_folder(path: Path) -> bool:
    """Whether a folder holds arrays in files of their own: images and, of the same name, labels; and no folders."""
    if any(entry.is_dir() and not entry.name.startswith((".", "__")) for entry in path.iterdir()):
        return False
    found = names.pairs(_Files(path).names())
    return any(pair.labels for pair in found.values())


def read_folder(path: Path, levels: Levels | None = None, allow_pickle: bool = False) -> Records:
    """Read all parts in a folder, e.g. `X_train.npy`, `y_train.npy`, `X_test.npy`, `y_test.npy`."""
    files = _Files(path, allow_pickle)
    return _records(conventions.find(str(path), files), files, levels)


def is_one_of_a_pair(path: Path) -> bool:
    """Whether an .npz file holds one unnamed array of images, whose labels are in another file beside it."""
    if Archive(path).names() != ["arr_0"]:
        return False
    own = names.role(path.stem)
    return own is not None and bool(_beside(_Files(path.parent), own, is_labels=not own.is_labels))


def _beside(files: _Files, own: names.Role, is_labels: bool) -> list[str]:
    """The names of images or labels that belong to a file's, the usual ones first."""
    roles = {name: role for name in files.names() if (role := names.role(name))}
    found = [name for name, role in roles.items() if role[:3] == (own.stem, own.part, is_labels)]
    return sorted(found, key=lambda name: roles[name].rank)


def _or(found: list[str]) -> str:
    return f": {' or '.join(found)}" if found else ""


def _records(source: conventions.Source, files: _Files, levels: Levels | None) -> Records:
    pairs = list(source.parts.values())
    images = files[pairs[0].images]
    if len(pairs) == 1 and levels is None and isinstance(images, np.memmap) and _stays(images):
        labels, class_names = conventions.read_labels(source, files, pairs)
        samples = images if images.ndim == 4 else images[..., None]
        reading = conventions.Reading(conventions.layout(pairs) + ", left on the disk", skipped=source.left_out)
        notes = tuple(source.notes)
        return Records(samples, labels[0], class_names, notes=notes, on_disk=True, reading=reading)
    size = sum(int(np.prod(files[pair.images].shape, dtype=object)) for pair in pairs)
    if size > LARGEST_BYTES:
        raise DataError(
            f"{source.path}: holds {images.dtype} {list(images.shape)}; images that are read from disk must lie there "
            "as uint8 [n, side, side] or [n, side, side, 1 or 3] in C order, side a multiple of 4 in "
            f"[8, {LARGEST_SIDE}]; others are converted in memory, and at most {LARGEST_BYTES} bytes of them"
        )
    return conventions.read(source, files, levels).records(source)


class _Files:
    """Arrays of a folder by the names of their files, mapped; see training.kinds.image.arrays.Arrays."""

    def __init__(self, path: Path, allow_pickle: bool = False) -> None:
        self.path, self._allow_pickle = path, allow_pickle
        found = sorted(entry for entry in path.iterdir() if entry.suffix.lower() in _SUFFIXES and entry.is_file())
        # Of one name in both formats, the one that can be mapped.
        self._files = {
            entry.stem: entry for entry in sorted(found, key=lambda entry: entry.suffix.lower(), reverse=True)
        }

    def use(self, path: Path) -> None:
        """Take this file where two have its name."""
        self._files[path.stem] = path

    def names(self) -> list[str]:
        return list(self._files)

    def file(self, name: str) -> Path:
        return self._files[name]

    def where(self, name: str) -> str:
        return str(self._files[name])

    def __getitem__(self, name: str) -> np.ndarray:
        path = self._files[name]
        if path.suffix.lower() == ".npy":
            return self._mapped(path)
        archive = Archive(path, self._allow_pickle)
        if len(archive.names()) != 1:
            raise DataError(
                f"{path}: has the arrays {', '.join(archive.names())}; beside others of its kind it has one"
            )
        return archive[archive.names()[0]]

    def _mapped(self, path: Path) -> np.ndarray:
        try:
            # A header that promises more than the file holds cannot be mapped.
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except _DAMAGE as error:
            if "object" in str(error).lower():
                return self._unpickled(path)
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(f"{path}: not a whole .npy file of numbers or text ({reason})") from error
        if not isinstance(array, np.ndarray):
            raise DataError(f"{path}: an archive of several arrays; its name should end in .npz")
        return array

    def _unpickled(self, path: Path) -> np.ndarray:
        if not self._allow_pickle:
            raise DataError(f"{path}: holds {PICKLED}")
        try:
            return np.asarray(np.load(path, allow_pickle=True))
        except Exception as error:  # whatever the objects of a damaged or foreign pickle raise
            raise DataError(f"{path}: cannot be unpickled ({type(error).__name__}: {error})") from error


def _stays(images: np.ndarray) -> bool:
    """Whether training can use the images as they lie on disk."""
    if images.dtype != np.uint8 or not images.flags.c_contiguous:
        return False
    shape = images.shape
    if len(shape) not in (3, 4) or shape[0] == 0 or (len(shape) == 4 and shape[3] not in (1, 3)):
        return False
    return shape[1] == shape[2] and 8 <= shape[1] <= LARGEST_SIDE and shape[1] % 4 == 0
