"""Synthetic samples as an iterable PyTorch data set that fetches ahead of the training step."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from augmint import checks
from augmint.client import Client
from augmint.errors import InvalidRequest
from augmint.generators import Description
from augmint.prefetch import Meter, Prefetch, Stats
from augmint.samples import Samples
from augmint.shares import Share, shares
from augmint.source import Source, explained
from augmint.torch import ranks
from augmint.torch.loader import Loader
from augmint.torch.tensors import Transform, data, tensors, torch, unit_interval

# Small batches are fetched several in one call, up to so many samples: a call costs the client a millisecond.
_SAMPLES_PER_CALL = 256


class SyntheticStream(data.IterableDataset):
    """An endless stream of batches (samples, class indices), fetched while the training step before them runs.

        stream = SyntheticStream("localhost:50051", batch_size=256, seed=7)
        for images, labels in stream.loader(num_workers=2):  # or in `stream` itself: threads fetch ahead all the same
            ...

    Samples are as in SyntheticDataset, batches are tensors [batch, ...] and int64 [batch].

    **Order.** Positions 0, 1, 2, ... are one global sequence. A step of R ranks with batches of b takes the next R b
    positions, rank r the r-th b of them. Workers change nothing. So the samples that all ranks together see, and their
    order, are the same for any number of ranks and workers as long as R b is; and the state is one integer, the global
    position, from which any other number of ranks and workers goes on exactly.

    **Resume.** `state_dict()` after a step, `load_state_dict()` before the next loop. Beside the position it names
    seed, file and labels, so that a resumed job cannot silently read something else. When this object is iterated, or
    its `loader()`, the position is that of the batches delivered; passes go on where the last one ended. In any other
    `DataLoader` with workers (use `batch_size=None`) every pass begins at the position that this object has, because
    only the workers know theirs; torchdata's `StatefulDataLoader` asks them for it.

    **Ranks** are those of torch.distributed if it is initialised, or as given; all need the same seed.

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
        labels: Sequence[str] | Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
        seed: int | None = None,
        start_index: int = 0,
        truncation: float | None = None,
        keep: int | None = None,
        of: int | None = None,
        version: int | None = None,
        digest: str | None = None,
        transform: Transform | None = unit_interval,
        target_transform: Callable[[int], Any] | None = None,
        rank: int | None = None,
        world_size: int | None = None,
        prefetch_bytes: int = 2**26,
    ) -> None:
        """batch_size: samples per batch on each rank, from 1.
        length:     samples of one pass over all ranks; the next pass goes on behind it, with new samples. A last step
                    with less than a batch per rank is divided among them; less than a sample per rank is left out.
                    Absent: a pass has no end.
        rank, world_size: of this process. Absent: torch.distributed's, or one of one.
        prefetch_bytes: of samples that may lie ready, per process; at least two fetches are kept ahead.
        transform, target_transform: of one sample and one class index; results are put together by PyTorch's
                    `default_collate`. Absent: nothing.
        """
        super().__init__()
        self._batch_size = checks.whole("batch_size", batch_size, 1, 2**20)
        self._prefetch_bytes = checks.whole("prefetch_bytes", prefetch_bytes, 1, 2**40)
        self._ranks = ranks.given(rank, world_size)
        self._transform = transform
        self._target_transform = target_transform
        self._same_seed = seed is not None
        self._source = Source(
            target,
            generator,
            labels=labels,
            weights=weights,
            seed=seed,
            start_index=start_index,
            truncation=truncation,
            keep=keep,
            of=of,
            version=version,
            digest=digest,
        )
        limit = self._source.limit
        try:
            self._length = None if length is None else checks.whole("length", length, 1, limit)
        except InvalidRequest:
            self.close()
            raise
        self._position = 0
        self._end: int | None = None  # of the pass under way; None between two passes
        self._worker_start: tuple[int, int | None] | None = None
        self._meter = Meter()

    # -- what it is ---------------------------------------------------------------------------------------

    @property
    def description(self) -> Description:
        """The generator, as pinned."""
        return self._source.description

    @property
    def seed(self) -> int:
        """Of the stream."""
        return self._source.seed

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in order of class index."""
        return self.description.labels

    @property
    def position(self) -> int:
        """Global position of the next step: samples that all ranks together have taken."""
        return self._position

    def samples(self, positions: Sequence[int] | np.ndarray) -> Samples:
        """Samples at these global positions, with their addresses; not transformed."""
        return self._source.samples(positions)

    def stats(self) -> Stats:
        """How long the loop over this stream, or over its `loader()`, has waited for samples."""
        return self._meter.stats()

    def __len__(self) -> int:
        """Batches of one whole pass on this rank; TypeError if it has no end."""
        if self._length is None:
            raise TypeError("this stream has no end; give it a length")
        count = self._resolve_ranks()[1]
        steps, rest = divmod(self._length, count * self._batch_size)
        return steps + (rest >= count)

    def __repr__(self) -> str:
        name, seed = self._source.name, self.seed
        return f"SyntheticStream({name}, batch_size={self._batch_size}, seed={seed}, position={self._position})"

    # -- reading ------------------------------------------------------------------------------------------

    def loader(self, num_workers: int = 0, **options: Any) -> Loader:
        """A `DataLoader` over this stream that keeps its position and measures its stall share.

        num_workers: processes that fetch, decode and transform; 0: threads of this one.
        options:     of `DataLoader`, such as pin_memory and multiprocessing_context.
        """

        def make() -> Any:
            return data.DataLoader(self, batch_size=None, num_workers=num_workers, **options)

        return Loader(self, self._meter, make, self._steps if num_workers else None)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        worker = data.get_worker_info()
        if worker is None:
            yield from self._read(0, 1)
            return
        # A worker that stays for several passes would go on from where it was, and others from elsewhere.
        if self._worker_start is None:
            self._worker_start = self._position, self._end
        self._position, self._end = self._worker_start
        yield from self._read(worker.id, worker.num_workers)

    def _steps(self) -> Iterator[Callable[[], None]]:
        end = self._begin()
        for share in shares(self._position, end, self._batch_size, *self._resolve_ranks()):
            yield functools.partial(self._delivered, share)
        self._finish(end)

    def _read(self, worker: int, workers: int) -> Iterator[tuple[Any, Any]]:
        end = self._begin()
        mine = shares(self._position, end, self._batch_size, *self._resolve_ranks(), worker, workers)
        ahead = Prefetch(self._calls(mine), self._fetch, self._farthest())
        try:
            while True:
                with self._meter.waiting():
                    batches = next(ahead, None)
                if batches is None:
                    break
                self._meter.ahead = ahead.distance.value
                for share, batch, labels in batches:
                    ready = self._transformed(batch, labels)
                    self._delivered(share)
                    yield ready
        finally:
            ahead.close()
        self._finish(end)

    def _begin(self) -> int:
        """Start a pass, or go on with the one under way; where it ends."""
        self._meter.begin()
        if self._end is None:
            length = self._length or self._source.limit
            self._end = min((self._position // length + 1) * length, self._source.limit)
        return self._end

    def _delivered(self, share: Share) -> None:
        self._position = share.after
        self._meter.delivered(share.last - share.first)

    def _finish(self, end: int) -> None:
        self._position = end
        if data.get_worker_info() is None:
            self._end = None

    def _per_call(self) -> int:
        """Batches that one fetch is made of."""
        return max(1, min(_SAMPLES_PER_CALL, self.description.page) // self._batch_size)

    def _farthest(self) -> int:
        shape, dtype = self.description.shape, self.description.dtype
        size = 4 if self._transform is unit_interval and dtype == np.uint8 else dtype.itemsize
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
            ready = data.default_collate([self._transform(sample) for sample in batch])
        if self._target_transform is None:
            return ready, labels
        return ready, data.default_collate([self._target_transform(label) for label in labels.tolist()])

    # -- state --------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The position, and what it is a position in; plain values."""
        state: dict[str, Any] = {"position": self._position, **self._identity()}
        if data.get_worker_info() is not None:
            state["end"] = self._end
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the state was taken, by any number of ranks and workers.

        raises: InvalidRequest if it is of another stream (labels, seed, ...); GeneratorNotFound or DigestMismatch if
                the service has its file no longer. A seed or version that was not given is taken from the state.
        """
        missing = [key for key in ("position", *self._identity()) if key not in state]
        if missing:
            raise InvalidRequest(f"this is no state of a SyntheticStream: it lacks {', '.join(missing)}")
        position = checks.whole("position", state["position"], 0, self._source.limit)
        seed = checks.seed(state["seed"])
        for key, mine in self._identity().items():
            if key in ("version", "digest") or (key == "seed" and not self._same_seed):
                continue
            if state[key] != mine:
                raise InvalidRequest(f"the state is of a stream with {key} {state[key]!r}; this one has {mine!r}")
        self._source.pin(state["version"], state["digest"])
        self._source.seed, self._same_seed = seed, True
        self._position, self._end = position, state.get("end")
        self._worker_start = None

    def close(self) -> None:
        """Disconnect, unless the client was handed in."""
        self._source.close()

    def __getstate__(self) -> dict[str, Any]:
        # A spawned worker knows nothing of torch.distributed.
        return {**self.__dict__, "_ranks": self._resolve_ranks(), "_meter": Meter(), "_worker_start": None}

    # -- inside -------------------------------------------------------------------------------------------

    def _identity(self) -> dict[str, Any]:
        return {**self._source.identity(), "length": self._length}

    def _resolve_ranks(self) -> ranks.Ranks:
        return ranks.resolve(self._ranks, self._same_seed)
