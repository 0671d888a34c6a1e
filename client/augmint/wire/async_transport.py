"""The wire for asyncio: one call per RPC, gRPC's statuses as typed errors, and another try where no answer comes."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol

import grpc

from augmint import errors
from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from augmint.wire.channel import Channel
from augmint.wire.lines import Lines
from augmint.wire.patience import Patience, moments
from augmint.wire.status import Failure, is_final, is_silence


class AsyncTransport(Protocol):
    """What an AsyncClient talks through. Every method takes at most `timeout` seconds and raises AugmintError."""

    target: str

    async def generate(self, request: pb.GenerateRequest, timeout: float) -> pb.GenerateResponse: ...

    async def transform(self, request: pb.TransformRequest, timeout: float) -> pb.TransformResponse: ...

    async def get_generator(self, request: pb.GetGeneratorRequest, timeout: float) -> pb.GetGeneratorResponse: ...

    async def list_generators(self, request: pb.ListGeneratorsRequest, timeout: float) -> pb.ListGeneratorsResponse: ...

    async def close(self) -> None: ...


class _Line:
    """A channel and its methods. calls: that use it now."""

    def __init__(self, settings: Channel) -> None:
        self.calls = 0
        self.channel = settings.open_async()
        self.stub: Any = GeneratorServiceStub(self.channel)

    async def close(self) -> None:
        await self.channel.close()


class GrpcAsyncTransport:
    """Calls a service over gRPC; connects at the first call, in the event loop that makes it.

    What is late is asked for again as `augmint.wire.transport.GrpcTransport` does.
    """

    def __init__(self, channel: Channel) -> None:
        self.target = channel.target
        self._settings = channel
        self._lines: Lines[_Line] | None = None
        self._patience = Patience()
        self._closed = False

    async def generate(self, request: pb.GenerateRequest, timeout: float) -> pb.GenerateResponse:
        return await self._call("Generate", request, timeout, self._settings.hedge_after)

    async def transform(self, request: pb.TransformRequest, timeout: float) -> pb.TransformResponse:
        return await self._call("Transform", request, timeout, self._settings.hedge_after)

    async def get_generator(self, request: pb.GetGeneratorRequest, timeout: float) -> pb.GetGeneratorResponse:
        answer = await self._call("GetGenerator", request, timeout)
        self._patience.learn(answer)
        return answer

    async def list_generators(self, request: pb.ListGeneratorsRequest, timeout: float) -> pb.ListGeneratorsResponse:
        return await self._call("ListGenerators", request, timeout)

    async def close(self) -> None:
        """Drop the connections; calls in progress end with ClientClosed."""
        self._closed = True
        if self._lines is not None:
            for line in self._lines.drain():
                await line.close()

    async def _call(self, method: str, request: Any, timeout: float, hedge_after: float | None = None) -> Any:
        metadata = self._settings.metadata()
        if self._lines is None:
            self._lines = Lines(lambda: _Line(self._settings))
        self._lines.hedges.earn()
        self._lines.rescues.earn()
        race = _Race(self._lines, self._patience, method, request, time.monotonic() + timeout, metadata)
        try:
            return await race.run(timeout, hedge_after)
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


class _Race:
    """One call, made again while no answer comes; the first answer counts. The twin of transport.py's."""

    def __init__(
        self, lines: Lines[_Line], patience: Patience, method: str, request: Any, end: float, metadata: Any
    ) -> None:
        """end: on the monotonic clock."""
        self._lines, self._patience = lines, patience
        self._method, self._request, self._end, self._metadata = method, request, end, metadata

    async def run(self, timeout: float, hedge_after: float | None) -> Any:
        """The answer; AioRpcError if the last call fails, UsageError or CancelledError if the lines were closed."""
        late = self._patience.late(self._request)
        if hedge_after is not None and hedge_after < min(late, timeout):
            return await self._several(hedge_after, late, None)
        first = min(late, timeout) if self._lines.rescues.left else timeout
        line = self._lines.take()
        try:
            return await self._once(line, first)
        except grpc.aio.AioRpcError as error:
            left = self._end - time.monotonic()
            if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED or first >= timeout or left <= 0:
                raise
            if not is_silence(error):
                # Busy, and said so: in the queue it goes, with all of the time.
                return await self._several(None, 2 * late, None)
            return await self._several(None, 2 * late, line, int(self._lines.rescues.take()))
        finally:
            await self._give_back(line)

    async def _several(self, hedge_after: float | None, late: float, instead_of: _Line | None, rescues: int = 0) -> Any:
        """As `run`; none of the calls is given up before one has the answer, so none loses its place in a queue.

        instead_of: the line that seems to hang; rescues: calls that were paid for already.
        """
        calls: dict[asyncio.Task[Any], tuple[_Line, float]] = {}
        start = time.monotonic()

        def begin(line: _Line) -> _Line:
            task = asyncio.create_task(self._once(line, max(self._end - time.monotonic(), 0.001)))
            calls[task] = line, time.monotonic()
            return line

        try:
            line = begin(self._lines.take(instead_of))
            for moment, renew in moments(hedge_after, late):
                while (wait := start + moment - time.monotonic()) > 0 or start + moment >= self._end:
                    # Every call has a deadline, so the last wait needs none.
                    under_way = [call for call in calls if not call.done()]
                    done, _ = await asyncio.wait(
                        under_way,
                        timeout=wait if start + moment < self._end else None,
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                    if not done:
                        break
                    for call in sorted(done, key=_failed):
                        if not _failed(call):
                            if time.monotonic() - calls[call][1] < late:  # so it was not the service that is slow
                                self._lines.rescues.refund(rescues)
                            return call.result()  # or CancelledError: the line was closed
                        if all(one.done() for one in calls) or is_final(call.exception()):
                            call.result()  # raises
                if renew and self._lines.rescues.take():
                    rescues += 1
                    line = begin(self._lines.take(line))
                elif not renew and self._lines.hedges.take():
                    begin(self._lines.take())
        finally:
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            for used, _ in calls.values():
                await self._give_back(used)

    async def _once(self, line: _Line, seconds: float) -> Any:
        began = time.monotonic()
        answer = await getattr(line.stub, self._method)(self._request, timeout=seconds, metadata=self._metadata)
        self._patience.took(self._request, time.monotonic() - began)
        return answer

    async def _give_back(self, line: _Line) -> None:
        idle = self._lines.give_back(line)
        if idle is not None:
            await idle.close()


def _failed(call: asyncio.Task[Any]) -> bool:
    return not call.cancelled() and call.exception() is not None


def _cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
