"""NumPy archives: images and labels under their usual names, with or without a test split of their own."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from training.data.dataset import LARGEST_BYTES, DataError, Records


class Pair(NamedTuple):
    """Names of the array of images and of the one of their labels."""

    images: str
    labels: str


class Arrays(Protocol):
    """Arrays by name, wherever they are kept."""

    path: Path

    def __contains__(self, name: str) -> bool: ...

    def __getitem__(self, name: str) -> np.ndarray: ...


_WHOLE = [Pair("images", "labels"), Pair("x", "y"), Pair("data", "target")]
_TRAIN = [Pair("x_train", "y_train"), Pair("train_images", "train_labels")]
_VALIDATION = [Pair("x_val", "y_val"), Pair("val_images", "val_labels")]
_TEST = [Pair("x_test", "y_test"), Pair("test_images", "test_labels")]
_CLASS_NAMES = "class_names"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read(path: Path) -> Records:
    """Read an .npz file.

    Arrays, in any letter case: images/labels, x/y or data/target; or x_train/y_train or train_images/train_labels with
    optional x_val.. or val_images.. (joined to the training part) and x_test.. or test_images.. (the official test
    split). Images: uint8, or whole numbers from 0 to 255, or bool, or floats from 0 to 1 or from 0 to 255, of
    shape [n, h, w], [n, h, w, 1 or 3] or [n, 1 or 3, h, w]. Labels: [n] or [n, 1], whole numbers or text.
    class_names, optional: text [classes], for labels that are class indices.
    """
    arrays = _Archive(path)
    main = arrays.find(_WHOLE) or arrays.find(_TRAIN)
    if main is None:
        wanted = ", ".join(f"{pair.images} and {pair.labels}" for pair in _WHOLE + _TRAIN)
        raise DataError(f"{path}: has the arrays {arrays.names()}; wanted {wanted}")
    pairs = [main]
    test = None
    if main in _TRAIN:
        pairs += [pair for pair in (arrays.find(_VALIDATION),) if pair]
        test = arrays.find(_TEST)
        pairs += [test] if test else []
    notes: dict[str, None] = {}
    parts = [(_images(arrays, pair.images, notes), read_labels(arrays, pair)) for pair in pairs]
    for (images, labels), pair in zip(parts, pairs, strict=True):
        if len(images) != len(labels):
            raise DataError(
                f"{path}: {pair.images} has {len(images)} images but {pair.labels} has {len(labels)} labels"
            )
        if images.shape[1:] != parts[0][0].shape[1:]:
            raise DataError(
                f"{path}: {pair.images} holds {list(images.shape[1:])} images but {main.images} "
                f"{list(parts[0][0].shape[1:])}; they must agree"
            )
    samples = np.concatenate([images for images, _ in parts]) if len(parts) > 1 else parts[0][0]
    labels, names = name_classes(arrays, np.concatenate([labels for _, labels in parts]))
    positions = np.arange(len(samples) - len(parts[-1][0]), len(samples)) if test else None
    return Records(samples, labels, names, positions, tuple(notes))


class _Archive:
    """The arrays of one file, each read only after its declared size was compared with what the archive holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
            raise DataError(f"{path}: not an .npz archive ({error})") from error
        self._members = {
            info.filename.removesuffix(".npy").lower(): info
            for info in self._zip.infolist()
            if info.filename.endswith(".npy")
        }

    def names(self) -> str:
        return ", ".join(sorted(self._members)) or "(none)"

    def find(self, pairs: list[Pair]) -> Pair | None:
        """The first of the pairs whose images the archive has; its labels must be there too."""
        for pair in pairs:
            if pair.images in self._members:
                if pair.labels not in self._members:
                    raise DataError(f"{self.path}: has {pair.images} but no {pair.labels}")
                return pair
        return None

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self._read(name)
        except DataError:
            raise
        # A damaged archive surfaces as nearly any of these, depending on the byte.
        except (ValueError, EOFError, OSError, RuntimeError, SyntaxError, TypeError, KeyError, zlib.error) as error:
            raise DataError(f"{self.path}: array {name} is damaged ({error})") from error
        except (zipfile.BadZipFile, OverflowError, MemoryError, UnicodeError) as error:
            raise DataError(f"{self.path}: array {name} is damaged ({error})") from error

    def _read(self, name: str) -> np.ndarray:
        info = self._members[name]
        with self._zip.open(info) as file:
            version = np.lib.format.read_magic(file)
            if version not in _HEADERS:
                raise DataError(f"{self.path}: array {name} has the format version {version}; 1.0 or 2.0 can be read")
            shape, fortran, dtype = _HEADERS[version](file)
            if dtype.hasobject:
                raise DataError(f"{self.path}: array {name} holds pickled objects; save numbers or text instead")
            size = math.prod(shape) * dtype.itemsize
            # The archive's directory tells the true length, so a header that declares more allocates nothing.
            if size > info.file_size or size > LARGEST_BYTES:
                raise DataError(
                    f"{self.path}: array {name} declares {size} bytes, the archive holds {info.file_size}; "
                    f"at most {LARGEST_BYTES} can be read"
                )
            data = file.read(size)
            if len(data) < size:
                raise DataError(f"{self.path}: array {name} is truncated")
        # A bytearray, so that the array can be written to: PyTorch takes no other without a warning.
        array = np.frombuffer(bytearray(data), dtype) if size else np.empty(0, dtype)
        return array.reshape(shape, order="F" if fortran else "C")


