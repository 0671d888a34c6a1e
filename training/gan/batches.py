"""The batches of a run: which real samples and which latents each step sees, as a function of seed and step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from service.artifact import mix_seed
from training.data import Samples, Subset
from training.data.kind import Kind
from training.networks import Chance, drawn


def _free_memory(device: torch.device) -> float:
    """Bytes; without end on a CPU, where the samples are already."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else math.inf


@dataclass(frozen=True)
class Batch:
    """real: encoded; label int64 [n]; latent float32 [n, latent_size]; chance: what else the generator takes."""

    real: Tensor
    label: Tensor
    latent: Tensor
    chance: tuple[Tensor, ...] = ()


class Batches:
    """Draws classes by count ** balance, then samples of the class, with replacement.

    Balance 1/2 gives rare classes more than their share of gradient without replaying their few samples as often as
    an even draw would. The samples stay on the device, raw, if they fill at most half of its free memory; else each
    batch is fetched from the host, or from the file that they are mapped from.
    """

    def __init__(
        self,
        encode: Callable[[Tensor], Tensor],
        samples: Samples,
        labels: np.ndarray,
        classes: int,
        *,
        balance: float,
        batch_size: int,
        latent_size: int,
        taken: Chance,
        seed: int,
        rank: int,
        device: torch.device,
        members: np.ndarray | None = None,
    ) -> None:
        """encode: from raw samples to what is learned from; samples: raw, of the kind, [n, *shape].

        labels: int64 [n], no class empty; taken: by the generator; members: positions to draw from, if not all.
        """
        self._encode = encode
        members = np.arange(len(labels)) if members is None else members
        order = members[np.argsort(labels[members], kind="stable")]
        counts = np.bincount(labels[members], minlength=classes)
        self._fetch = (
            self._from_disk(samples, order) if isinstance(samples, Subset) else self._held(samples, order, device)
        )
        self._counts = torch.from_numpy(counts).to(device)
        self._starts = torch.from_numpy(np.cumsum(counts) - counts).to(device)
        self._probabilities = torch.from_numpy(counts**balance / np.sum(counts**balance)).float().to(device)
        self._batch_size, self._latent_size, self._taken = batch_size, latent_size, taken
        self._seed, self._rank, self._device = seed, rank, device
        # One generator, seeded anew for every step: a resumed run goes on with the same numbers.
        self.random = torch.Generator(device)

    @staticmethod
    def _held(samples: np.ndarray, order: np.ndarray, device: torch.device) -> Callable[[Tensor], Tensor]:
        home = device if samples.nbytes <= _free_memory(device) / 2 else torch.device("cpu")
        held = torch.from_numpy(samples[order]).to(home)
        return lambda position: held[position.to(home)]

    @staticmethod
    def _from_disk(samples: Subset, order: np.ndarray) -> Callable[[Tensor], Tensor]:
        return lambda position: torch.from_numpy(samples[order[position.cpu().numpy()]])

    def seed_step(self, step: int) -> int:
        """Start the random numbers of a step; augmentation and noise of the step follow on `self.random`.

        Returns the step's seed, at least 0.
        """
        seed = int(mix_seed(self._seed + (step << 20) + self._rank)) >> 1
        self.random.manual_seed(seed)
        return seed

    def labels(self, n: int) -> Tensor:
        """Classes for n samples, by the run's class probabilities: int64 [n]."""
        return torch.multinomial(self._probabilities, n, replacement=True, generator=self.random)

    def latents(self, n: int) -> Tensor:
        """float32 [n, latent_size], standard normal."""
        return torch.randn(n, self._latent_size, generator=self.random, device=self._device)

    def chance(self, n: int) -> tuple[Tensor, ...]:
        """What a generator takes beside latent and label."""
        return drawn(n, self._taken, self.random, self._device)

    def inputs(self, n: int) -> tuple[Tensor, ...]:
        """Latents, labels and chance of n samples: all that a generator takes."""
        return (self.latents(n), self.labels(n), *self.chance(n))

    def batch(self) -> Batch:
        """The batch of the step that seed_step named."""
        label = self.labels(self._batch_size)
        share = torch.rand(self._batch_size, generator=self.random, device=self._device, dtype=torch.float64)
        position = self._starts[label] + (share * self._counts[label]).long()
        real = self._encode(self._fetch(position).to(self._device))
        return Batch(real, label, self.latents(self._batch_size), self.chance(self._batch_size))


COUNTED = 100_000  # samples, of which frequencies are counted
_PAGE = 1024


def pages(kind: Kind, samples: Samples, labels: np.ndarray) -> Iterator[tuple[Tensor, Tensor]]:
    """The training split, evenly thinned out to COUNTED samples: float32 [n, *form] and int64 [n] at a time."""
    kept = np.arange(0, len(labels), -(-len(labels) // COUNTED))
    for start in range(0, len(kept), _PAGE):
        positions = kept[start : start + _PAGE]
        yield kind.encode(torch.from_numpy(samples[positions])), torch.from_numpy(labels[positions])
