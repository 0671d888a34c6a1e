"""Samples with their labels and addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, overload

import numpy as np

from augmint import kinds, notebook
from augmint.address import Address
from augmint.errors import InvalidRequest
from augmint.generators import Description


@dataclass(frozen=True)
class Sample:
    """One sample.

    array: the generator's dtype and shape, e.g. uint8 [height, width, channels]; shares memory with its Samples.
    label, class_index: its class; address: where it comes from.
    """

    array: np.ndarray
    label: str
    class_index: int
    address: Address


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of one generator and one seed, in the order asked for.

    array:         the generator's dtype, little-endian [n, *shape], e.g. uint8 [n, height, width, channels]; C order,
                   writable, owned by the caller.
    class_indices: int64 [n].
    indices:       uint64 [n], position of each sample in the seed's stream.
    description:   the generator; seed, truncation, keep, of: the rest of the address.

    `samples[3]` is a Sample; `samples[8:16]`, `samples[::2]`, `samples[array or mask]` are Samples whose labels and
    addresses follow (a slice shares memory, as in NumPy).
    """

    array: np.ndarray
    class_indices: np.ndarray
    indices: np.ndarray
    description: Description
    seed: int
    truncation: float
    keep: int = 0
    of: int = 0

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Sample]:
        return (self[position] for position in range(len(self)))

    @overload
    def __getitem__(self, key: int) -> Sample: ...
    @overload
    def __getitem__(self, key: slice | np.ndarray | list[int]) -> Samples: ...
    def __getitem__(self, key: Any) -> Sample | Samples:
        if isinstance(key, int | np.integer) and not isinstance(key, bool):
            class_index = int(self.class_indices[key])
            return Sample(
                array=self.array[key],
                label=self.description.labels[class_index],
                class_index=class_index,
                address=self._run(int(self.indices[key]), (class_index,)),
            )
        if not isinstance(key, slice):
            key = np.asarray(key)
            if key.ndim != 1 or key.dtype.kind not in "iub":
                raise IndexError("samples are indexed by an int, a slice, or one dimension of ints or bools")
        return Samples(
            array=self.array[key],
            class_indices=self.class_indices[key],
            indices=self.indices[key],
            description=self.description,
            seed=self.seed,
            truncation=self.truncation,
            keep=self.keep,
            of=self.of,
        )

    def __repr__(self) -> str:
        shape = ", ".join(map(str, self.array.shape))
        source = f"{self.description.name}/{self.description.version}"
        return f"<Samples {self.array.dtype} [{shape}] of {source}, seed {self.seed}>"

    def _repr_html_(self) -> str:
        """For notebooks: some samples of each class as a picture, or rows of a table; else a table of counts."""
        return notebook.samples_html(self)

    @property
    def labels(self) -> list[str]:
        """Class name of each sample."""
        return [self.description.labels[index] for index in self.class_indices.tolist()]

    @property
    def address(self) -> Address:
        """The run that these samples are; InvalidRequest if they are several runs (see `addresses`) or none."""
        runs = self.addresses
        if len(runs) != 1:
            raise InvalidRequest(f"{len(self)} samples of {len(runs)} separate runs have no single address: .addresses")
        return runs[0]

    @property
    def addresses(self) -> list[Address]:
        """The contiguous runs that these samples are made of, in order."""
        if not len(self):
            return []
        # Unsigned subtraction wraps, so a step backwards is a break too.
        breaks = np.flatnonzero(np.diff(self.indices) != 1) + 1
        return [
            self._run(int(self.indices[run[0]]), tuple(self.class_indices[run].tolist()))
            for run in np.split(np.arange(len(self)), breaks)
        ]

    def to_images(self) -> list[Any]:
        """PIL images, one per sample: mode L for gray, RGB for colour.

        raises: InvalidRequest if the generator makes something else, MissingExtra without Pillow.
        """
        kind = kinds.of(self.description)
        if not kind.pictures:
            raise InvalidRequest(f"generator {self.description.name!r} makes {self.description.kind}, not images")
        return list(kind.objects(self))

    def to_audio(self) -> tuple[np.ndarray, int]:
        """The sounds, float32 [n, frames] in [-1, 1] ([n, frames, channels] if there are several), and frames a second.

        raises: InvalidRequest if the generator makes something else.
        """
        sound = kinds.of(self.description).sound
        if sound is None:
            raise InvalidRequest(f"generator {self.description.name!r} makes {self.description.kind}, not sounds")
        return sound(self)

    def to_midi(self) -> list[Any]:
        """A mido.MidiFile for each sample: type 1, a track with tempo and metre, then one for each track of the sample.

        `file.save("tune.mid")` writes one. Tempo, metre and instruments are those of the data that the generator
        learned from; where it does not know them the file says nothing, and players take 120 a minute, 4/4, a piano.
        raises: InvalidRequest if the generator makes something else, MissingExtra without mido.
        """
        midis = kinds.of(self.description).midis
        if midis is None:
            raise InvalidRequest(f"generator {self.description.name!r} makes {self.description.kind}, not music")
        return midis(self)

    def to_frame(self) -> Any:
        """A pandas DataFrame [n, columns + 1], a row per sample, of a table's generator.

        Columns are the table's, in its order, each with one dtype whatever the rows are:
        category   all categories of the generator, in its order; missing: NaN.
        Int64      whole numbers that may be missing (pandas.NA); int64 if none ever is.
        boolean    true or false, pandas.NA; bool if none ever is missing.
        float64    numbers, with as many digits as the real ones; missing: NaN.
        datetime64[us]   dates, and dates with a time (UTC, to the second); missing: NaT.

        The last column is the label, under the name that it had in the real table (else "label"): a category of all
        labels of the generator, which are text: `frame["y"].astype(int)` where they are whole numbers,
        `frame["y"] == "True"` where they are truth values.
        raises: InvalidRequest if the generator makes something else, MissingExtra without pandas.
        """
        frame = kinds.of(self.description).frame
        if frame is None:
            raise InvalidRequest(
                f"generator {self.description.name!r} makes {self.description.kind}, not rows of a table"
            )
        return frame(self)

    def to_text(self) -> list[str]:
        """The texts, a str of each sample.

        raises: InvalidRequest if the generator makes something else.
        """
        found = kinds.of(self.description).texts
        if found is None:
            raise InvalidRequest(f"generator {self.description.name!r} makes {self.description.kind}, not texts")
        return found(self)

    def _run(self, start_index: int, class_indices: tuple[int, ...]) -> Address:
        return Address(
            generator=self.description.name,
            version=self.description.version,
            digest=self.description.digest,
            seed=self.seed,
            start_index=start_index,
            class_indices=class_indices,
            truncation=self.truncation,
            keep=self.keep,
            of=self.of,
        )


