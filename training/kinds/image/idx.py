"""IDX, the file format of MNIST and its relatives, plain or gzip: big-endian header, then unsigned bytes."""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from training.data.errors import DataError
from training.data.reading import Reading
from training.data.records import LARGEST_BYTES, Records
from training.kinds.image import emnist
from training.kinds.image.arrays import splits

_UNSIGNED_BYTE = 0x08
# Of labels only: QMNIST's are rows of 32-bit numbers, the class first.
_LABEL_TYPES: dict[int, np.dtype] = {_UNSIGNED_BYTE: np.dtype(np.uint8), 0x0C: np.dtype(">i4")}
_BLOCK = 2**24
_TEST = re.compile(r"t10k|test", re.IGNORECASE)
# One class name a line, in order of class index; optional, beside the IDX files.
_CLASS_NAMES = "classes.txt"


def is_images_file(path: Path) -> bool:
    """Whether a name says: IDX file of images, e.g. train-images-idx3-ubyte.gz."""
    name = path.name.lower()
    return "images" in name and ("idx" in name or "ubyte" in name)


def is_folder(path: Path) -> bool:
    """Whether a folder holds IDX files of images."""
    return any(is_images_file(entry) and entry.is_file() for entry in path.iterdir())


def read_folder(path: Path) -> Records:
    """Read the training and, if there is one, the test pair of a folder.

    The test files are those with `t10k` or `test` in their name; they become the official test split.
    """
    found = sorted(entry for entry in path.iterdir() if is_images_file(entry) and entry.is_file())
    test = [entry for entry in found if _TEST.search(entry.name)]
    train = [entry for entry in found if entry not in test]
    for kind, files in (("training", train), ("test", test)):
        if len(files) > 1:
            names = ", ".join(entry.name for entry in files)
            raise DataError(f"{path}: several {kind} images files ({names}); keep one, or give one file")
    parts = [_pair(entry) for entry in train + test]
    if not train:
        raise DataError(f"{path}: has only the test files {test[0].name}; name the file itself to train on them")
    if len(parts) == 1:
        return _records(train, *parts[0], None)
    (samples, labels), (test_samples, test_labels) = parts
    if samples.shape[1:] != test_samples.shape[1:]:
        raise DataError(
            f"{path}: training images are {_size(samples)} but test images are {_size(test_samples)}; they must agree"
        )
    positions = np.arange(len(samples), len(samples) + len(test_samples))
    both = np.concatenate([samples, test_samples]), np.concatenate([labels, test_labels])
    return _records([*train, *test], *both, positions)


def read_file(path: Path) -> Records:
    """Read one images file and the labels file beside it."""
    notes = []
    beside = [entry.name for entry in path.parent.iterdir() if is_images_file(entry) and _TEST.search(entry.name)]
    for name in sorted(beside):
        if not _TEST.search(path.name) and _TEST.sub("", name) == path.name.replace("train", ""):
            notes.append(f"{name} beside it was left out; a folder with these files alone is tested on it")
    return _records([path], *_pair(path), None, notes)


def _records(
    files: list[Path], samples: np.ndarray, labels: np.ndarray, test: np.ndarray | None, notes: Sequence[str] = ()
) -> Records:
    """files: of images, the training part's first."""
    notes = list(notes)
    # Some sets number their classes from 1 or leave numbers out (EMNIST letters), so the values present decide.
    values, indices = np.unique(labels, return_inverse=True)
    names = tuple(str(value) for value in values)
    if emnist.is_named(files[0]):
        samples = np.ascontiguousarray(samples.transpose(0, 2, 1, 3))
        notes.append("EMNIST's files hold every image transposed; they were turned upright")
        names = emnist.class_names(files[0], values) or names
    elif "emnist" in str(files[0].absolute().parent).lower():
        notes.append(
            "EMNIST's own files hold every image transposed; these do not say emnist in their names, and were taken as "
            "they are: look at the pictures"
        )
    listing = files[0].parent / _CLASS_NAMES
    if listing.is_file():
        try:
            names = tuple(listing.read_text(encoding="utf-8").splitlines())
        except UnicodeDecodeError as error:
            raise DataError(f"{listing}: not UTF-8 text; one class name a line is right") from error
        if len(names) != len(values):
            raise DataError(f"{listing}: {len(names)} class names, but the labels have {len(values)} values")
    tests = 0 if test is None else len(test)
    counts = {"train": len(samples) - tests, "test": tests} if tests else {"": len(samples)}
    levels = (float(samples.min()), float(samples.max()))
    reading = Reading("IDX files " + ", ".join(file.name for file in files), splits(counts), levels)
    return Records(samples, indices.astype(np.int64), names, test, tuple(notes), reading=reading)


