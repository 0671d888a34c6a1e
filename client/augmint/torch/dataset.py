"""Synthetic samples as a map-style PyTorch data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np

from augmint import checks
from augmint.client import Client
from augmint.errors import InvalidRequest
from augmint.reading.source import Reader, Source, SourceOptions, explained
from augmint.samples import Samples
from augmint.torch.positions import one_or_view, position
from augmint.torch.tensors import Container, Hands, Transform, data, tensors, unit_interval

# Labels that are told all at once, at most: 2 GiB.
TARGETS_LIMIT = 2**28


class SyntheticDataset(Reader, data.Dataset):
    """A map-style data set of any length that occupies no memory: sample i is made when it is asked for.

        data = SyntheticDataset("localhost:50051", length=60_000, seed=7)
        loader = DataLoader(data, batch_size=256, num_workers=2)

    `data[i]` is the same sample in every process, epoch and run with the same seed. It is (sample, class index):

    - images come as float32 [channels, height, width] in [0, 1], as torchvision's `ToTensor` gives them; with
      `transform=None` or another transform, as uint8 [channels, height, width] for it to work on (see `form`);
    - texts come as int64 [length], ids of the vocabulary that `augmint.kinds.text.vocabulary(description)` gives;
    - other kinds come as they are, in the generator's dtype and shape: rows of a table raw, float32 [columns], NaN
      where a value is missing. `transform=augmint.kinds.table.features(description)` makes features of them.

    `targets`, `classes` and `class_to_idx` are those of torchvision's data sets, for samplers and splits by class;
    `data[:1000]` is a `Subset`, which reads nothing yet.

    A batch is one call of the service, shuffled or not, through `Subset` and `random_split` too (`ConcatDataset` asks
    for one sample at a time: correct, but a call each; `mix` does better). Shuffling adds no randomness, though:
    neighbours are independent draws already, and their labels alternate, so that every batch in order is balanced.

    All samples are of the file that the service had when this object was made; when the service drops it, reading
    raises DigestMismatch or GeneratorNotFound rather than mix two generators. Works in `DataLoader` workers, forked or
    spawned.
    """

    @explained
    def __init__(
        self,
        target: str | Client,
        generator: str | None = None,
        *,
        length: int | None = None,
        transform: Transform | None = unit_interval,
        target_transform: Callable[[int], Any] | None = None,
        form: Container | None = None,
        **source: Unpack[SourceOptions],
    ) -> None:
        """length:      number of samples, from 1; must be given, for a generator has no end.
        transform:   takes one sample in this form, its result is the sample. For `spawn` it must be picklable.
        form:        "tensor": uint8 [channels, height, width]; "pil": a PIL image, as torchvision's data sets hand to
                     transforms; "array": a NumPy array uint8 [height, width, channels]. Absent: a tensor, or a PIL
                     image if `transform` has torchvision's `ToTensor` in it or takes no tensor (TypeError or
                     AttributeError at the first). With "pil" or "array" and no `transform` that is the sample.
        target_transform: takes a class index, its result is the label. Absent: the class index, an int.
        """
        if length is None:
            raise InvalidRequest(
                "length is not given, and a generator has no end: say how many samples this data set shall have, or "
                "use SyntheticStream"
            )
        self._source = Source(target, generator, **source)
        try:
            self._length = checks.whole("length", length, 1, self._source.limit)
            self._hands = Hands(transform, form, self.description)
        except InvalidRequest:
            self.close()
            raise
        self._target_transform = target_transform
        self._targets: np.ndarray | None = None

    @property
    def class_to_idx(self) -> dict[str, int]:
        """Class name to class index."""
        return {label: index for index, label in enumerate(self.classes)}

    @property
    def targets(self) -> np.ndarray:
        """int64 [len], not writable: class index of each sample, before target_transform. No sample is drawn for it.

        raises: InvalidRequest for more than 2**28 samples.
        """
        if self._targets is None:
            if self._length > TARGETS_LIMIT:
                raise InvalidRequest(f"targets of {self._length} samples at once; {TARGETS_LIMIT} are possible")
            self._targets = self._source.class_indices(np.arange(self._length))
            self._targets.flags.writeable = False
        return self._targets

    def get_labels(self) -> np.ndarray:
        """`targets`, as some samplers of other libraries ask for them."""
        return self.targets

    def samples(self, positions: Sequence[int] | np.ndarray) -> Samples:
        """Samples at these positions of the data set, each in [0, len), with their addresses; not transformed."""
        return self._source.samples(positions)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int | slice) -> Any:
        return one_or_view(self, index)

    def __getitems__(self, indices: list[int]) -> list[tuple[Any, Any]]:
        """A batch at once; `DataLoader` calls this."""
        positions = [position(index, self._length) for index in indices]
        if not positions:
            return []
        samples = self.samples(positions)
        labels: list[Any] = samples.class_indices.tolist()
        if self._target_transform is not None:
            labels = [self._target_transform(label) for label in labels]
        batch = tensors(samples, unit_interval if self._hands.whole else None)
        return list(zip(self._hands(batch), labels, strict=True))

    def __repr__(self) -> str:
        return f"SyntheticDataset({self._source.name}, length={self._length}, seed={self.seed})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_targets": None}