@dataclass(frozen=True)
class Moved:
    """One sample that was carried into another class.

    array: the generator's dtype and shape; label, class_index: the class that it was carried into; source_label: the
    one that it was of.
    """

    array: np.ndarray
    label: str
    class_index: int
    source_label: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Transformed(Samples):
    """Samples that were carried into other classes, in the order in which they were sent: `Client.transform`.

    class_indices: int64 [n], carried into. source_class_indices: int64 [n], taken to be of. strength: in [0, 1].
    indices:       uint64 [n], position among those sent.

    They have no address: the same samples, sent again, give them again.
    """

    source_class_indices: np.ndarray
    strength: float

    @property
    def source_labels(self) -> list[str]:
        """Class name that each sample was taken to be of."""
        return [self.description.labels[index] for index in self.source_class_indices.tolist()]

    @property
    def addresses(self) -> list[Address]:
        """InvalidRequest: there are none."""
        raise InvalidRequest("samples that were carried into another class have no address: send them again instead")

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int | np.integer) and not isinstance(key, bool):
            class_index, source = int(self.class_indices[key]), int(self.source_class_indices[key])
            labels = self.description.labels
            return Moved(self.array[key], labels[class_index], class_index, labels[source])
        part = super().__getitem__(key)
        where = key if isinstance(key, slice) else np.asarray(key)
        return Transformed(
            **{field.name: getattr(part, field.name) for field in fields(Samples)},
            source_class_indices=self.source_class_indices[where],
            strength=self.strength,
        )

    def __repr__(self) -> str:
        shape = ", ".join(map(str, self.array.shape))
        source = f"{self.description.name}/{self.description.version}"
        return f"<Transformed {self.array.dtype} [{shape}] by {source}, strength {self.strength:g}>"
