"""The wire for asyncio: one call per RPC, gRPC's statuses as typed errors."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol

import grpc

from augmint import errors
from augmint.channel import Channel
from augmint.hedge import Ration
from augmint.status import Failure
from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub


class AsyncTransport(Protocol):
    """What an AsyncClient talks through. Every method takes at most `timeout` seconds and raises AugmintError."""

    target: str

    async def generate(self, request: pb.GenerateRequest, timeout: float) -> pb.GenerateResponse: ...

    async def get_generator(self, request: pb.GetGeneratorRequest, timeout: float) -> pb.GetGeneratorResponse: ...

    async def list_generators(self, request: pb.ListGeneratorsRequest, timeout: float) -> pb.ListGeneratorsResponse: ...

    async def close(self) -> None: ...


class GrpcAsyncTransport:
    """Calls a service over gRPC; connects at the first call, in the event loop that makes it."""

    def __init__(self, channel: Channel) -> None:
        self.target = channel.target
        self._settings = channel
        self._channel: grpc.aio.Channel | None = None
        self._stub: Any = None
        self._ration = Ration()
        self._closed = False

    async def generate(self, request: pb.GenerateRequest, timeout: float) -> pb.GenerateResponse:
        return await self._call("Generate", request, timeout, self._settings.hedge_after)

    async def get_generator(self, request: pb.GetGeneratorRequest, timeout: float) -> pb.GetGeneratorResponse:
        return await self._call("GetGenerator", request, timeout)

    async def list_generators(self, request: pb.ListGeneratorsRequest, timeout: float) -> pb.ListGeneratorsResponse:
        return await self._call("ListGenerators", request, timeout)

    async def close(self) -> None:
        """Drop the connection; calls in progress end with ClientClosed."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()

    async def _call(self, method: str, request: Any, timeout: float, hedge_after: float | None = None) -> Any:
        metadata = self._settings.metadata()
        if self._channel is None:
            self._channel = self._settings.open_async()
            self._stub = GeneratorServiceStub(self._channel)
        rpc = getattr(self._stub, method)
        try:
            if hedge_after is None or hedge_after >= timeout:
                return await rpc(request, timeout=timeout, metadata=metadata)
            return await self._hedged(rpc, request, timeout, metadata, hedge_after)
        except grpc.aio.UsageError as error:  # grpc's way to say that the channel was closed meanwhile
            raise errors.ClientClosed(f"the client of {self.target} was closed") from error
        except asyncio.CancelledError:
            # Closing the channel cancels its calls; a task that was cancelled itself must stay so.
            if self._closed and not _cancelling():
                raise errors.ClientClosed(f"the client of {self.target} was closed during a call") from None
            raise
        except grpc.aio.AioRpcError as error:
            trailers = tuple(error.trailing_metadata() or ())
            failure = Failure(error.code(), error.details() or "", trailers, timeout, self._closed)
            raise failure.error(self._settings) from None

    async def _hedged(self, rpc: Any, request: Any, timeout: float, metadata: Any, hedge_after: float) -> Any:
        """The first answer of one call or, if that is late, of two; the error of the last one if all fail."""
        end = time.monotonic() + timeout

        def begin() -> asyncio.Task[Any]:
            async def call() -> Any:
                return await rpc(request, timeout=max(end - time.monotonic(), 0.001), metadata=metadata)

            return asyncio.create_task(call())

        self._ration.earn()
        calls = [begin()]
        try:
            done, _ = await asyncio.wait(calls, timeout=hedge_after)
            if not done and self._ration.take():
                calls.append(begin())
            for call in asyncio.as_completed(calls):
                try:
                    return await call
                except grpc.aio.AioRpcError as error:
                    last = error
            raise last
        finally:
            for begun in calls:
                begun.cancel()
            await asyncio.gather(*calls, return_exceptions=True)


def _cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
