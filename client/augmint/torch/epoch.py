"""One epoch of a mixture: its items, how a loop takes them in batches, and which epoch comes next."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from augmint.errors import InvalidRequest
from augmint.reading import mixing
from augmint.reading.cursor import Cursor, Pass
from augmint.reading.dealing import Epoch
from augmint.reading.partition import Share
from augmint.reading.prefetch import Meter, Prefetch
from augmint.reading.source import Source
from augmint.torch.loader import Reading
from augmint.torch.reals import Reals
from augmint.torch.tensors import data

# Batches whose synthetic samples are fetched before they are needed, at most.
_BATCHES_AHEAD = 16

# Real samples as the generator has them, and its class index of each.
Originals = tuple[np.ndarray, np.ndarray]


class MixedEpoch(data.Dataset):
    """The items of an epoch, in its order; it does not change when the mixture goes on to another one."""

    def __init__(
        self,
        reals: Reals,
        source: Source,
        plan: Epoch,
        transform: Callable[[Any], Any] | None,
        target_transform: Callable[[Any], Any] | None,
        flag: bool,
    ) -> None:
        """As `mix`. plan: what is in the epoch, and in which order."""
        self.plan = plan
        self._reals, self._source = reals, source
        self._transform, self._target_transform, self._flag = transform, target_transform, flag
        self._ahead: Prefetch[tuple[list[int], Originals | None], tuple[list[int], list[Any]]] | None = None

    def __len__(self) -> int:
        return len(self.plan)

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """A batch at once; `DataLoader` calls this."""
        drawn = None
        if self._ahead is not None:
            ordered, drawn = next(self._ahead)
            if ordered != list(indices):
                raise InvalidRequest("a loader of this data set is under way; end it before reading otherwise")
        places, positions, synthetic = self.plan.at(indices)
        real = iter(self._reals.pairs(positions.tolist()))
        made = iter(self._make(indices, self._originals(indices)) if drawn is None else drawn)
        numbers = iter(self.plan.classes[synthetic].tolist())
        items = []
        for is_real in places.tolist():
            sample, label = next(real) if is_real else (next(made), self._reals.label(next(numbers)))
            if self._transform is not None:
                sample = self._transform(sample)
            if self._target_transform is not None:
                label = self._target_transform(label)
            items.append(self._reals.item(sample, label, not is_real if self._flag else None))
        return items

    def _originals(self, indices: Sequence[int]) -> Originals | None:
        """The real samples that synthetic ones of these are made of, and their classes; None: all are drawn.

        Read by the thread that reads the others, since a data set need not bear more than one.
        """
        _, _, chosen = self.plan.at(indices)
        positions = self.plan.origins[chosen]
        positions = positions[positions >= 0]
        return self._reals.originals(positions.tolist()) if len(positions) else None

    def _make(self, indices: Sequence[int], originals: Originals | None) -> list[Any]:
        """The synthetic ones of these samples, in the form of the real ones; a call per way of making them."""
        _, _, chosen = self.plan.at(indices)
        numbers = self.plan.classes[chosen]
        made: list[Any] = [None] * len(chosen)
        carried = np.flatnonzero(self.plan.origins[chosen] >= 0)
        if originals is not None:
            content, sources = originals
            samples = self._source.transform(content, self._reals.generators[numbers[carried]], sources)
            for place, sample in zip(carried.tolist(), self._reals.form(samples), strict=True):
                made[place] = sample
        self._draw(chosen, numbers, made)
        return made

    def _draw(self, chosen: np.ndarray, numbers: np.ndarray, drawn: list[Any]) -> None:
        """Fill in those that are drawn. chosen: positions in the plan's classes; numbers: the class of each."""
        ways: dict[tuple[float, int, int], list[int]] = {}
        for place, number in enumerate(numbers.tolist()):
            if self.plan.origins[chosen[place]] >= 0:
                continue
            entry = self._reals.advice[number]
            ways.setdefault((entry.truncation, entry.keep, entry.of), []).append(place)
        for way, places in ways.items():
            where = chosen[places] + self.plan.number * mixing.SYNTHETIC_LIMIT
            samples = self._source.fetch(where, self._reals.generators[numbers[places]], *way)
            for place, sample in zip(places, self._reals.form(samples), strict=True):
                drawn[place] = sample

    def read(self, reading: Pass, mine: Sequence[Share], num_workers: int, meter: Meter, options: Any) -> Reading:
        """Batches of these shares, and what notes that one was delivered; threads fetch ahead if no workers do.

        options: of `DataLoader`.
        """
        items = copy.copy(self)  # each loop fetches ahead for itself
        batches = data.DataLoader(items, batch_sampler=_Batches(mine), num_workers=num_workers, **options)
        return iter(batches), items._steps(reading, mine, num_workers == 0, meter)

    def _steps(
        self, reading: Pass, mine: Sequence[Share], prefetch: bool, meter: Meter
    ) -> Generator[Callable[[], None], None, None]:
        def delivered(share: Share) -> None:
            reading.delivered(share.after)
            meter.delivered(share.last - share.first)

        if prefetch:
            tasks = ((indices, self._originals(indices)) for indices in _Batches(mine))
            self._ahead = Prefetch(tasks, lambda task: (task[0], self._make(*task)), _BATCHES_AHEAD)
        try:
            for share in mine:
                yield partial(delivered, share)
        finally:
            if self._ahead is not None:
                self._ahead.close()
                self._ahead = None
        reading.finished()


class _Batches:
    """What a DataLoader takes as its batch sampler: positions, of these shares."""

    def __init__(self, mine: Sequence[Share]) -> None:
        self._mine = mine

    def __iter__(self) -> Iterator[list[int]]:
        return (list(range(share.first, share.last)) for share in self._mine)

    def __len__(self) -> int:
        return len(self._mine)


class Epochs(Cursor):
    """Of a mixture, whose epochs may differ in size; positions are those in an epoch."""

    def __init__(self, arrange: Callable[[int], int]) -> None:
        """arrange: deals and shuffles the epoch of a number, and says how many samples it has."""
        self._arrange = arrange
        super().__init__()

    def bounds(self, number: int) -> tuple[int, int]:
        return 0, self._arrange(number)
