"""The rules of a client, blocking or not: what to ask, in which order, and what an answer means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import Message

from augmint import checks
from augmint.calls import carrying, pages
from augmint.calls.carrying import Transformation
from augmint.calls.query import Query, Which
from augmint.calls.retry import Retry
from augmint.calls.steps import Ask, Steps, Together
from augmint.errors import DigestMismatch, GeneratorNotFound, InvalidRequest, LabelNotFound
from augmint.generators import Description, GeneratorStatus
from augmint.samples import Samples, Transformed
from augmint.v1 import generator_pb2 as pb

T = TypeVar("T")


class Session:
    """What one client knows of a service. Thread-safe: its methods only make steps; who performs them matters not.

    timeout, connect_timeout, pages_in_flight: as Client takes them.
    descriptions: of the generators asked about so far.
    """

    def __init__(self, timeout: float, connect_timeout: float, pages_in_flight: int) -> None:
        self.timeout = checks.seconds("timeout", timeout)
        self.connect_timeout = checks.seconds("connect_timeout", connect_timeout)
        if not isinstance(pages_in_flight, int) or isinstance(pages_in_flight, bool) or pages_in_flight < 1:
            raise InvalidRequest(f"pages_in_flight is {pages_in_flight!r}; it must be a whole number from 1")
        self.pages_in_flight = pages_in_flight
        self.descriptions: dict[Which, Description] = {}
        self.retry = Retry(connect_timeout)

    def generators(self, timeout: float | None) -> Steps[list[GeneratorStatus]]:
        """Every generator and version that the service knows."""
        answer = yield from self._call("list_generators", pb.ListGeneratorsRequest(), self._limit(timeout))
        return [GeneratorStatus.read(message) for message in answer.generators]

    def describe(self, which: Which, timeout: float | None) -> Steps[Description]:
        """One generator, asked afresh."""
        return (yield from self._describe(which, self._limit(timeout)))

    def draw(self, query: Query, timeout: float | None) -> Steps[Samples]:
        """Samples, all of one file."""
        return (
            yield from self._settle(
                query.which, timeout, lambda description, left: self._fill(query.order(description), left)
            )
        )

    def transform(self, wanted: Transformation, timeout: float | None) -> Steps[Transformed]:
        """Samples carried into other classes, all by one file."""
        return (
            yield from self._settle(
                wanted.which, timeout, lambda description, left: self._carry(wanted.load(description), left)
            )
        )

    # -- inside -------------------------------------------------------------------------------------------

    def _settle(
        self, which: Which, timeout: float | None, work: Callable[[Description, Callable[[], float]], Steps[T]]
    ) -> Steps[T]:
        """Work that is for one file, done anew if the service has another by now; it is handed the seconds left."""
        end = None if timeout is None else time.monotonic() + checks.seconds("timeout", timeout)

        def left() -> float:
            return self.timeout if end is None else max(end - time.monotonic(), 0.0)

        description = self.descriptions.get(which)
        known = description is not None
        if description is None:
            description = yield from self._describe(which, left())
        while True:
            try:
                return (yield from work(description, left))
            except (DigestMismatch, GeneratorNotFound, LabelNotFound):
                # The service has moved on since this client asked about it. Nothing was handed out yet, so all of the
                # samples can come from the file that it has now, unless the caller pinned another.
                if not known:
                    raise
                known = False
                description = yield from self._describe(which, left())

    def _describe(self, which: Which, seconds: float) -> Steps[Description]:
        request = pb.GetGeneratorRequest(generator=which.generator, version=which.version, channel=which.channel)
        description = Description.read((yield from self._call("get_generator", request, seconds)))
        self.descriptions[which] = description
        self.descriptions[Which(description.name, description.version, "")] = description
        return description

    def _fill(self, order: pages.Order, left: Callable[[], float]) -> Steps[Samples]:
        description = order.description
        array = np.empty((len(order.indices), *description.shape), description.dtype)

        def fetch(page: pages.Page) -> Steps[None]:
            answer = yield from self._call("generate", pages.request(order, page), left())
            pages.place(answer, order, page, array)

        most = pages.largest(order)
        yield from self._together(map(fetch, pages.split(len(array), most)), len(array) <= most)
        return Samples(
            array,
            order.class_indices,
            order.indices,
            description,
            order.seed,
            order.truncation,
            order.keep,
            order.of,
        )

    def _carry(self, load: carrying.Load, left: Callable[[], float]) -> Steps[Transformed]:
        description, n = load.description, len(load.content)
        array, source = np.empty_like(load.content), np.empty(n, np.int64)

        def fetch(page: pages.Page) -> Steps[None]:
            answer = yield from self._call("transform", carrying.request(load, page), left())
            carrying.place(answer, load, page, array, source)

        yield from self._together(map(fetch, pages.split(n, description.page)), n <= description.page)
        return Transformed(
            array=array,
            class_indices=load.target,
            indices=np.arange(n, dtype=np.uint64),
            description=description,
            seed=0,
            truncation=1.0,
            source_class_indices=source,
            strength=load.strength,
        )

    def _together(self, wanted: Iterator[Steps[None]], one: bool) -> Steps[None]:
        """Perform all of these; one: there is one, which needs no thread."""
        if one:
            yield from next(wanted)
        else:
            yield Together(wanted)

    def _call(self, method: str, request: Message, seconds: float) -> Steps[Any]:
        def ask(left: float) -> Ask[Any]:
            return Ask(method, request, left)

        return self.retry.steps(ask, seconds)

    def _limit(self, timeout: float | None) -> float:
        return self.timeout if timeout is None else checks.seconds("timeout", timeout)
