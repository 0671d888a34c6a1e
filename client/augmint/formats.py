"""The files of an export. The same samples give the same bytes: no clock, no host, no user name goes into a file.

(Of the same release of the library that encodes, Pillow or pyarrow.)
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import quote

import numpy as np

from augmint import extras, kinds
from augmint.errors import InvalidRequest
from augmint.generators import Description
from augmint.samples import Samples

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_PARTS = ".*.????????.part"


class Writer(Protocol):
    """Writes one shard. Nothing is to be seen under the final name before `finish`."""

    def add(self, samples: Samples) -> None:
        """The next samples."""

    def finish(self) -> None:
        """All were added: show the file."""

    def abandon(self) -> None:
        """Leave nothing behind; harmless after `finish`."""


class Part:
    """A file under another name, locked for `sweep` to see, until `commit` shows it at `path`, whole and on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        while True:
            self._beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
            self.file: IO[bytes] = open(self._beside, "xb")  # noqa: SIM115
            with contextlib.suppress(BlockingIOError):
                with contextlib.suppress(NotImplementedError):
                    _lock(self.file)
                if self._beside.exists():
                    return
            self.file.close()  # swept between open and lock

    def commit(self) -> None:
        """Show it."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self._beside.replace(self._path)

    def discard(self) -> None:
        """Leave nothing behind; harmless after `commit`."""
        self.file.close()
        self._beside.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears at `path` when the block ends, or not at all if it fails."""
    part = Part(path)
    try:
        yield part.file
        part.commit()
    finally:
        part.discard()


def sweep(folder: Path) -> None:
    """Remove what a killed export left in its folder and the folders of its labels, not what another is writing now."""
    for path in (*folder.glob(_PARTS), *folder.glob(f"*/{_PARTS}")):
        # In use, gone meanwhile, or nobody can tell: leave it.
        with contextlib.suppress(OSError, NotImplementedError), open(path, "r+b") as file:
            _lock(file)
            path.unlink()


def _lock(file: IO[bytes]) -> None:
    """Until it is closed, by whatever end of the process; BlockingIOError if another has it, NotImplementedError."""
    if fcntl is None:
        raise NotImplementedError
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:  # some network file systems
        raise NotImplementedError from error


class WebDataset:
    """A tar of KEY.png (or KEY.npy), KEY.cls (class index) and KEY.json (label and address); KEY is the index."""

    def __init__(self, path: Path, description: Description, n: int) -> None:
        self._part = Part(path)
        self._tar = tarfile.open(fileobj=self._part.file, mode="w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115

    def add(self, samples: Samples) -> None:
        kind = kinds.of(samples.description)
        for sample, content in zip(samples, kind.files(samples), strict=True):
            key = f"{sample.address.start_index:015d}"
            told = {"address": str(sample.address), "class_index": sample.class_index, "label": sample.label}
            for suffix, data in (
                (kind.suffix, content),
                ("cls", str(sample.class_index).encode()),
                ("json", json.dumps(told, sort_keys=True).encode()),
            ):
                member = tarfile.TarInfo(f"{key}.{suffix}")
                member.size = len(data)
                self._tar.addfile(member, io.BytesIO(data))

    def finish(self) -> None:
        self._tar.close()
        self._part.commit()

    def abandon(self) -> None:
        self._part.discard()


class Npz:
    """NumPy's .npz: array, class_indices, labels (of these), indices."""

    def __init__(self, path: Path, description: Description, n: int) -> None:
        self._part = Part(path)
        self._zip = zipfile.ZipFile(self._part.file, "w", zipfile.ZIP_DEFLATED)
        self._member = self._begin("array")
        header = {"descr": description.dtype.str, "fortran_order": False, "shape": (n, *description.shape)}
        np.lib.format.write_array_header_2_0(self._member, header)
        self._classes: list[np.ndarray] = []
        self._indices: list[np.ndarray] = []
        self._labels = np.array(description.labels)

    def add(self, samples: Samples) -> None:
        self._member.write(np.ascontiguousarray(samples.array).data)
        self._classes.append(samples.class_indices)
        self._indices.append(samples.indices)

    def finish(self) -> None:
        self._member.close()
        classes = np.concatenate(self._classes)
        for name, array in (
            ("class_indices", classes),
            ("labels", self._labels[classes]),
            ("indices", np.concatenate(self._indices)),
        ):
            with self._begin(name) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
        self._zip.close()
        self._part.commit()

    def abandon(self) -> None:
        self._member.close()
        self._zip.close()  # or it would try when it is collected
        self._part.discard()

    def _begin(self, name: str) -> IO[bytes]:
        info = zipfile.ZipInfo(f"{name}.npy")  # of 1980, as NumPy does
        info.compress_type = zipfile.ZIP_DEFLATED
        return self._zip.open(info, "w", force_zip64=True)


class Parquet:
    """Parquet: `image` or `audio` (as Hugging Face's Image and Audio), `roll` or `sample` (a list), `label` (its
    ClassLabel), `index`, `address`."""

    def __init__(self, path: Path, description: Description, n: int) -> None:
        self._arrow = extras.load("pyarrow", "parquet")
        parquet = extras.load("pyarrow.parquet", "parquet")
        self._part = Part(path)
        arrow = self._arrow
        self._kind = kinds.of(description)
        media = self._kind.media(description) if self._kind.media else {}
        self._whole_files = bool(media)
        element = arrow.from_numpy_dtype(description.dtype.newbyteorder("="))
        content = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())]) if media else arrow.list_(element)
        features = {
            "label": {"names": list(description.labels), "_type": "ClassLabel"},
            "index": {"dtype": "uint64", "_type": "Value"},
            "address": {"dtype": "string", "_type": "Value"},
        }
        kind = media or {"feature": {"dtype": str(element), "_type": "Value"}, "_type": "List"}
        told = {"info": {"features": {self._kind.column: kind, **features}}}
        self._schema = arrow.schema(
            [
                (self._kind.column, content),
                ("label", arrow.int64()),
                ("index", arrow.uint64()),
                ("address", arrow.string()),
            ],
            metadata={"huggingface": json.dumps(told), "augmint.shape": json.dumps(list(description.shape))},
        )
        self._writer = parquet.ParquetWriter(self._part.file, self._schema, compression="zstd")

    def add(self, samples: Samples) -> None:
        if self._whole_files:
            content = [{"bytes": file, "path": None} for file in self._kind.files(samples)]
        else:
            content = [one.ravel() for one in samples.array.astype(samples.array.dtype.newbyteorder("="))]
        columns = [content, samples.class_indices, samples.indices, [str(one.address) for one in samples]]
        arrays = [self._arrow.array(column, kind.type) for column, kind in zip(columns, self._schema, strict=True)]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))

    def finish(self) -> None:
        self._writer.close()
        self._part.commit()

    def abandon(self) -> None:
        self._writer.close()
        self._part.discard()


