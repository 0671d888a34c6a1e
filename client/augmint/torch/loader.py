"""A DataLoader that keeps count of what it has delivered."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import Any, Protocol

from augmint.errors import AugmintError
from augmint.reading.prefetch import Meter, Stats


class Stateful(Protocol):
    """What a Loader reads; its state is that of the batches delivered."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...

    def set_epoch(self, epoch: int) -> None: ...


# Of one pass: its batches, and one call per step that notes that the step's batch was delivered (None: they do it).
Reading = tuple[Iterator[Any], Generator[Callable[[], None], None, None] | None]


class Loader:
    """What `loader()` gives: every loop over it is a whole pass; save its `state_dict()` whenever.

    `iter` begins the next pass, whatever became of the last one. Only after `load_state_dict` a pass is gone on with.
    A state that was taken behind the last batch of a pass is the beginning of the next one.

    Batches that workers have made ahead do not count until the loop takes them, so the state is exact with any number
    of workers, and may be loaded with any other. What goes wrong in a worker is raised here as what it is; a worker
    that was killed is PyTorch's RuntimeError.

    It is no `DataLoader`, so that trainers which would divide or shuffle one leave it as it is; it has divided already.
    """

    def __init__(
        self,
        source: Stateful,
        meter: Meter,
        begin: Callable[[], None],
        enter: Callable[[], Reading],
        length: Callable[[], int],
    ) -> None:
        """begin: a pass, when `iter` is called; enter: it, at the first batch. length: steps of a whole pass."""
        self._source = source
        self._meter = meter
        self._begin = begin
        self._enter = enter
        self._length = length

    def __iter__(self) -> Iterator[Any]:
        self._begin()
        return self._loop()

    def _loop(self) -> Iterator[Any]:
        batches, steps = self._enter()
        if steps is None:
            yield from batches
            return
        with contextlib.closing(steps) as under_way:
            for delivered in under_way:
                with self._meter.waiting():
                    try:
                        batch = next(batches)
                    except AugmintError as error:
                        raise type(error)(_sentence(error)) from error
                delivered()
                yield batch

    def __len__(self) -> int:
        return self._length()

    def set_epoch(self, epoch: int) -> None:
        """The next loop reads this pass, from 0; the rest of it, where a state in it was loaded."""
        self._source.set_epoch(epoch)

    def stats(self) -> Stats:
        """How long loops over it have waited for samples."""
        return self._meter.stats()

    def state_dict(self) -> dict[str, Any]:
        """Of what it reads, after the batches delivered."""
        return self._source.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on there, in the next loop."""
        self._source.load_state_dict(state)


def _sentence(error: AugmintError) -> str:
    """The message alone, where PyTorch put the worker's traceback around it."""
    name = f"{type(error).__module__}.{type(error).__qualname__}: "
    return str(error).rpartition(name)[2].strip()
