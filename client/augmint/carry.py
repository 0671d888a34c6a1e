"""Files of real samples, carried into another class: `augmint transform`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from augmint import kinds
from augmint.client import Client
from augmint.errors import InvalidRequest
from augmint.formats import Many, atomic
from augmint.generators import Description
from augmint.near import did_you_mean_file
from augmint.samples import Transformed

# Files of one sample that are sent, and rows of a file of many that are written, at once.
_FILES, _ROWS = 512, 2**14
_ARRAYS = ("npz", "npy")


@dataclass
class Done:
    """What was written. sources: samples by the label that they were taken to be of."""

    files: int = 0
    samples: int = 0
    sources: Counter[str] = field(default_factory=Counter)

    def add(self, moved: Transformed, files: int) -> None:
        self.files += files
        self.samples += len(moved)
        self.sources.update(moved.source_labels)


@dataclass(frozen=True)
class Carrier:
    """Carries the samples of files into one class, by one file of a generator."""

    client: Client
    description: Description
    label: str
    source: str | None
    strength: float

    def run(self, path: Path, out: Path) -> Done:
        """All samples in a file, or in the files of a folder, into files of the same names in another folder.

        A file of one sample becomes one, of the kind's own format; rows and texts stay in one file; .npy and .npz hold
        samples as the generator makes them.
        raises: InvalidRequest naming the file.
        """
        inputs, done = self._inputs(path, out), Done()
        ones = ((source, place) for source, place in inputs if _suffix(source) in self._opened)
        while piece := list(islice(ones, _FILES)):
            content = np.concatenate([self._one(source) for source, _ in piece])
            moved = self._transform(content)
            for (_, place), data in zip(piece, kinds.of(self.description).files(moved), strict=True):
                place.parent.mkdir(parents=True, exist_ok=True)
                with atomic(place) as file:
                    file.write(data)
            done.add(moved, len(piece))
        for source, place in inputs:
            if _suffix(source) not in self._opened:
                moved = self._transform(self._many(source))
                place.parent.mkdir(parents=True, exist_ok=True)
                self._write(place, moved)
                done.add(moved, 1)
        return done

    def _inputs(self, path: Path, out: Path) -> list[tuple[Path, Path]]:
        """Files to read, in order, and where what is made of each goes."""
        known = [*self._opened, *self._tables, *_ARRAYS]
        if not path.exists():
            raise InvalidRequest(f"{path}: there is no such file or folder{did_you_mean_file(path)}")
        folder = path if path.is_dir() else path.parent
        if folder.resolve() == out.resolve():
            raise InvalidRequest(f"--out {out} is the folder of the samples themselves: name another")
        if path.is_dir():
            found = [one for one in sorted(path.rglob("*")) if _suffix(one) in known and out not in one.parents]
        else:
            found = [path] if _suffix(path) in known else []
        if not found:
            wanted = ", ".join(f".{suffix}" for suffix in known)
            holds = "holds no file" if path.is_dir() else "is no file"
            raise InvalidRequest(f"{path} {holds} of {self.description.kind} samples: {wanted}")
        places: dict[Path, Path] = {}
        for source in found:
            place = out / source.relative_to(folder)
            if _suffix(source) in self._opened:
                place = place.with_suffix(f".{kinds.of(self.description).suffix}")
            elif _suffix(source) in _ARRAYS:
                place = place.with_suffix(".npz")
            if place in places:
                raise InvalidRequest(f"{places[place]} and {source} would both become {place}: rename one")
            places[place] = source
        return [(source, place) for place, source in places.items()]

    @property
    def _opened(self) -> tuple[str, ...]:
        intake = kinds.of(self.description).intake
        return intake.suffixes if intake is not None else ()

    @property
    def _tables(self) -> dict[str, Any]:
        intake = kinds.of(self.description).intake
        return dict(intake.tables) if intake is not None else {}

    def _one(self, path: Path) -> np.ndarray:
        """The sample in a file, [1, *shape]."""
        intake = kinds.of(self.description).intake
        assert intake is not None
        assert intake.opened is not None
        try:
            return intake.encode([intake.opened(path.read_bytes())], self.description)
        except InvalidRequest as error:
            raise InvalidRequest(f"{path}: {error}") from error

    def _many(self, path: Path) -> np.ndarray:
        """The samples in a file of many, [n, *shape]."""
        try:
            if _suffix(path) in self._tables:
                return kinds.raw(self._tables[_suffix(path)](path), self.description)
            found = np.load(path, allow_pickle=False)
            if isinstance(found, np.lib.npyio.NpzFile):
                if "array" not in found:
                    raise InvalidRequest(f"it holds no `array`, but {', '.join(found) or 'nothing'}")
                found = found["array"]
            return kinds.raw(found, self.description)
        except InvalidRequest as error:
            raise InvalidRequest(f"{path}: {error}") from error
        except (ValueError, EOFError) as error:  # of NumPy and of pandas
            raise InvalidRequest(f"{path} cannot be read as .{_suffix(path)}: {error}") from error

    def _transform(self, content: np.ndarray) -> Transformed:
        """raises: InvalidRequest naming no file; the samples themselves were read without complaint."""
        description = self.description
        return self.client.transform(
            content,
            self.label,
            source=self.source,
            strength=self.strength,
            generator=description.name,
            version=description.version,
            digest=description.digest,
        )

    def _write(self, path: Path, moved: Transformed) -> None:
        if _suffix(path) == "npz":
            with atomic(path) as file:
                np.savez_compressed(
                    file,
                    array=moved.array,
                    class_indices=moved.class_indices,
                    labels=np.array(moved.labels),
                    source_labels=np.array(moved.source_labels),
                )
            return
        writer = Many(path, self.description, _suffix(path))
        try:
            for start in range(0, len(moved), _ROWS):
                writer.add(moved[start : start + _ROWS])
            writer.finish()
        finally:
            writer.abandon()


def _suffix(path: Path) -> str:
    """Without the point."""
    return path.suffix.lower().removeprefix(".")
