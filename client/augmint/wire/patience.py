"""When an answer is late: by what earlier ones took; before there are any, by what the service says that it can do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from augmint.generators import DTYPES
from augmint.v1 import generator_pb2 as pb

# No answer is late before that: what is slow for a moment must not be asked for twice.
SHORTEST_S = 1.5
# Before anybody has answered: longer than gRPC tries to connect, which ends with a reason of its own.
UNMET_S = 6.0
# An answer is late at this multiple of what nearly all of the recent ones took.
TIMES = 3.0
SHARE = 0.95
RECENT = 64
# Before the first answer: of what the service's own speed promises, since others may be in its queue; of a slow line.
PROMISED_TIMES = 8.0
SLOWEST_BYTES_PER_SECOND = 2**19
# To carry a sample into another class takes several times as long as to make one, which is the speed that is promised.
TRANSFORM_TIMES = 8
# Files remembered; a client that reads more of them in turn begins anew with the oldest.
MOST_FILES = 32


class Patience:
    """How long to wait for an answer before asking another replica. Thread-safe, survives a fork, picklable.

    met: whether a service has ever answered.
    """

    def __init__(self) -> None:
        # No lock, here or below: one that another thread held during a fork would stay locked in the child for ever.
        # What is done with the dictionaries and queues is atomic.
        self.met = False
        self._promised: dict[str, tuple[float, float]] = {}  # by digest: samples/s, bytes of a sample
        self._took: dict[str, deque[tuple[int, float]]] = {}  # by method and digest: size, seconds

    def learn(self, answer: Any) -> None:
        """What a call that described a generator says of its speed."""
        self.met = True
        if isinstance(answer, pb.GetGeneratorResponse):
            sample = answer.generator.sample
            size = float(np.prod(sample.shape, dtype=np.float64)) * DTYPES.get(sample.dtype, np.dtype("<u1")).itemsize
            self._promised[answer.status.digest] = answer.status.capacity_samples_per_second, size
            _forget(self._promised)

    def took(self, request: Any, seconds: float) -> None:
        """How long one answer took, from the call that brought it."""
        self.met = True
        if isinstance(request, pb.GenerateRequest | pb.TransformRequest):
            self._took.setdefault(_key(request), deque(maxlen=RECENT)).append((_size(request), seconds))
            _forget(self._took)

    def late(self, request: Any) -> float:
        """Seconds after which the answer to this is late."""
        seconds = SHORTEST_S
        if isinstance(request, pb.GenerateRequest | pb.TransformRequest):
            size = _size(request)
            recent = list(self._took.get(_key(request), ()))
            if recent:
                # What is larger takes longer; what is smaller may wait in the same queue.
                scaled = sorted(took * max(1.0, size / of) for of, took in recent)
                seconds = max(seconds, TIMES * scaled[int(SHARE * (len(scaled) - 1))])
            else:
                speed, sample_bytes = self._promised.get(request.digest, (0.0, 1.0))
                if isinstance(request, pb.TransformRequest):
                    work, sent = TRANSFORM_TIMES * size / max(1.0, sample_bytes), 2.0 * size
                else:
                    work, sent = size, request.n * sample_bytes
                seconds += PROMISED_TIMES * work / speed if speed > 0 else UNMET_S
                seconds += sent / SLOWEST_BYTES_PER_SECOND
        return seconds if self.met else max(seconds, UNMET_S)


def moments(hedge_after: float | None, late: float) -> Iterator[tuple[float, bool]]:
    """Seconds after the first call at which to ask again, each later than the last; whether by a new connection.

    A connection to a replica that hangs looks like any other; a new one to it is never made. So a
    call that is asked again by a new one reaches a replica that lives.
    """
    if hedge_after is not None and hedge_after < late:
        yield hedge_after, False
    moment, step = late, late
    while True:
        yield moment, True
        step *= 2
        moment += step


def _key(request: pb.GenerateRequest | pb.TransformRequest) -> str:
    """Of calls that are alike."""
    return f"{type(request).__name__} {request.digest}"


def _size(request: pb.GenerateRequest | pb.TransformRequest) -> int:
    """Of the work: candidates to compute, at most; bytes to carry."""
    if isinstance(request, pb.TransformRequest):
        return max(1, len(request.data))
    return max(1, request.n) * max(1, request.of)


def _forget(known: dict[str, Any]) -> None:
    while len(known) > MOST_FILES:
        known.pop(next(iter(list(known))), None)
