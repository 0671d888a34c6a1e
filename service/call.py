"""A call as it travels through the service: who makes it, what it asks for, what became of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol


class Account(Protocol):
    """What a client has had of its quota: see service.access.quotas.Account."""

    def during(
        self, generator: str, samples: int, work_seconds: float, submit: Callable[[], Future[Any]]
    ) -> Future[Any]: ...


@dataclass(slots=True)
class Call:
    """What a method knows of the call that it answers."""

    caller: str  # for fairness: the client's name where it has one, else the peer's address
    seconds_left: float  # until its deadline
    facts: dict[str, Any] = field(default_factory=dict)  # for the log: with the address, any sample can be made again
    account: Account | None = None  # its quota pays for the work; None: there are no quotas


@dataclass(slots=True)
class Later:
    """What a method returns when its answer is still to be computed."""

    work: Future[Any]  # cancelled if the caller goes
    encode: Callable[[Any], bytes]  # from the result of the work to the answer; called in the thread that settles it


Method = Callable[[bytes, Call], bytes | Later]
