"""Synthetic samples as a PyTorch data set."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from augmint import checks, extras
from augmint.address import INDEX_LIMIT, SEED_LIMIT, check_truncation
from augmint.client import Client
from augmint.samples import Samples

if TYPE_CHECKING:
    import torch
    from torch.utils.data import Dataset
else:
    torch = extras.load("torch", "torch")
    Dataset = extras.load("torch.utils.data", "torch").Dataset


def _unit_interval(array: np.ndarray) -> np.ndarray:
    return np.divide(array, np.float32(255)) if array.dtype == np.uint8 else array


def unit_interval(sample: torch.Tensor) -> torch.Tensor:
    """uint8 -> float32 in [0, 1], any shape (torchvision's `ToTensor` without the layout); other dtypes unchanged."""
    return torch.from_numpy(_unit_interval(sample.numpy()))


class SyntheticDataset(Dataset):
    """A map-style data set of any length that occupies no memory: sample i is made when it is asked for.

        data = SyntheticDataset("localhost:50051", length=60_000, seed=7)
        loader = DataLoader(data, batch_size=256, num_workers=2)

    `data[i]` is the same sample in every process, epoch and run with the same seed. It is (sample, class index):

    - images come as float32 [channels, height, width] in [0, 1], as torchvision's `ToTensor` gives them; with
      `transform=None` or another transform, as uint8 [channels, height, width] for it to work on;
    - other kinds come as they are, in the generator's dtype and shape.

    A batch is one call of the service, shuffled or not. Shuffling adds no randomness, though: neighbours are
    independent draws already, and their labels alternate, so that every batch in order is balanced.

    All samples are of the file that the service had when this object was made; when the service drops it, reading
    raises DigestMismatch or GeneratorNotFound rather than mix two generators. Works in `DataLoader` workers, forked or
    spawned.
    """

    def __init__(
        self,
        target: str | Client,
        generator: str | None = None,
        *,
        length: int,
        labels: Sequence[str] | Sequence[int] | None = None,
        seed: int | None = None,
        start_index: int = 0,
        truncation: float | None = None,
        version: int | None = None,
        transform: Callable[[torch.Tensor], Any] | None = unit_interval,
    ) -> None:
        """target:   HOST:PORT, or a Client, which then stays open when this data set is closed.
        generator:   name. Absent: the only one. version: from 1. Absent: the default now.
        length:      number of samples, from 1.
        labels:      names or class indices; sample i is of labels[i % len(labels)], so that each has the same share and
                     one named twice has two. Absent: all, in order.
        seed:        in [0, 2**64). Absent: a random one; `data.seed` tells it.
        start_index: position of sample 0 in the seed's stream; start_index + length is at most 2**48. Data sets of one
                     seed that do not overlap there have no sample in common.
        truncation:  in (0, 2]. Absent: 1, as trained.
        transform:   takes a tensor (see above), its result is the sample. For `spawn` it must be picklable.
        raises:      InvalidRequest, GeneratorNotFound, Unavailable, as `Client.describe`.
        """
        self._length = checks.whole("length", length, 1, INDEX_LIMIT)
        self._start = checks.whole("start_index", start_index, 0, INDEX_LIMIT - length)
        self._truncation = None if truncation is None else check_truncation(truncation)
        self._transform = transform
        self.seed = secrets.randbits(64) if seed is None else checks.whole("seed", seed, 0, SEED_LIMIT - 1)
        self._owns_client = isinstance(target, str)
        self._client = Client(target) if isinstance(target, str) else target
        try:
            self.description = self._client.describe(generator, version)
            self._cycle = (
                np.arange(len(self.description.labels)) if labels is None else self.description.class_indices(labels)
            )
        except BaseException:
            self.close()
            raise

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in order of class index."""
        return self.description.labels

    def samples(self, positions: Sequence[int] | np.ndarray) -> Samples:
        """Samples at these positions of the data set, each in [0, len), with their addresses; not transformed."""
        where = np.asarray(positions, np.int64)
        return self._client.fetch(
            where + self._start,
            self._cycle[where % len(self._cycle)],
            seed=self.seed,
            truncation=self._truncation,
            generator=self.description.name,
            version=self.description.version,
            digest=self.description.digest,
        )

    def close(self) -> None:
        """Disconnect, unless the client was handed in."""
        if self._owns_client:
            self._client.close()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[tuple[Any, int]]:
        """A batch at once; `DataLoader` calls this."""
        positions = [self._position(index) for index in indices]
        if not positions:
            return []
        samples = self.samples(positions)
        array, transform = samples.array, self._transform
        if transform is unit_interval:
            # The whole batch at once, and by NumPy: the same result, where PyTorch would wake its threads for it (20 ms
            # rather than 0.3 for 256 small images, on two busy cores).
            array, transform = _unit_interval(array), None
        tensors = torch.from_numpy(array)
        if self.description.kind == "image":
            tensors = tensors.permute(0, 3, 1, 2)
        ready = tensors if transform is None else [transform(tensor) for tensor in tensors]
        return list(zip(ready, samples.class_indices.tolist(), strict=True))

    def __repr__(self) -> str:
        source = f"{self.description.name}/{self.description.version}"
        return f"SyntheticDataset({source}, length={self._length}, seed={self.seed})"

    def _position(self, index: int) -> int:
        position = int(index)
        if not -self._length <= position < self._length:
            raise IndexError(f"index {position} of a data set of {self._length} samples")
        return position % self._length
