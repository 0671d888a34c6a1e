"""A call as it travels through the service: who makes it, what it asks for, what became of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol


class Client(Protocol):
    """Whose quota the work counts against: see service.access.quotas.Client."""

    def during(
        self, generator: str, samples: int, work_seconds: float, submit: Callable[[], Future[Any]]
    ) -> Future[Any]: ...


@dataclass(slots=True)
class Call:
    """What a method may know of the call that it answers."""

    caller: str  # the client's name where it has one, else the peer's address: whom to be fair to
    seconds_left: float  # until its deadline
    facts: dict[str, Any] = field(default_factory=dict)  # for the log: with the address, any sample can be made again
    client: Client | None = None  # None: there are no quotas


@dataclass(slots=True)
class Later:
    """What a method returns whose answer has yet to be computed."""

    work: Future[Any]  # cancelled if the caller goes
    encode: Callable[[Any], bytes]  # the answer, from what the work results in; in whichever thread has it


Method = Callable[[bytes, Call], bytes | Later]