def _pair(images: Path) -> tuple[np.ndarray, np.ndarray]:
    labels = _labels_of(images)
    samples = _array(images, (3, 4))
    if samples.ndim == 3:
        samples = samples[..., None]
    if samples.shape[3] not in (1, 3):
        raise DataError(f"{images}: {samples.shape[3]} channels; 1 (gray) or 3 (colour) are right")
    values = _array(labels, (1, 2))
    if values.ndim == 2:
        values = values[:, 0]
    if len(samples) != len(values):
        raise DataError(
            f"{images}: {len(samples)} images, but {labels.name} has {len(values)} labels; counts must agree"
        )
    return samples, values


def _labels_of(images: Path) -> Path:
    name = re.sub("images", "labels", images.name, flags=re.IGNORECASE)
    name = re.sub("idx[34]", "idx1", name)
    candidates = [images.with_name(name)]
    candidates.append(images.with_name(name[:-3] if name.endswith(".gz") else name + ".gz"))
    plain = name.removesuffix(".gz").replace("idx1-ubyte", "idx2-int")
    for candidate in (*candidates, images.with_name(plain), images.with_name(f"{plain}.gz")):
        if candidate.is_file():
            return candidate
    raise DataError(f"{images}: no labels file beside it; wanted {candidates[0].name} or {candidates[1].name}")


def _array(path: Path, dimensions: tuple[int, ...]) -> np.ndarray:
    compressed = _starts_as_gzip(path)
    opener: Callable[..., BinaryIO] = gzip.open if compressed else open  # type: ignore[assignment]
    with opener(path, "rb") as file:
        try:
            shape, dtype = _header(path, file, dimensions)
            size = math.prod(shape) * dtype.itemsize
            if not compressed and path.stat().st_size < file.tell() + size:
                raise DataError(
                    f"{path}: the header promises {size} bytes of data, the file has fewer; it is truncated"
                )
            return np.frombuffer(_body(path, file, size), dtype).reshape(shape)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{path}: damaged or truncated gzip data ({error})") from error


def _starts_as_gzip(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _header(path: Path, file: BinaryIO, dimensions: tuple[int, ...]) -> tuple[tuple[int, ...], np.dtype]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(f"{path}: starts with {magic.hex() or 'nothing'}; an IDX file starts with 0000")
    kind, count = magic[2], magic[3]
    types = _LABEL_TYPES if 1 in dimensions else {_UNSIGNED_BYTE: np.dtype(np.uint8)}
    if kind not in types:
        raise DataError(f"{path}: IDX element type 0x{kind:02x}; only unsigned bytes (0x08) can be read")
    if count not in dimensions:
        wanted = " or ".join(str(each) for each in dimensions)
        raise DataError(f"{path}: IDX array with {count} dimensions; {wanted} wanted, are images and labels swapped?")
    extents = file.read(4 * count)
    if len(extents) < 4 * count:
        raise DataError(f"{path}: ends inside the IDX header; it is truncated")
    shape = struct.unpack(f">{count}I", extents)
    if min(shape) == 0 or math.prod(shape) > LARGEST_BYTES:
        raise DataError(
            f"{path}: the header declares the shape {list(shape)}; 1 byte to {LARGEST_BYTES} bytes can be read"
        )
    return shape, types[kind]


def _body(path: Path, file: BinaryIO, size: int) -> bytearray:
    # Block by block: a header that promises gigabytes costs only what the file really holds.
    data = bytearray()
    while len(data) < size:
        block = file.read(min(_BLOCK, size - len(data)))
        if not block:
            raise DataError(
                f"{path}: the header promises {size} bytes of data, the file has {len(data)}; it is truncated"
            )
        data += block
    if file.read(1):
        raise DataError(f"{path}: has more data than the {size} bytes that its header promises")
    return data


def _size(samples: np.ndarray) -> str:
    return "x".join(str(extent) for extent in samples.shape[1:])
