"""The wire: one blocking call per RPC, gRPC's statuses as typed errors, and another try where no answer comes."""

from __future__ import annotations

import queue
import time
from typing import Any, Protocol

import grpc

from augmint import errors
from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from augmint.wire.channel import Channel
from augmint.wire.fork import CALLS, PerProcess
from augmint.wire.lines import Lines
from augmint.wire.patience import Patience, moments
from augmint.wire.status import Failure, is_final, is_silence


class Transport(Protocol):
    """What a Client talks through. Every method blocks for at most `timeout` seconds and raises AugmintError."""

    target: str

    def generate(self, request: pb.GenerateRequest, timeout: float) -> pb.GenerateResponse: ...

    def transform(self, request: pb.TransformRequest, timeout: float) -> pb.TransformResponse: ...

    def get_generator(self, request: pb.GetGeneratorRequest, timeout: float) -> pb.GetGeneratorResponse: ...

    def list_generators(self, request: pb.ListGeneratorsRequest, timeout: float) -> pb.ListGeneratorsResponse: ...

    def close(self) -> None: ...


class _Line:
    """A channel and its methods. calls: that use it now."""

    def __init__(self, settings: Channel) -> None:
        self.calls = 0
        self.channel = settings.open()
        self.stub = GeneratorServiceStub(self.channel)

    def close(self) -> None:
        self.channel.close()


def _close(lines: Lines[_Line]) -> None:
    for line in lines.drain():
        line.close()


class GrpcTransport:
    """Calls a service over gRPC. Thread-safe; connects at the first call in each process; picklable.

    A call whose answer is late (patience.py) is made again over a new connection, which a replica that hangs
    does not accept; later calls take the new connection at once.
    """

    def __init__(self, channel: Channel, patience: Patience | None = None) -> None:
        """patience: what is known of the service already."""
        self.target = channel.target
        self._settings = channel
        self._patience = patience or Patience()
        self._lines = PerProcess(lambda: Lines(lambda: _Line(channel)), _close)
        self._closed = False

    def __reduce__(self) -> tuple[type[GrpcTransport], tuple[Channel, Patience]]:
        return GrpcTransport, (self._settings, self._patience)

    def generate(self, request: pb.GenerateRequest, timeout: float) -> pb.GenerateResponse:
        # A response is parsed by protobuf although its bytes could be used in place: that costs 0.1 ms of the 2 ms of
        # processor time that receiving a MiB takes.
        return self._call("Generate", request, timeout, self._settings.hedge_after)

    def transform(self, request: pb.TransformRequest, timeout: float) -> pb.TransformResponse:
        return self._call("Transform", request, timeout, self._settings.hedge_after)

    def get_generator(self, request: pb.GetGeneratorRequest, timeout: float) -> pb.GetGeneratorResponse:
        answer = self._call("GetGenerator", request, timeout)
        self._patience.learn(answer)
        return answer

    def list_generators(self, request: pb.ListGeneratorsRequest, timeout: float) -> pb.ListGeneratorsResponse:
        return self._call("ListGenerators", request, timeout)

    def close(self) -> None:
        """Drop this process's connections; calls in progress end with ClientClosed."""
        self._closed = True
        self._lines.close()

    def _call(self, method: str, request: Any, timeout: float, hedge_after: float | None = None) -> Any:
        metadata = self._settings.metadata()
        with CALLS:
            lines = self._lines.get()
            lines.hedges.earn()
            lines.rescues.earn()
            race = _Race(lines, self._patience, method, request, time.monotonic() + timeout, metadata)
            try:
                return race.run(timeout, hedge_after)
            except grpc.RpcError as error:
                raise self._failure(error, timeout).error(self._settings) from None
            except ValueError as error:  # grpc's way to say that the channel was closed meanwhile
                raise errors.ClientClosed(f"the client of {self.target} was closed") from error

    def _failure(self, error: Any, timeout: float) -> Failure:
        return Failure(error.code(), error.details() or "", error.trailing_metadata() or (), timeout, self._closed)


class _Race:
    """One call, made again while no answer comes; the first answer counts."""

    def __init__(
        self, lines: Lines[_Line], patience: Patience, method: str, request: Any, end: float, metadata: Any
    ) -> None:
        """end: on the monotonic clock."""
        self._lines, self._patience = lines, patience
        self._method, self._request, self._end, self._metadata = method, request, end, metadata

    def run(self, timeout: float, hedge_after: float | None) -> Any:
        """The answer; grpc.RpcError if the last call fails, ValueError if the lines were closed."""
        late = self._patience.late(self._request)
        if hedge_after is not None and hedge_after < min(late, timeout):
            return self._several(hedge_after, late, None)
        # Nearly all calls end here: one that blocks costs the least, and is over when it returns, as forks want it. It
        # has no more time than until it would be late, which tells a service to refuse it now if it cannot be in time.
        first = min(late, timeout) if self._lines.rescues.left else timeout
        line = self._lines.take()
        began = time.monotonic()
        try:
            answer = getattr(line.stub, self._method)(self._request, timeout=first, metadata=self._metadata)
            self._patience.took(self._request, time.monotonic() - began)
            return answer
        except grpc.RpcError as error:
            left = self._end - time.monotonic()
            if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED or first >= timeout or left <= 0:
                raise
            if not is_silence(error):
                # Busy, and said so: in the queue it goes, with all of the time.
                return self._several(None, 2 * late, None)
            return self._several(None, 2 * late, line, int(self._lines.rescues.take()))
        finally:
            self._give_back(line)

    def _several(self, hedge_after: float | None, late: float, instead_of: _Line | None, rescues: int = 0) -> Any:
        """As `run`; none of the calls is given up before one has the answer, so none loses its place in a queue.

        instead_of: the line that seems to hang; rescues: calls that were paid for already.
        """
        ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        calls: dict[Any, tuple[_Line, float]] = {}
        start = time.monotonic()

        def begin(line: _Line) -> _Line:
            left = max(self._end - time.monotonic(), 0.001)
            try:
                call = getattr(line.stub, self._method).future(self._request, timeout=left, metadata=self._metadata)
            except BaseException:
                self._give_back(line)
                raise
            calls[call] = line, time.monotonic()
            call.add_done_callback(ended.put)
            return line

        try:
            line, over = begin(self._lines.take(instead_of)), 0
            for moment, renew in moments(hedge_after, late):
                while (wait := start + moment - time.monotonic()) > 0 or start + moment >= self._end:
                    try:
                        # Every call has a deadline, so the last wait needs none.
                        call = ended.get(timeout=wait if start + moment < self._end else None)
                    except queue.Empty:
                        break
                    over += 1
                    if call.code() is grpc.StatusCode.OK:
                        took = time.monotonic() - calls[call][1]
                        self._patience.took(self._request, took)
                        if took < late:  # so it was not the service that is slow
                            self._lines.rescues.refund(rescues)
                        return call.result()
                    if over == len(calls) or is_final(call):
                        raise call  # gRPC's calls are its errors
                if renew and self._lines.rescues.take():
                    rescues += 1
                    line = begin(self._lines.take(line))
                elif not renew and self._lines.hedges.take():
                    begin(self._lines.take())
        finally:
            for call, (used, _) in calls.items():
                call.cancel()
                self._give_back(used)

    def _give_back(self, line: _Line) -> None:
        idle = self._lines.give_back(line)
        if idle is not None:
            idle.close()
