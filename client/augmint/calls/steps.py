"""What a client does, without doing it: rules yield steps, and a driver performs them, by threads or by asyncio.

So paging, retries and version changes are written once, and a test can drive them without a clock or a network.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from google.protobuf.message import Message

from augmint.errors import AugmintError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """One call of the service; the answer is sent back, an AugmintError is thrown.

    method: "generate", "transform", "get_generator" or "list_generators"; seconds: that it may take.
    """

    method: str
    request: Message
    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Let seconds pass; ClientClosed is thrown if the client is closed meanwhile."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Together:
    """Perform all of these, several at a time; the first error is thrown, and nothing further begins."""

    parts: Iterator[Steps[None]]


Step: TypeAlias = "Ask[Any] | Pause | Together"
Steps: TypeAlias = Generator[Step, Any, T]


class Walk(Generic[T]):
    """One way through steps, for a driver: perform `step`, report how it ended, until `done`; then `result`."""

    result: T

    def __init__(self, steps: Steps[T]) -> None:
        """Raises AugmintError, as do the others, if the rules end so."""
        self._steps = steps
        self.done = False
        self.step: Any = None
        self.answered(None)

    def answered(self, answer: Any) -> None:
        """The step gave this."""
        try:
            self.step = self._steps.send(answer)
        except StopIteration as end:
            self.done, self.result = True, end.value

    def failed(self, error: AugmintError) -> None:
        """The step failed so."""
        try:
            self.step = self._steps.throw(error)
        except StopIteration as end:
            self.done, self.result = True, end.value
