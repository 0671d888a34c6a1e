"""Synthetic samples as NumPy arrays, fetched ahead of their consumer: for JAX, or a loop of one's own.

Needs no framework; those of the plug-ins that have a data set class of their own are made of this.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from typing import Any, Unpack

import numpy as np

from augmint import checks
from augmint.client import Client
from augmint.reading.cursor import StreamCursor
from augmint.reading.partition import Ranks, Share, alone, given, one_seed, shares
from augmint.reading.prefetch import Meter, Prefetch, Stats
from augmint.reading.source import Reader, Source, SourceOptions, explained
from augmint.samples import Samples


class ArrayStream(Reader):
    """Batches (array, class indices) of an endless sequence, the same in every run with the same seed.

        with ArrayStream("localhost:50051", batch_size=256, length=60_000, seed=7) as stream:
            for images, labels in stream:  # uint8 [256, height, width, channels], int64 [256]
                ...

    Positions 0, 1, 2, ... are one global sequence. A step of R ranks with batches of b takes the next R b positions,
    rank r the r-th b of them (JAX: rank=jax.process_index(), world_size=jax.process_count()). The state is one integer,
    the global position, from which any other number of ranks goes on exactly.

    Arrays are in the generator's dtype, in C order, owned by the caller. With a length every loop reads a pass of so
    many samples and the next loop the samples behind it, even if the first was left half-way; without, a loop goes on
    where the last one was left. To go on within a pass, load its state. Picklable; a copy connects by itself.
    """

    @explained
    def __init__(
        self,
        target: str | Client,
        generator: str | None = None,
        *,
        batch_size: int,
        length: int | None = None,
        rank: int | None = None,
        world_size: int | None = None,
        prefetch_bytes: int = 2**26,
        **source: Unpack[SourceOptions],
    ) -> None:
        """batch_size: samples per batch on each rank, from 1.
        length:  samples of one pass over all ranks. A last step with less than a batch per rank is divided among them;
                 less than a sample per rank is left out. Absent: a pass has no end.
        prefetch_bytes: of samples that may lie ready; at least two batches are kept ahead.
        rank, world_size: of this process, rank in [0, world_size); several need the same seed. Absent: one of one,
                 which is refused where the environment (WORLD_SIZE, by torchrun) speaks of more.
        """
        self._batch_size = checks.whole("batch_size", batch_size, 1, 2**20)
        self._share = given(rank, world_size)
        self._bytes = checks.whole("prefetch_bytes", prefetch_bytes, 1, 2**40)
        self._source = Source(target, generator, **source)
        try:
            self._cursor = StreamCursor("an ArrayStream", self._source, length, source.get("seed") is not None)
        except BaseException:
            self.close()
            raise
        self._meter = Meter()

    @property
    def position(self) -> int:
        """Global position of the next step."""
        return self._cursor.position

    @property
    def stats(self) -> Stats:
        """How loops over it went: samples, and the share of the time that they waited."""
        return self._meter.stats()

    def state_dict(self) -> dict[str, Any]:
        """Where it stands and what it reads, as plain values for JSON."""
        return self._cursor.state()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on there, in the next loop, with any number of ranks.

        raises: InvalidRequest if it is of other samples; GeneratorNotFound or DigestMismatch if the service has its
                file no longer. A seed or version that was not given is taken from the state.
        """
        self._cursor.load_state(state)

    def set_epoch(self, epoch: int) -> None:
        """The next loop reads the pass of this number, from 0; without a length there is one pass, and it goes on."""
        self._cursor.go_to(checks.whole("epoch", epoch, 0, 2**48))

    def batch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """This rank's batch of the number-th step from the very beginning, wherever the loop is; without prefetch."""
        rank, ranks = self._resolve_ranks()
        first = (checks.whole("number", number, 0, 2**48) * ranks + rank) * self._batch_size
        last = first + self._batch_size
        if self._cursor.length is not None:
            last = min(last, self._cursor.length)
        if first >= last:
            raise IndexError(f"batch {number} is behind the end")
        samples = self._source.samples(np.arange(first, last))
        return samples.array, samples.class_indices

    def __len__(self) -> int:
        """Steps of a whole pass; TypeError if it has no end."""
        return self._cursor.steps(self._batch_size, (self._share or (0, 1))[1])

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        self._cursor.begin()
        return self._loop()

    def _loop(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        reading = self._cursor.enter(self._resolve_ranks()[1])
        with contextlib.closing(self._read(reading.first, reading.end)) as batches:
            for position, batch in batches:
                reading.delivered(position)
                yield batch
        reading.finished()

    def again(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """One loop that begins where the stream stands and leaves it there: the same samples every time."""
        start, limit = self._cursor.position, self._source.limit
        end = limit if self._cursor.length is None else min(start + self._cursor.length, limit)
        for _, batch in self._read(start, end):
            yield batch

    def _read(self, start: int, end: int) -> Generator[tuple[int, tuple[np.ndarray, np.ndarray]], None, None]:
        """This rank's batches from `start` to before `end`, each with the position after its step."""
        size = int(np.prod(self.description.shape)) * self.description.dtype.itemsize * self._batch_size
        orders = shares(start, end, self._batch_size, *self._resolve_ranks())
        self._meter.begin()
        with contextlib.closing(Prefetch(orders, self._fetch, max(2, self._bytes // size))) as arrived:
            while True:
                try:
                    with self._meter.waiting():
                        share, samples = next(arrived)
                except StopIteration:
                    return
                self._meter.ahead = arrived.distance.value
                self._meter.delivered(len(samples))
                yield share.after, (samples.array, samples.class_indices)

    def _resolve_ranks(self) -> Ranks:
        share = self._share or alone("this stream was told of no rank: give rank and world_size")
        one_seed(share[1], self._cursor.same_seed)
        return share

    def _fetch(self, share: Share) -> tuple[Share, Samples]:
        return share, self._source.samples(np.arange(share.first, share.last))

    def __enter__(self) -> ArrayStream:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ArrayStream({self._source.name}, batch_size={self._batch_size}, seed={self.seed})"