class Folder:
    """LABEL/INDEX.png, .wav or .mid for every sample, as readers of folders want it; the shard's own file says that it
    is done."""

    def __init__(self, path: Path, description: Description, n: int) -> None:
        kind = kinds.of(description)
        if kind.media is None:
            raise InvalidRequest(
                f"a folder holds images, sounds or music; generator {description.name!r} makes {description.kind}"
            )
        if kind.pictures:
            extras.load("PIL.Image", "images")
        self._path, self._n = path, n

    def add(self, samples: Samples) -> None:
        write_files(self._path.parent, samples)

    def finish(self) -> None:
        with atomic(self._path) as file:
            file.write(f"{self._n} samples\n".encode())

    def abandon(self) -> None:
        """The files stay: each is whole, and the next attempt writes the same bytes."""


def write_files(folder: Path, samples: Samples) -> None:
    """A file of each sample, under its index, in a folder of its label; their kind has such files."""
    kind = kinds.of(samples.description)
    for sample, content in zip(samples, kind.files(samples), strict=True):
        inner = folder / file_name(sample.label)
        inner.mkdir(parents=True, exist_ok=True)
        with atomic(inner / f"{sample.address.start_index:015d}.{kind.suffix}") as file:
            file.write(content)


def write_npz(file: IO[bytes], samples: Samples) -> None:
    """NumPy's .npz: array, class_indices, labels (a name for each), addresses (of the runs)."""
    np.savez_compressed(
        file,
        array=samples.array,
        class_indices=samples.class_indices,
        labels=np.array(samples.labels),
        addresses=np.array([str(address) for address in samples.addresses]),
    )


class Many:
    """A file of many samples, as their kind has it."""

    def __init__(self, path: Path, description: Description, suffix: str) -> None:
        """suffix: without the point, of `kinds.MANY`; the kind of the generator's samples has it."""
        self._part = Part(path)
        try:
            self._encoder = kinds.of(description).many[suffix](self._part.file, description)
        except BaseException:
            self._part.discard()
            raise

    def add(self, samples: Samples) -> None:
        self._encoder.add(samples)

    def finish(self) -> None:
        self._encoder.finish()
        self._part.commit()

    def abandon(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._encoder.finish()  # or it would try when it is collected
        self._part.discard()


# Format to writer and suffix of a shard; those that only some kinds have come behind.
_ANY: dict[str, tuple[Any, str]] = {
    "webdataset": (WebDataset, ".tar"),
    "parquet": (Parquet, ".parquet"),
    "npz": (Npz, ".npz"),
    "folder": (Folder, ".done"),
}
FORMATS = tuple(dict.fromkeys([*_ANY, *kinds.MANY]))


def shard(format: str, description: Description) -> tuple[Callable[[Path, Description, int], Writer], str]:
    """What writes a shard of a format, and its suffix; InvalidRequest if the generator's samples have no such files."""
    if format in kinds.of(description).many:
        return lambda path, description, n: Many(path, description, format), f".{format}"
    if format not in _ANY:
        raise InvalidRequest(
            f"format {format!r} is for {' and '.join(kinds.MANY[format])}; generator {description.name!r} makes "
            f"{description.kind}: one of {', '.join(_ANY)} would do"
        )
    return _ANY[format]


def file_name(label: str) -> str:
    """A label as the name of a folder: what a file system may misread is %-encoded."""
    name = quote(label, safe=" ()+,;=@!&'~")
    return "%2E" + name[1:] if name.startswith(".") else name
