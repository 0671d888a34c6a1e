"""The client for asyncio: the rules of `augmint.calls.session`, performed by an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from augmint.address import Address
from augmint.calls.carrying import Transformation
from augmint.calls.query import Classes, Query, Which
from augmint.calls.session import Session
from augmint.calls.steps import Ask, Pause, Step, Steps, Together, Walk
from augmint.errors import AugmintError, ClientClosed
from augmint.generators import Description, GeneratorStatus
from augmint.samples import Samples, Transformed
from augmint.wire.async_transport import AsyncTransport, GrpcAsyncTransport
from augmint.wire.channel import Channel, Tls, Token

T = TypeVar("T")


class AsyncClient:
    """A service's generators, for asyncio: what `Client` offers, with `await`.

        async with augmint.AsyncClient("localhost:50051") as client:
            samples = await client.generate("3", 64, seed=7)

    Belongs to the event loop that first uses it, and to that process. Cancelling a task cancels its calls.
    """

    def __init__(
        self,
        target: str = "localhost:50051",
        *,
        timeout: float = 60.0,
        connect_timeout: float = 5.0,
        pages_in_flight: int = 4,
        hedge_after: float | None = None,
        tls: bool | Tls | None = None,
        token: Token | None = None,
        proxy: str | bool | None = None,
        compression: str | None = None,
        max_message_bytes: int | None = None,
        transport: AsyncTransport | None = None,
    ) -> None:
        """As `Client`."""
        self._transport: AsyncTransport = transport or GrpcAsyncTransport(
            Channel(target, tls, token, proxy, compression, max_message_bytes, hedge_after)
        )
        self._session = Session(timeout, connect_timeout, pages_in_flight)
        self._places = asyncio.Semaphore(pages_in_flight)
        self._closed = asyncio.Event()

    async def generate(
        self,
        label: str | int | None = None,
        n: int | None = None,
        *,
        classes: Classes | None = None,
        seed: int | str | None = None,
        start_index: int = 0,
        truncation: float | None = None,
        keep: int | None = None,
        of: int | None = None,
        generator: str | None = None,
        version: int | None = None,
        channel: str | None = None,
        digest: str | None = None,
        timeout: float | None = None,
    ) -> Samples:
        """As `Client.generate`."""
        which = Which.of(generator, version, channel)
        query = Query.run(label, n, classes, start_index, which, seed, truncation, keep, of, digest)
        return await self._run(self._session.draw(query, timeout))

    async def fetch(
        self,
        indices: Sequence[int] | np.ndarray,
        classes: Classes,
        *,
        seed: int | str,
        truncation: float | None = None,
        keep: int | None = None,
        of: int | None = None,
        generator: str | None = None,
        version: int | None = None,
        channel: str | None = None,
        digest: str | None = None,
        timeout: float | None = None,
    ) -> Samples:
        """As `Client.fetch`."""
        which = Which.of(generator, version, channel)
        query = Query.at(indices, classes, which, seed, truncation, keep, of, digest)
        return await self._run(self._session.draw(query, timeout))

    async def replay(self, address: Address | str, *, timeout: float | None = None) -> Samples:
        """As `Client.replay`."""
        return await self._run(self._session.draw(Query.again(address), timeout))

    async def transform(
        self,
        samples: Any,
        label: str | int | None = None,
        *,
        classes: Classes | None = None,
        source: str | int | Classes | None = None,
        strength: float = 1.0,
        generator: str | None = None,
        version: int | None = None,
        channel: str | None = None,
        digest: str | None = None,
        timeout: float | None = None,
    ) -> Transformed:
        """As `Client.transform`."""
        which = Which.of(generator, version, channel)
        wanted = Transformation.of(which, samples, label, classes, source, strength, digest)
        return await self._run(self._session.transform(wanted, timeout))

    async def generators(self, *, timeout: float | None = None) -> list[GeneratorStatus]:
        """As `Client.generators`."""
        return await self._run(self._session.generators(timeout))

    async def describe(
        self,
        generator: str | None = None,
        version: int | None = None,
        *,
        channel: str | None = None,
        timeout: float | None = None,
    ) -> Description:
        """As `Client.describe`."""
        return await self._run(self._session.describe(Which.of(generator, version, channel), timeout))

    async def close(self) -> None:
        """Disconnect. Calls in progress in other tasks end with ClientClosed. Closing twice is harmless."""
        self._closed.set()
        await self._transport.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncClient({self._transport.target!r})"

    # -- inside -------------------------------------------------------------------------------------------

    async def _run(self, steps: Steps[T]) -> T:
        walk = Walk(steps)
        while not walk.done:
            try:
                answer = await self._perform(walk.step)
            except AugmintError as error:
                walk.failed(error)
            else:
                walk.answered(answer)
        return walk.result

    async def _perform(self, step: Step) -> Any:
        match step:
            case Ask(method, request, seconds):
                if self._closed.is_set():
                    raise ClientClosed(f"the client of {self._transport.target} is closed")
                return await getattr(self._transport, method)(request, seconds)
            case Pause(seconds):
                try:
                    await asyncio.wait_for(self._closed.wait(), seconds)
                except TimeoutError:
                    return None
                raise ClientClosed("the client was closed between two attempts")
            case Together(parts):
                await self._together(parts)
        return None

    async def _together(self, parts: Iterator[Steps[None]]) -> None:
        """Perform the parts, as many at once as there are places; the first error ends the others."""

        async def in_turn() -> None:
            for part in parts:  # shared: each takes the next one
                async with self._places:
                    await self._run(part)

        readers = [asyncio.create_task(in_turn()) for _ in range(self._session.pages_in_flight)]
        try:
            await asyncio.gather(*readers)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
