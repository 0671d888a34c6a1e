"""Synthetic samples as an iterable PyTorch data set that fetches ahead of the training step."""

from __future__ import annotations

import copy
import functools
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Unpack

import numpy as np

from augmint import checks, kinds
from augmint.client import Client
from augmint.reading.cursor import Pass, StreamCursor
from augmint.reading.partition import Share, shares
from augmint.reading.prefetch import Meter, Prefetch, Stats
from augmint.reading.source import Reader, Source, SourceOptions, explained
from augmint.samples import Samples
from augmint.torch import ranks, readers
from augmint.torch.loader import Loader, Reading
from augmint.torch.passes import Announced
from augmint.torch.tensors import Hands, Transform, data, tensors, torch, unit_interval

# Samples up to which small batches are fetched several in one call: a call costs the client a millisecond.
_SAMPLES_PER_CALL = 256


class SyntheticStream(Reader, data.IterableDataset):
    """A stream of batches (samples, class indices), fetched while the training step before them runs.

        stream = SyntheticStream("localhost:50051", batch_size=256, seed=7)
        for images, labels in stream.loader(num_workers=2):  # or in `stream` itself: threads fetch ahead all the same
            ...

    Samples are as in SyntheticDataset, batches are tensors [batch, ...] and int64 [batch].

    **Order.** Positions 0, 1, 2, ... are one global sequence. A step of R ranks with batches of b takes the next R b
    positions, rank r the r-th b of them. Workers change nothing. So the samples that all ranks together see, and their
    order, are the same for any number of ranks and workers as long as R b is; and the state is one integer, the global
    position, from which any other number of ranks and workers goes on exactly.

    **Passes.** With a length every loop reads a pass of that many samples, and the next loop the samples behind it,
    whatever became of the last one: ended, left half-way, failed. Without a length there is one pass, and a loop goes
    on where the last one was left, so that nothing comes twice. `set_epoch` chooses the pass.

    **Resume.** `state_dict()` after a step, `load_state_dict()` before the next loop, which then reads the rest of that
    pass. Beside the position the state names seed, file and labels, so that a resumed job cannot silently read
    something else. It counts the batches delivered; taken behind the last one, it is the beginning of the next pass.

    **Workers.** Take `loader(num_workers)`, which does all this with any number of them. In any other `DataLoader` with
    workers (write `batch_size=None`) each of them has a copy of this object and its place, so every pass is the one at
    which this object stands; `set_epoch` before each gives new samples, with `persistent_workers`, too. torchdata's
    `StatefulDataLoader` asks the workers for their state.

    **Ranks** are those of torch.distributed if it is initialised, or as given; all need the same seed. Trainers that
    divide what a `DataLoader` gives leave `loader()` alone; where one of accelerate divides this stream, it does not.

    Every wait is bounded by the client's timeout; a replica that dies is retried at the same position. Leaving the loop
    ends the threads.
    """

    @explained
    def __init__(
        self,
        target: str | Client,
        generator: str | None = None,
        *,
        batch_size: int,
        length: int | None = None,
        transform: Transform | None = unit_interval,
        target_transform: Callable[[int], Any] | None = None,
        rank: int | None = None,
        world_size: int | None = None,
        prefetch_bytes: int = 2**26,
        **source: Unpack[SourceOptions],
    ) -> None:
        """batch_size: samples per batch on each rank, from 1.
        length:     samples of one pass over all ranks; the next pass goes on behind it, with new samples. A last step
                    with less than a batch per rank is divided among them; less than a sample per rank is left out.
                    Absent: a pass has no end.
        rank, world_size: of this process. Absent: torch.distributed's, or one of one.
        prefetch_bytes: of samples that may lie ready, per process; at least two fetches are kept ahead.
        transform, target_transform: of one sample (a tensor, or a PIL image if it takes no tensor) and
                    one class index; results are put together by PyTorch's `default_collate`. Absent: nothing.
        """
        super().__init__()
        self._batch_size = checks.whole("batch_size", batch_size, 1, 2**20)
        self._prefetch_bytes = checks.whole("prefetch_bytes", prefetch_bytes, 1, 2**40)
        self._ranks = ranks.given(rank, world_size)
        self._transform = transform
        self._target_transform = target_transform
        self._source = Source(target, generator, **source)
        try:
            self._hands = Hands(transform, None, self.description)
            self._cursor = StreamCursor("a SyntheticStream", self._source, length, source.get("seed") is not None)
        except BaseException:
            self.close()
            raise
        self._announced = Announced()
        self._home: tuple[int, int] | None = None  # in a worker: pass and position at which every pass begins
        self._resumed = False  # in a worker: whether a state of its own was loaded for the coming pass
        self._led = False  # whether a Loader says what is read, and begins anew with each pass
        self._meter = Meter()

    # -- what it is ---------------------------------------------------------------------------------------

    @property
    def position(self) -> int:
        """Global position of the next step: samples that all ranks together have taken."""
        return self._cursor.position

    def samples(self, positions: Sequence[int] | np.ndarray) -> Samples:
        """Samples at these global positions, with their addresses; not transformed."""
        return self._source.samples(positions)

    def stats(self) -> Stats:
        """How long the loop over this stream, or over its `loader()`, has waited for samples."""
        return self._meter.stats()

    def __len__(self) -> int:
        """Batches of one whole pass on this rank; TypeError if it has no end."""
        return self._cursor.steps(self._batch_size, 1 if self._cursor.endless else self._resolve_ranks()[1])

    def __repr__(self) -> str:
        name, seed = self._source.name, self.seed
        return f"SyntheticStream({name}, batch_size={self._batch_size}, seed={seed}, position={self.position})"

    # -- reading ------------------------------------------------------------------------------------------

    def loader(self, num_workers: int = 0, **options: Any) -> Loader:
        """A `DataLoader` over this stream that keeps its position and measures its stall share.

        num_workers: processes that fetch, decode and transform; 0: threads of this one.
        options:     of `DataLoader`, such as pin_memory and multiprocessing_context.
        """

        def enter() -> Reading:
            if not num_workers:
                return iter(data.DataLoader(self, batch_size=None, **options)), None
            self._meter.begin()
            share = self._resolve_ranks()
            reading = self._cursor.enter(share[1])
            copied = copy.copy(self)
            copied._cursor, copied._led = self._cursor.at(reading), True
            batches = iter(data.DataLoader(copied, batch_size=None, num_workers=num_workers, **options))
            return batches, self._steps(reading, share)

        return Loader(self, self._meter, self._cursor.begin, enter, self.__len__)

    def set_epoch(self, epoch: int) -> None:
        """The next pass is the one of this number, from 0; the rest of it, where a state in it was loaded.

        Not needed where this object or its `loader()` is iterated: they count by themselves. Without a length there is
        one pass, and this changes nothing.
        """
        number = checks.whole("epoch", epoch, 0, 2**48)
        readers.divider(self._ranks and self._ranks[1])  # accelerate calls this on all ranks, before it reads on one
        self._cursor.go_to(number)
        self._announced.tell(number)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        readers.refuse_batching(self)
        worker = data.get_worker_info()
        if worker is None:
            self._cursor.begin()
            return self._read(0, 1)
        if not self._led:
            self._place_in_worker(worker.id)
        return self._read(worker.id, worker.num_workers)

    def _place_in_worker(self, worker: int) -> None:
        """Workers agree on where a pass begins by what they were given; each has read other parts of the last one."""
        self._settle()
        news = self._announced.news()
        if news is not None and not self._cursor.endless:
            self._home = news, self._cursor.bounds(news)[0]
        if self._resumed:
            self._resumed = False
            return
        assert self._home is not None
        self._cursor.load(*self._home)
        if self._cursor.midway and not worker:
            warnings.warn(
                f"the state loaded is in the middle of a pass (position {self.position}), and the workers of a plain "
                "DataLoader begin every pass there: iterate stream.loader(num_workers=...), or torchdata's "
                "StatefulDataLoader",
                stacklevel=3,
            )

    def _settle(self) -> None:
        """Remember at which place this copy came into its worker."""
        if self._home is None:
            self._cursor.begin()
            self._home = self._cursor.number, self._cursor.position

    def _steps(self, reading: Pass, share: ranks.Ranks) -> Generator[Callable[[], None], None, None]:
        for step in shares(reading.first, reading.end, self._batch_size, *share):
            yield functools.partial(self._delivered, reading, step)
        reading.finished()

    def _read(self, worker: int, workers: int) -> Iterator[tuple[Any, Any]]:
        self._meter.begin()
        share = self._resolve_ranks()
        reading = self._cursor.enter(share[1])
        mine = shares(reading.first, reading.end, self._batch_size, *share, worker, workers)
        ahead = Prefetch(self._calls(mine), self._fetch, self._farthest())
        try:
            while True:
                with self._meter.waiting():
                    batches = next(ahead, None)
                if batches is None:
                    break
                self._meter.ahead = ahead.distance.value
                for step, batch, labels in batches:
                    ready = self._transformed(batch, labels)
                    self._delivered(reading, step)
                    yield ready
        finally:
            ahead.close()
        if data.get_worker_info() is None:  # there, other workers may not be through
            reading.finished()

    def _delivered(self, reading: Pass, step: Share) -> None:
        reading.delivered(step.after)
        self._meter.delivered(step.last - step.first)

    def _per_call(self) -> int:
        """Batches that one fetch is made of."""
        return max(1, min(_SAMPLES_PER_CALL, self.description.page) // self._batch_size)

    def _farthest(self) -> int:
        shape, dtype = self.description.shape, self.description.dtype
        kind = kinds.of(self.description)
        floats = self._transform is unit_interval and (kind.pictures or kind.floats is not None)
        size = 4 if floats else dtype.itemsize
        return max(2, self._prefetch_bytes // (self._per_call() * self._batch_size * int(np.prod(shape)) * size))

    def _calls(self, mine: Iterator[Share]) -> Iterator[list[Share]]:
        count = self._per_call()
        call: list[Share] = []
        for share in mine:
            call.append(share)
            if len(call) == count:
                yield call
                call = []
        if call:
            yield call

    def _fetch(self, call: list[Share]) -> list[tuple[Share, torch.Tensor, torch.Tensor]]:
        """One call of the service; on a thread."""
        samples = self._source.samples(np.concatenate([np.arange(share.first, share.last) for share in call]))
        sizes = [share.last - share.first for share in call]
        batches = tensors(samples, self._transform).split(sizes)
        return list(zip(call, batches, torch.from_numpy(samples.class_indices).split(sizes), strict=True))

    def _transformed(self, batch: torch.Tensor, labels: torch.Tensor) -> tuple[Any, Any]:
        # In the consumer's thread, in order: a transform may draw random numbers.
        ready: Any = batch
        if self._transform not in (None, unit_interval):
            ready = data.default_collate(self._hands(batch))
        if self._target_transform is None:
            return ready, labels
        return ready, data.default_collate([self._target_transform(label) for label in labels.tolist()])

    # -- state --------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The position, and what it is a position in; plain values."""
        state = self._cursor.state()
        if data.get_worker_info() is not None:
            state["end"] = self._cursor.end
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the state was taken, in the next loop, by any number of ranks and workers.

        raises: InvalidRequest if it is of another stream (labels, seed, ...); GeneratorNotFound or DigestMismatch if
                the service has its file no longer. A seed or version that was not given is taken from the state.
        """
        if data.get_worker_info() is not None:
            self._settle()
        self._cursor.load_state(state)
        self._resumed = data.get_worker_info() is not None

    def __getstate__(self) -> dict[str, Any]:
        # A spawned worker knows nothing of torch.distributed, nor of who divides.
        return {**self.__dict__, "_ranks": self._resolve_ranks(), "_meter": Meter(), "_home": None}

    # -- inside -------------------------------------------------------------------------------------------

    def _resolve_ranks(self) -> ranks.Ranks:
        if readers.divider(self._ranks and self._ranks[1]):
            return 0, 1
        return ranks.resolve(self._ranks, self._cursor.same_seed)