def _images(arrays: _Archive, name: str, notes: dict[str, None]) -> np.ndarray:
    images, where = arrays[name], f"{arrays.path}: {name}"
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim == 4 and images.shape[3] not in (1, 3) and images.shape[1] in (1, 3):
        images = images.transpose(0, 2, 3, 1)
        notes["channels came first and were moved last"] = None
    if images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape:
        raise DataError(
            f"{where} has the shape {list(arrays[name].shape)}; "
            "wanted [n, h, w], [n, h, w, 1 or 3] or [n, 1 or 3, h, w]"
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype == np.bool_:
        notes["true and false became 255 and 0"] = None
        return images.astype(np.uint8) * np.uint8(255)
    if images.dtype.kind not in "iuf":
        raise DataError(f"{where} holds {images.dtype}; wanted uint8, whole numbers or floats")
    low, high = float(images.min()), float(images.max())
    # Written so that NaN, which compares false, is refused too.
    if not (low >= 0 and high <= 255):
        raise DataError(f"{where} has values from {low:g} to {high:g}; wanted 0 to 255, or floats from 0 to 1")
    scale = 1.0
    if images.dtype.kind == "f" and high <= 1:
        scale = 255.0
        notes["floats from 0 to 1 became levels from 0 to 255"] = None
    # Image by image: no float copy of the whole array.
    return np.stack([np.rint(image * scale).astype(np.uint8) for image in images])


def read_labels(arrays: Arrays, pair: Pair) -> np.ndarray:
    """The labels of a pair, [n]: whole numbers or text. Raises DataError."""
    labels, where = arrays[pair.labels], f"{arrays.path}: {pair.labels}"
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"{where} has the shape {list(labels.shape)}; wanted one label per image, [n]")
    if labels.dtype.kind == "f" and np.array_equal(labels, np.rint(labels)):
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind not in "iuU":
        raise DataError(f"{where} holds {labels.dtype}; wanted whole numbers or text")
    return labels


def name_classes(arrays: Arrays, labels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class indices, int64 [n], and the names of the classes. Raises DataError."""
    values, indices = np.unique(labels, return_inverse=True)
    if _CLASS_NAMES not in arrays or labels.dtype.kind == "U":
        return indices.astype(np.int64), tuple(str(value) for value in values)
    names = arrays[_CLASS_NAMES]
    if names.ndim != 1 or names.dtype.kind != "U":
        raise DataError(f"{arrays.path}: {_CLASS_NAMES} is {names.dtype} {list(names.shape)}; wanted text [classes]")
    if values[0] < 0 or values[-1] >= len(names):
        raise DataError(
            f"{arrays.path}: labels go from {values[0]} to {values[-1]}, but {_CLASS_NAMES} has {len(names)} names; "
            f"labels must be in [0, {len(names)})"
        )
    return labels.astype(np.int64), tuple(str(name) for name in names)
