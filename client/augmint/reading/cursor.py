"""Where a reader stands: in which pass, and how far in it. Whatever is read in passes has one of these.

So all loaders agree on three things:

- `iter` begins the next pass, whatever became of the last one: ended, left, failed. A pass of which nothing was taken
  is no last one: it begins still.
- A state is gone on with only after it was loaded. It counts what was delivered. One that was taken behind the last
  batch is the beginning of the next pass, so no pass is empty.
- Of several loops at once each reads a pass of its own, and the state is that of the one that began last.
"""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Collection, Mapping
from typing import Any

from augmint import checks
from augmint.errors import InvalidRequest
from augmint.reading.partition import steps
from augmint.reading.source import Source


class Pass:
    """What one loop reads: the positions from `first` to before `end` of all ranks."""

    def __init__(self, cursor: Cursor, number: int, first: int, end: int) -> None:
        self._cursor = cursor
        self.number, self.first, self.end = number, first, end

    def delivered(self, position: int) -> None:
        """All before this position has been taken; noted unless another loop began, or a state was loaded, since."""
        self._cursor.noted(self, position)

    def finished(self) -> None:
        """The loop has come to its end."""
        self._cursor.passed(self)


class Cursor:
    """The place itself, for a class that says what the passes are."""

    number: int  # of the pass, from 0
    position: int  # of all ranks, in the positions of `bounds`
    loaded: bool  # whether a state was loaded of which nothing was taken yet

    def __init__(self) -> None:
        self._reader: Pass | None = None
        self._put(0)

    def bounds(self, number: int) -> tuple[int, int]:
        """Where the pass of this number, from 0, begins and ends; InvalidRequest if there is none."""
        raise NotImplementedError

    @property
    def endless(self) -> bool:
        """Whether the first pass is the only one: then a loop goes on where the last one was left."""
        return False

    @property
    def midway(self) -> bool:
        """Whether a state within a pass, neither its beginning nor its end, was loaded and is not gone on with yet."""
        return self.loaded and self._first < self.position < self._end and not self.endless

    def begin(self) -> None:
        """What `iter` does. As often as you like: a pass is used up by batches, not by this."""
        if not self._taken:
            return
        if self.endless:
            self._put(0, self.position)
        else:
            self._put(self.number + 1)

    def enter(self, ranks: int) -> Pass:
        """What is read from here, when a loop asks for its first batch.

        ranks: among which each step is divided; InvalidRequest if there are more of them than samples in a pass.
        """
        self.begin()
        if not self._own_end and self._end - self.position < ranks:
            self._put(self.number + (self.position > self._first))
            if self._end - self._first < ranks:
                count = self._end - self._first
                raise InvalidRequest(
                    f"a pass of {count} samples has none for some of the {ranks} ranks; make it longer"
                )
        self._reader = Pass(self, self.number, self.position, self._end)
        return self._reader

    def noted(self, reader: Pass, position: int) -> None:
        """By a Pass."""
        if reader is self._reader:
            self.position, self._taken, self.loaded = position, True, False

    def passed(self, reader: Pass) -> None:
        """By a Pass."""
        if reader is self._reader:
            self._next()

    def go_to(self, number: int) -> None:
        """The next pass is this one, whole (`set_epoch`); the rest of it, if that is where a loaded state is."""
        if self.endless or (self.loaded and number == self.number):
            return
        if self.loaded and number < self.number:
            warnings.warn(
                f"set_epoch({number}) goes back to epoch {number}, though a state in epoch {self.number} was loaded: "
                f"count the epochs from {self.number}",
                stacklevel=3,
            )
        self._put(number)

    def load(self, number: int, position: int, own_end: bool = False) -> None:
        """Go on there, in the next loop.

        own_end: the pass ends where it ends even if nothing is left of it: other readers may not be through.
        """
        self._put(number, position)
        if position == self._end and not own_end:
            self._next()
        self.loaded, self._own_end = True, own_end

    def at(self, reader: Pass) -> Any:
        """A copy that stands where this pass begins, and reads it first."""
        clone = copy.copy(self)
        clone.load(reader.number, reader.first, own_end=True)
        return clone

    @property
    def end(self) -> int:
        """Of the pass in which this is."""
        return self._end

    def _next(self) -> None:
        """So that number and position say where the next loop begins, if there is anything: else that loop is told."""
        with contextlib.suppress(Exception):
            self._put(self.number + 1)

    def _put(self, number: int, position: int | None = None) -> None:
        first, end = self.bounds(number)  # may raise; then nothing has changed
        self.number, self._first, self._end = number, first, end
        self.position = first if position is None else position
        self._taken = False  # whether this process has had something of this pass, since it began or a state was loaded
        self._reader = None
        self.loaded = self._own_end = False


class StreamCursor(Cursor):
    """Of the positions 0, 1, 2, ... of a source: pass k is the k-th `length` of them; without one, all are one pass."""

    def __init__(self, what: str, source: Source, length: int | None, seed_given: bool) -> None:
        """what: whose state it is, for messages. seed_given: whether another process has the same seed for sure."""
        self._what = what
        self._source = source
        self.length = None if length is None else checks.whole("length", length, 1, source.limit)
        self.same_seed = seed_given
        super().__init__()

    def bounds(self, number: int) -> tuple[int, int]:
        """Global positions."""
        first = number * (self.length or self._source.limit)
        end = first + (self.length or self._source.limit)
        if end > self._source.limit:
            raise InvalidRequest(
                f"the stream of seed {self._source.seed} ends before this pass would; take another seed"
            )
        return first, end

    @property
    def endless(self) -> bool:
        """Without a length."""
        return self.length is None

    def steps(self, batch_size: int, ranks: int) -> int:
        """Of a whole pass; TypeError if it has no end."""
        if self.length is None:
            raise TypeError("this stream has no end; give it a length")
        return steps(self.length, batch_size, ranks)

    def state(self) -> dict[str, Any]:
        """The position, and what it is a position in; plain values."""
        return {"position": self.position, **self._identity()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on there; a seed that was not given, and the generator's file, are taken from the state.

        raises: InvalidRequest if it is of another stream; GeneratorNotFound or DigestMismatch if the service has its
                file no longer.
        """
        own = self._identity()
        verify(self._what, state, ("position", *own))
        position = checks.whole("position", state["position"], 0, self._source.limit)
        seed = checks.seed(state["seed"])
        state = {**state, "seed": seed}
        agree("stream", state, own, free=("version", "digest") if self.same_seed else ("version", "digest", "seed"))
        end = state.get("end")
        if end is not None:
            checks.whole("end", end, max(position, 1), self._source.limit)
        self._source.pin(state["version"], state["digest"])
        self._source.seed, self.same_seed = seed, True
        last = position if end is None else end - 1
        self.load(0 if self.length is None else last // self.length, position, own_end=end is not None)

    def _identity(self) -> dict[str, Any]:
        return {**self._source.identity(), "length": self.length}


def verify(what: str, state: Any, keys: Collection[str]) -> None:
    """InvalidRequest unless the state has all these keys."""
    missing = [key for key in keys if not isinstance(state, Mapping) or key not in state]
    if missing:
        raise InvalidRequest(f"this is no state of {what}: it lacks {', '.join(missing)}")


def agree(what: str, state: Mapping[str, Any], own: Mapping[str, Any], free: Collection[str]) -> None:
    """InvalidRequest if the state differs from what its reader has, other than in what is free."""
    for key, mine in own.items():
        if key not in free and state[key] != mine:
            raise InvalidRequest(f"the state is of a {what} with {key} {state[key]!r}; this one has {mine!r}")
