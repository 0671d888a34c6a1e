"""NumPy archives: images and labels under the names and in the shapes in which people save them."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from pathlib import Path

import numpy as np

from training.data.errors import DataError
from training.data.records import LARGEST_BYTES, Records
from training.kinds.image import arrays as conventions
from training.kinds.image.levels import Levels

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
# A damaged archive surfaces as nearly any of these, depending on the byte.
_DAMAGE = (
    *(ValueError, EOFError, OSError, RuntimeError, SyntaxError, TypeError, KeyError, zlib.error),
    *(zipfile.BadZipFile, OverflowError, MemoryError, UnicodeError),
)
PICKLED = (
    "pickled objects, which may run code when they are read; save text as np.array(labels, dtype=str), or read them "
    "with --allow-pickle if you trust the file"
)


def read(path: Path, levels: Levels | None = None, allow_pickle: bool = False) -> Records:
    """Read an .npz file.

    Arrays, in any letter case: images/labels, x/y, data/target and their kin; the same with train, test, val beside
    them (x_train, train_images, ...), of which validation joins training and test is the official test split; or
    arr_0/arr_1. Images: bool, whole numbers or floats, [n, h, w], [n, h, w, 1, 3 or 4], [n, 1, 3 or 4, h, w] or rows
    of square ones, [n, h * h]. Labels: whole numbers, text, bool or bytes, [n] or [n, 1], or one-hot rows.
    class_names, target_names, ..., optional: text [classes], for labels that are class indices.

    levels: see training.kinds.image.levels.to_uint8. allow_pickle: read Python objects, which may run code.
    """
    archive = Archive(path, allow_pickle)
    source = conventions.find(str(path), archive)
    return conventions.read(source, archive, levels).records(source)


class Archive:
    """The arrays of one file, each read only after its declared size was compared with what the archive holds."""

    def __init__(self, path: Path, allow_pickle: bool = False) -> None:
        self.path, self._allow_pickle = path, allow_pickle
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
            raise DataError(f"{path}: not an .npz archive ({error})") from error
        self._members = {
            info.filename.removesuffix(".npy"): info for info in self._zip.infolist() if info.filename.endswith(".npy")
        }

    def names(self) -> list[str]:
        return list(self._members)

    def where(self, name: str) -> str:
        return f"{self.path}: {name}"

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self._read(name)
        except DataError:
            raise
        except _DAMAGE as error:
            raise DataError(f"{self.path}: array {name} is damaged ({error})") from error

    def _read(self, name: str) -> np.ndarray:
        info = self._members[name]
        with self._zip.open(info) as file:
            version = np.lib.format.read_magic(file)
            if version not in _HEADERS:
                raise DataError(f"{self.path}: array {name} has the format version {version}; 1.0 or 2.0 can be read")
            shape, fortran, dtype = _HEADERS[version](file)
            if dtype.hasobject:
                return self._unpickled(name)
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

    def _unpickled(self, name: str) -> np.ndarray:
        if not self._allow_pickle:
            raise DataError(f"{self.path}: array {name} holds {PICKLED}")
        if self._members[name].file_size > LARGEST_BYTES:
            raise DataError(f"{self.path}: array {name} has more than {LARGEST_BYTES} bytes")
        try:
            return np.lib.format.read_array(io.BytesIO(self._zip.read(self._members[name])), allow_pickle=True)
        except Exception as error:  # whatever the objects of a damaged or foreign pickle raise
            raise DataError(
                f"{self.path}: array {name} cannot be unpickled ({type(error).__name__}: {error})"
            ) from error
