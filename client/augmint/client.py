"""The client: asks a service for samples by address."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar

import numpy as np

from augmint import checks, pages
from augmint.address import INDEX_LIMIT, SEED_LIMIT, Address, check_selection, check_truncation
from augmint.errors import ClientClosed, DigestMismatch, GeneratorNotFound, InvalidRequest
from augmint.generators import Description, GeneratorStatus
from augmint.process import PerProcess
from augmint.retry import Retry
from augmint.samples import Samples
from augmint.transport import GrpcTransport, Transport
from augmint.v1 import generator_pb2 as pb

T = TypeVar("T")

# Bounds what one call allocates by a slip of the keyboard; more samples are more calls.
MAX_SAMPLES = 2**24


class Client:
    """A service's generators.

    Thread-safe. Connects when first used, anew in every process, so it may be pickled and may cross a fork (fork while
    no other thread is in the middle of a call: gRPC does not survive that). Close it, or use it in a `with` block.

    Every method may raise, beside what it names: Unavailable, Overloaded, DeadlineExceeded, AccessDenied,
    ClientClosed, ServiceFault.
    """

    def __init__(
        self,
        target: str = "localhost:50051",
        *,
        timeout: float = 60.0,
        connect_timeout: float = 5.0,
        pages_in_flight: int = 4,
        transport: Transport | None = None,
    ) -> None:
        """target:          HOST:PORT, or any gRPC name; dns:///augmint-headless:50051 reaches all replicas of it.
        timeout:         seconds that one page may take, retries included.
        connect_timeout: seconds until "no service at ..." when none has ever answered; later, `timeout` holds, so that
                         a reader sits out a restart.
        pages_in_flight: full pages asked for at once.
        transport:       what to talk through instead of gRPC; for tests.
        """
        for name, value in (("timeout", timeout), ("connect_timeout", connect_timeout)):
            checks.seconds(name, value)
        if not isinstance(pages_in_flight, int) or pages_in_flight < 1:
            raise InvalidRequest(f"pages_in_flight is {pages_in_flight!r}; it must be a whole number from 1")
        self._transport = transport or GrpcTransport(target)
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._pages_in_flight = pages_in_flight
        self._descriptions: dict[tuple[str, int], Description] = {}
        self._closed = threading.Event()
        self._retry = Retry(connect_timeout, wait=self._closed.wait)
        self._window = PerProcess(lambda: pages.Window(pages_in_flight), pages.Window.close)

    # -- samples ------------------------------------------------------------------------------------------

    def generate(
        self,
        label: str | int | None = None,
        n: int | None = None,
        *,
        classes: Sequence[str] | Sequence[int] | np.ndarray | None = None,
        seed: int | None = None,
        start_index: int = 0,
        truncation: float | None = None,
        keep: int | None = None,
        of: int | None = None,
        generator: str | None = None,
        version: int | None = None,
        digest: str | None = None,
        timeout: float | None = None,
    ) -> Samples:
        """Draw n samples of one label, or one sample per entry of `classes`.

        label:       a class by name (str) or by class index (int): "3" is the class named 3, 3 is the fourth class.
        n:           from 1 to 2**24; absent: 1, or the number of `classes`.
        classes:     one class per sample, all names or all class indices, instead of `label`.
        seed:        of the stream, in [0, 2**64). Absent: a random one, drawn here, so that all pages and retries share
                     it; `samples.seed` tells it.
        start_index: position of the first sample in the stream; start_index + n is at most 2**48.
        truncation:  in (0, 2]; below 1 more typical and less varied, above 1 the reverse. Absent: 1, as trained.
        keep, of:    of every `of` consecutive candidates the `keep` with the best score, 1 <= keep <= of <= 64;
                     positions then count what is kept. Needs a generator with a score. Absent: no selection.
        generator:   name. Absent: the only one.
        version:     from 1. Absent: the default, the highest that is ready.
        digest:      SHA-256 of the ONNX file; the call fails unless the service has exactly this file.
        timeout:     seconds for the whole call. Absent: each page has the client's timeout, so that a call of any size
                     goes on as long as samples arrive.
        returns:     Samples, in order. All are of one file: when the service changes its default version during the
                     call, the call begins again.
        raises:      InvalidRequest, GeneratorNotFound, DigestMismatch.
        """
        if (label is None) == (classes is None):
            raise InvalidRequest("give either a label or classes, and not both")
        if n is not None:
            n = checks.whole("n", n, 1, MAX_SAMPLES)
        elif label is not None:
            n = 1

        def order(description: Description) -> tuple[np.ndarray, np.ndarray]:
            if label is not None:
                class_indices = np.full(n or 1, description.class_index(label), np.int64)
            else:
                class_indices = description.class_indices(classes)
                checks.whole("the number of classes", len(class_indices), 1, MAX_SAMPLES)
                if n is not None and n != len(class_indices):
                    raise InvalidRequest(f"n is {n}, but there are {len(class_indices)} classes")
            count = len(class_indices)
            first = checks.whole("start_index", start_index, 0, INDEX_LIMIT - count)
            return class_indices, np.arange(first, first + count, dtype=np.uint64)

        return self._draw(order, seed, truncation, (keep, of), generator, version, digest, timeout)

    def fetch(
        self,
        indices: Sequence[int] | np.ndarray,
        classes: Sequence[str] | Sequence[int] | np.ndarray,
        *,
        seed: int,
        truncation: float | None = None,
        keep: int | None = None,
        of: int | None = None,
        generator: str | None = None,
        version: int | None = None,
        digest: str | None = None,
        timeout: float | None = None,
    ) -> Samples:
        """Samples at any positions of one stream, in the order given; the rest is as in `generate`.

        indices: positions in the stream, [n], each in [0, 2**48). A shuffled batch costs no more calls than a run of
                 neighbours.
        classes: one class per sample, all names or all class indices.
        """

        def order(description: Description) -> tuple[np.ndarray, np.ndarray]:
            class_indices = description.class_indices(classes)
            positions = np.asarray(indices)
            if positions.shape != class_indices.shape or positions.dtype.kind not in "iu":
                raise InvalidRequest(
                    f"indices must be one whole number per class: {len(class_indices)}, not {list(positions.shape)} of "
                    f"{positions.dtype}"
                )
            checks.whole("the number of indices", len(positions), 1, MAX_SAMPLES)
            for extreme in (positions.min(), positions.max()):
                checks.whole("an index", int(extreme), 0, INDEX_LIMIT - 1)
            return class_indices, positions.astype(np.uint64)

        return self._draw(order, seed, truncation, (keep, of), generator, version, digest, timeout)

    def replay(self, address: Address | str, *, timeout: float | None = None) -> Samples:
        """The samples of an address (`samples.address`, or its text), byte for byte.

        raises: InvalidRequest if the text is no address, DigestMismatch or GeneratorNotFound if the service no longer
                has that file.
        """
        if isinstance(address, str):
            address = Address.parse(address)
        return self.generate(
            classes=np.array(address.class_indices, np.int64),
            seed=address.seed,
            start_index=address.start_index,
            truncation=address.truncation,
            keep=address.keep,
            of=address.of,
            generator=address.generator,
            version=address.version,
            digest=address.digest,
            timeout=timeout,
        )

    # -- generators ---------------------------------------------------------------------------------------

    def generators(self, *, timeout: float | None = None) -> list[GeneratorStatus]:
        """Every generator and version that the service knows, those that failed to load included."""
        limit = self._timeout if timeout is None else checks.seconds("timeout", timeout)
        answer = self._call(lambda left: self._transport.list_generators(pb.ListGeneratorsRequest(), left), limit)
        return [GeneratorStatus.read(message) for message in answer.generators]

    def describe(
        self, generator: str | None = None, version: int | None = None, *, timeout: float | None = None
    ) -> Description:
        """Labels, sample spec, quality card, provenance and limits of one generator, asked afresh.

        generator: name. Absent: the only one. version: from 1. Absent: the default.
        raises:    InvalidRequest if there are several and none was named, GeneratorNotFound.
        """
        limit = self._timeout if timeout is None else checks.seconds("timeout", timeout)
        return self._describe(_key(generator, version), limit)

    # -- life cycle ---------------------------------------------------------------------------------------

    def close(self) -> None:
        """Disconnect. Calls in progress in other threads end with ClientClosed. Closing twice is harmless."""
        self._closed.set()
        self._transport.close()
        self._window.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._transport.target!r})"

    def __getstate__(self) -> dict[str, object]:
        return {
            "transport": self._transport,
            "timeout": self._timeout,
            "connect_timeout": self._connect_timeout,
            "pages_in_flight": self._pages_in_flight,
            "descriptions": dict(self._descriptions),
            "met": self._retry.met,
        }

    def __setstate__(self, state: dict) -> None:
        self.__init__(  # type: ignore[misc]
            timeout=state["timeout"],
            connect_timeout=state["connect_timeout"],
            pages_in_flight=state["pages_in_flight"],
            transport=state["transport"],
        )
        self._descriptions = state["descriptions"]
        self._retry.met = state["met"]

    # -- inside -------------------------------------------------------------------------------------------

    def _draw(
        self,
        order: Callable[[Description], tuple[np.ndarray, np.ndarray]],
        seed: int | None,
        truncation: float | None,
        selection: tuple[int | None, int | None],
        generator: str | None,
        version: int | None,
        digest: str | None,
        timeout: float | None,
    ) -> Samples:
        """Resolve the file once, then draw from it; `order` gives class_indices int64 [n] and indices uint64 [n]."""
        seed = secrets.randbits(64) if seed is None else checks.whole("seed", seed, 0, SEED_LIMIT - 1)
        truncation = 1.0 if truncation is None else check_truncation(truncation)
        keep, of = check_selection(*selection)
        end = None if timeout is None else time.monotonic() + checks.seconds("timeout", timeout)

        def left() -> float:
            return self._timeout if end is None else max(end - time.monotonic(), 0.0)

        key = _key(generator, version)
        description = self._descriptions.get(key)
        known = description is not None
        if description is None:
            description = self._describe(key, left())
        while True:
            try:
                if digest is not None and description.digest != digest:
                    there = f"{description.name} version {description.version}"
                    raise DigestMismatch(f"{there} is the file {description.digest}, not {digest}")
                class_indices, indices = order(description)
                return self._fill(pages.Order(description, class_indices, indices, seed, truncation, keep, of), left)
            except (DigestMismatch, GeneratorNotFound):
                # The service has moved on since this client asked about it. Nothing was handed out yet, so all of the
                # samples can come from the file that it has now, unless the caller pinned another.
                if not known:
                    raise
                known = False
                description = self._describe(key, left())

    def _describe(self, key: tuple[str, int], limit: float) -> Description:
        message = pb.GetGeneratorRequest(generator=key[0], version=key[1])
        description = Description.read(self._call(lambda left: self._transport.get_generator(message, left), limit))
        self._descriptions[key] = description
        self._descriptions[description.name, description.version] = description
        return description

    def _fill(self, order: pages.Order, left: Callable[[], float]) -> Samples:
        description = order.description
        array = np.empty((len(order.indices), *description.shape), description.dtype)

        def fetch(page: pages.Page) -> None:
            message = pages.request(order, page)
            answer = self._call(lambda seconds: self._transport.generate(message, seconds), left())
            pages.place(answer, order, page, array)

        if len(array) <= description.page:
            fetch(pages.Page(slice(0, len(array)), len(array)))  # no thread needed
        else:
            self._window.get().run(pages.split(len(array), description.page), fetch)
        return Samples(
            array, order.class_indices, order.indices, description, order.seed, order.truncation, order.keep, order.of
        )

    def _call(self, call: Callable[[float], T], seconds: float) -> T:
        def attempt(left: float) -> T:
            if self._closed.is_set():
                raise ClientClosed(f"the client of {self._transport.target} is closed")
            return call(left)

        return self._retry.run(attempt, seconds)


def _key(generator: str | None, version: int | None) -> tuple[str, int]:
    """Name and version as the contract has them: "" and 0 for the only one and the default one."""
    if generator is not None and (not isinstance(generator, str) or not generator):
        raise InvalidRequest(f"generator is {generator!r}; it must be a name")
    return generator or "", 0 if version is None else checks.whole("version", version, 1, 2**32 - 1)
