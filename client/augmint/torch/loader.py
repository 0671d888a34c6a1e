"""A DataLoader that keeps count of what it has delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from augmint.errors import AugmintError
from augmint.prefetch import Meter, Stats


class Stateful(Protocol):
    """What a Loader reads; its state is that of the batches delivered."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Loader:
    """What `loader()` gives: iterate it once per epoch, save its `state_dict()` whenever.

    Batches that workers have made ahead do not count until the loop takes them, so the state is exact with any number
    of workers, and may be loaded with any other. What goes wrong in a worker is raised here as what it is; a worker
    that was killed is PyTorch's RuntimeError.
    """

    def __init__(
        self,
        source: Stateful,
        meter: Meter,
        make: Callable[[], Any],
        steps: Callable[[], Iterator[Callable[[], None]]] | None,
    ) -> None:
        """make:  builds the DataLoader for one pass, from where the source is.
        steps: begins a pass of the source; one call per step, which notes that the step's batch was delivered. Absent:
               the source notes and measures by itself, because it is iterated in this process.
        """
        self._source = source
        self._meter = meter
        self._make = make
        self._steps = steps

    def __iter__(self) -> Iterator[Any]:
        batches = iter(self._make())
        if self._steps is None:
            yield from batches
            return
        for delivered in self._steps():
            with self._meter.waiting():
                try:
                    batch = next(batches)
                except AugmintError as error:
                    raise type(error)(_sentence(error)) from error
            delivered()
            yield batch

    def __len__(self) -> int:
        return len(self._make())

    def stats(self) -> Stats:
        """How long loops over it have waited for samples."""
        return self._meter.stats()

    def state_dict(self) -> dict[str, Any]:
        """Of what it reads, after the batches delivered."""
        return self._source.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on there."""
        self._source.load_state_dict(state)


def _sentence(error: AugmintError) -> str:
    """The message alone, where PyTorch put the worker's traceback around it."""
    name = f"{type(error).__module__}.{type(error).__qualname__}: "
    return str(error).rpartition(name)[2].strip()
