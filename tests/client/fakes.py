"""A service that computes samples with NumPy: handed to a Client as its transport, or served over a real socket.

`python -m tests.client.fakes` serves one in a process of its own and prints its port: a process that runs a gRPC
server cannot be forked, and data loaders fork.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager

import grpc
import numpy as np
from grpc_health.v1.health_pb2 import HealthCheckResponse

from augmint import errors
from augmint.generators import DTYPES
from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceServicer, add_GeneratorServiceServicer_to_server
from service.rpc.health import HEALTH, Health

LABELS = ("ankle boot", "bag", "coat", "3")


class Cancelled(errors.AugmintError):
    """What a call gets that reaches a server in the moment when it stops."""


STATUS = {
    Cancelled: grpc.StatusCode.CANCELLED,
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.GeneratorNotFound: grpc.StatusCode.NOT_FOUND,
    errors.DigestMismatch: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.AccessDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.ServiceFault: grpc.StatusCode.INTERNAL,
}


def digest(version: int) -> str:
    return f"{version:064x}"


class FakeService:
    """One generator "fake" of uint8 images [4, 5, channels], in `version` only.

    faults:   errors to raise, one per Generate call, oldest first; None lets a call pass.
    requests: the Generate requests received, failed ones included.
    most_in_flight: calls of Generate at once, at most; `gate`, when cleared, holds them.
    pause: seconds that each of them takes at least, that who asks without end leaves the processor to others.
    """

    def __init__(
        self,
        max_samples: int = 64,
        preferred: int = 8,
        channels: int = 3,
        kind: str = "image",
        labels: Sequence[str] = (),
    ) -> None:
        self.target = "fake:1"
        self._labels = labels
        self.version = 1
        self.limits = pb.Limits(max_samples=max_samples, preferred_page_samples=preferred)
        self.sample = pb.SampleSpec(shape=[4, 5, channels], dtype=pb.DATA_TYPE_UINT8)
        if kind == "image":
            self.sample.image.color_space = pb.COLOR_SPACE_RGB if channels == 3 else pb.COLOR_SPACE_GRAY
        self.quality: pb.QualityCard | None = None
        self.learned: list[int] = []  # real samples of each class that it learned from; empty: not told
        self.scored = True
        self.transforms = True
        self.carried: list[pb.TransformRequest] = []
        self.faults: list[errors.AugmintError | None] = []
        self.requests: list[pb.GenerateRequest] = []
        self.described = 0
        self.timeouts: list[float] = []
        self.in_flight = self.most_in_flight = 0
        self.gate = threading.Event()
        self.gate.set()
        self.pause = 0.0
        self.closed = False
        self._lock = threading.Lock()

    @property
    def labels(self) -> Sequence[str]:
        return self._labels or LABELS

    def expected(
        self, seed: int, indices: np.ndarray, classes: np.ndarray, truncation: float = 1, version: int = 0
    ) -> np.ndarray:
        """uint8 [n, *shape]: what this service answers, as a pure function of the address."""
        shape = tuple(self.sample.shape)
        element = np.arange(np.prod(shape), dtype=np.uint64)
        with np.errstate(over="ignore"):
            key = (
                np.asarray(indices, np.uint64) * np.uint64(1_000_003)
                + np.asarray(classes, np.uint64) * np.uint64(7_919)
                + np.uint64((seed * 31 + round(truncation * 1000) + (version or self.version) * 101) % 2**64)
            )
            mixed = (key[:, None] + element) * np.uint64(0x9E3779B97F4A7C15)
        return (mixed >> np.uint64(56)).astype(np.uint8).reshape(-1, *shape)

    def candidate(self, seed: int, positions: np.ndarray, classes: np.ndarray, keep: int, of: int) -> np.ndarray:
        """uint64 [n]: the index of the sample at each position of a selected stream; its score is its first element."""
        found = []
        for position, label in zip(np.asarray(positions).tolist(), np.asarray(classes).tolist(), strict=True):
            block = np.arange(of, dtype=np.uint64) + np.uint64(position // keep * of)
            scores = self.expected(seed, block, np.full(of, label)).reshape(of, -1)[:, 0]
            best = np.sort(np.argsort(scores, kind="stable")[of - keep :])
            found.append(block[best[position % keep]])
        return np.array(found, np.uint64)

    def generate(self, request: pb.GenerateRequest, timeout: float) -> pb.GenerateResponse:
        with self._lock:
            self.requests.append(request)
            self.timeouts.append(timeout)
            fault = self.faults.pop(0) if self.faults else None
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            self.gate.wait(60)
            time.sleep(self.pause)
            if fault is not None:
                raise fault
            return self._answer(request)
        finally:
            with self._lock:
                self.in_flight -= 1

    def _answer(self, request: pb.GenerateRequest) -> pb.GenerateResponse:
        version = self.version  # read once: a test may change it while pages are in flight
        if request.version not in (0, version):
            raise errors.GeneratorNotFound(f"no version {request.version}; there is {version}")
        if request.digest and request.digest != digest(version):
            raise errors.DigestMismatch(f"digest {request.digest} is not served")
        if request.indices and (request.start_index or len(request.indices) != request.n):
            raise errors.InvalidRequest("indices: one per sample, and no start_index")
        if not 1 <= request.n <= self.limits.max_samples:
            raise errors.InvalidRequest(f"n is {request.n}; it must be in [1, {self.limits.max_samples}]")
        if bool(request.label) == bool(request.class_indices):
            raise errors.InvalidRequest("label and class_indices: give one")
        classes = list(request.class_indices) or [self.labels.index(request.label)] * request.n
        run = np.arange(request.start_index, request.start_index + request.n, dtype=np.uint64)
        indices = np.array(request.indices, np.uint64) if request.indices else run
        if request.of:
            indices = self.candidate(request.seed, indices, np.array(classes), request.keep, request.of)
        samples = self.expected(request.seed, indices, np.array(classes), request.truncation, version)
        return pb.GenerateResponse(
            data=samples.tobytes(),
            class_indices=classes,
            seed=request.seed,
            start_index=request.start_index,
            generator="fake",
            version=version,
            digest=digest(version),
            truncation=request.truncation,
            indices=request.indices,
            keep=request.keep,
            of=request.of,
        )

    def moved(self, content: np.ndarray, target: np.ndarray, source: np.ndarray | None, strength: float) -> tuple:
        """What Transform answers: so many levels more (values, tokens) as the classes are apart, and the sources."""
        content = np.asarray(content)
        if source is None:
            source = content.reshape(len(content), -1).astype(np.float64).sum(axis=1).astype(np.int64) % len(
                self.labels
            )
        steps = np.rint((np.asarray(target) - source) * strength).astype(np.int64)
        return content + steps.reshape(-1, *[1] * (content.ndim - 1)).astype(content.dtype), np.asarray(source)

    def transform(self, request: pb.TransformRequest, timeout: float) -> pb.TransformResponse:
        with self._lock:
            self.carried.append(request)
            self.timeouts.append(timeout)
            fault = self.faults.pop(0) if self.faults else None
        self.gate.wait(60)
        if fault is not None:
            raise fault
        version = self.version
        if request.digest and request.digest != digest(version):
            raise errors.DigestMismatch(f"digest {request.digest} is not served")
        dtype = DTYPES[self.sample.dtype]
        content = np.frombuffer(request.data, dtype).reshape(-1, *self.sample.shape)
        if not 1 <= len(content) <= self.limits.max_samples:
            raise errors.InvalidRequest(f"data holds {len(content)} samples")
        target = list(request.class_indices) or [self.labels.index(request.label)] * len(content)
        source = np.array(request.source_class_indices) if request.source_class_indices else None
        samples, known = self.moved(content, np.array(target), source, request.strength)
        return pb.TransformResponse(
            data=samples.tobytes(),
            class_indices=target,
            source_class_indices=known.tolist(),
            generator="fake",
            version=version,
            digest=digest(version),
            strength=request.strength,
        )

    def get_generator(self, request: pb.GetGeneratorRequest, timeout: float) -> pb.GetGeneratorResponse:
        self.described += 1
        if request.generator not in ("", "fake"):
            raise errors.GeneratorNotFound(f"no generator {request.generator!r}; there is fake")
        if request.version not in (0, self.version):
            raise errors.GeneratorNotFound(f"no version {request.version}; there is {self.version}")
        return pb.GetGeneratorResponse(
            generator=pb.Generator(
                name="fake",
                version=self.version,
                labels=self.labels,
                sample=self.sample,
                quality=self.quality,
                scored=self.scored,
                transforms=self.transforms,
                provenance=pb.Provenance(
                    splits=[pb.SplitCounts(split="train", counts=self.learned)][: len(self.learned)]
                ),
            ),
            status=self._status(),
            limits=self.limits,
        )

    def list_generators(self, request: pb.ListGeneratorsRequest, timeout: float) -> pb.ListGeneratorsResponse:
        failed = pb.GeneratorStatus(name="worse", version=3, state=pb.GENERATOR_STATE_FAILED, reason="not ONNX")
        return pb.ListGeneratorsResponse(generators=[self._status(), failed])

    def close(self) -> None:
        self.closed = True

    def _status(self) -> pb.GeneratorStatus:
        return pb.GeneratorStatus(
            name="fake",
            version=self.version,
            digest=digest(self.version),
            state=pb.GENERATOR_STATE_READY,
            is_default=True,
            labels=self.labels,
            capacity_samples_per_second=12345,
        )


class _Servicer(GeneratorServiceServicer):
    def __init__(self, fake: FakeService) -> None:
        self._fake = fake

    def Generate(self, request, context):
        return self._run(self._fake.generate, request, context)

    def Transform(self, request, context):
        return self._run(self._fake.transform, request, context)

    def GetGenerator(self, request, context):
        return self._run(self._fake.get_generator, request, context)

    def ListGenerators(self, request, context):
        return self._run(self._fake.list_generators, request, context)

    @staticmethod
    def _run(method, request, context):
        try:
            return method(request, context.time_remaining())
        except errors.AugmintError as error:
            pushback = getattr(error, "retry_after_s", None)
            if pushback is not None:
                context.set_trailing_metadata((("grpc-retry-pushback-ms", str(int(pushback * 1000))),))
            context.abort(STATUS[type(error)], str(error))


class _Guard(grpc.ServerInterceptor):
    """Answers as a service with tokens does: UNAUTHENTICATED without one, PERMISSION_DENIED with another."""

    def __init__(self, token: str) -> None:
        self._token = token

    def intercept_service(self, continuation, details):
        given = dict(details.invocation_metadata).get("authorization")
        if "health" in details.method or given == f"Bearer {self._token}":
            return continuation(details)
        code = grpc.StatusCode.UNAUTHENTICATED if given is None else grpc.StatusCode.PERMISSION_DENIED
        words = "a bearer token is needed" if given is None else "this token may not draw"
        return grpc.unary_unary_rpc_method_handler(lambda request, context: context.abort(code, words))


@contextmanager
def served(
    fake: FakeService,
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    credentials: grpc.ServerCredentials | None = None,
    token: str | None = None,
    health: Health | None = None,
    options: Sequence[tuple[str, int]] = (),
) -> Iterator[str]:
    """Serve over a real socket; yields HOST:PORT. token: the only bearer token that is let in."""
    interceptors = [_Guard(token)] if token else []
    options = [("grpc.so_reuseport", 0), *options]
    server = grpc.server(futures.ThreadPoolExecutor(8), options=options, interceptors=interceptors)
    add_GeneratorServiceServicer_to_server(_Servicer(fake), server)
    if health is None:
        health = Health()
        health.set("", HealthCheckResponse.SERVING)
    # Not grpc's own servicer: a watcher that leaves can hang its server (service/rpc/health.py), and clients watch.
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(HEALTH, health.handlers()),))
    if credentials is None:
        port = server.add_insecure_port(f"{host}:{port}")
    else:
        port = server.add_secure_port(f"{host}:{port}", credentials)
    server.start()
    try:
        yield f"{host}:{port}"
    finally:
        assert server.stop(0).wait(60), "the server does not stop"


if __name__ == "__main__":
    with served(FakeService()) as target:
        print(target, flush=True)  # noqa: T201
        sys.stdin.read()  # until the parent closes the pipe, or dies
