"""Splits an order into pages, keeps several in flight, and puts the answers in place."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from augmint.errors import ClientClosed, ServiceFault
from augmint.generators import Description
from augmint.v1 import generator_pb2 as pb


@dataclass(frozen=True, slots=True)
class Order:
    """Samples asked for, checked.

    class_indices: int64 [n]; indices: uint64 [n], each below 2**48, in any order; seed: in [0, 2**64).
    truncation:    a float32 in (0, 2].
    """

    description: Description
    class_indices: np.ndarray
    indices: np.ndarray
    seed: int
    truncation: float


@dataclass(frozen=True, slots=True)
class Page:
    """One call: `positions` in the order, either a slice or int64 [n], whose indices follow one another."""

    positions: slice | np.ndarray
    n: int


def split(indices: np.ndarray, largest: int) -> Iterator[Page]:
    """Pages of at most `largest` samples, each a contiguous run of the stream.

    indices: uint64 [n]. Sorted first when they are not ascending, so that what a shuffle tore apart is joined again.
    """
    # Unsigned subtraction wraps; every comparison below means the same either way.
    steps = np.diff(indices)
    ascending = bool(np.all(indices[:-1] < indices[1:]))
    positions = None
    if not ascending:
        positions = np.argsort(indices, kind="stable")
        steps = np.diff(indices[positions])
    bounds = [0, *(np.flatnonzero(steps != 1) + 1).tolist(), len(indices)]
    for first, last in itertools.pairwise(bounds):
        for start in range(first, last, largest):
            end = min(start + largest, last)
            yield Page(slice(start, end) if positions is None else positions[start:end], end - start)


def request(order: Order, page: Page) -> pb.GenerateRequest:
    """The page as the contract's message: always with seed and digest, so that it has one answer for ever."""
    description, classes = order.description, order.class_indices[page.positions]
    message = pb.GenerateRequest(
        generator=description.name,
        version=description.version,
        digest=description.digest,
        n=page.n,
        seed=order.seed,
        start_index=int(order.indices[page.positions][0]),
        truncation=order.truncation,
    )
    if (classes == classes[0]).all():
        message.label = description.labels[classes[0]]
    else:
        message.class_indices.extend(classes.tolist())
    return message


def place(answer: pb.GenerateResponse, order: Order, page: Page, out: np.ndarray) -> None:
    """Copy a page's samples to their places; ServiceFault if they are not what was asked for.

    out: the generator's dtype [samples of the order, *shape].
    """
    description = order.description
    wanted = page.n * int(np.prod(description.shape)) * description.dtype.itemsize
    start = int(order.indices[page.positions][0])
    for what, value, expected in (
        ("digest", answer.digest, description.digest),
        ("seed", answer.seed, order.seed),
        ("start_index", answer.start_index, start),
        ("classes", list(answer.class_indices), order.class_indices[page.positions].tolist()),
        ("bytes of data", len(answer.data), wanted),
    ):
        if value != expected:
            raise ServiceFault(f"the service answered with {what} {str(value)[:80]}; wanted {str(expected)[:80]}")
    out[page.positions] = np.frombuffer(answer.data, description.dtype).reshape(page.n, *description.shape)


class Window:
    """Runs pages on threads, several at once, but never more than a few full pages' worth of samples.

    Counted in samples: a bulk reader needs few calls in flight, and more would only queue at the service; a batch of
    scattered samples needs many, so that the service can compute them together.
    """

    # More threads than this make no client faster: they share one interpreter lock.
    MOST_CALLS = 32

    def __init__(self, full_pages: int) -> None:
        """full_pages: pages of full size that may be in flight at once."""
        self._full_pages = full_pages
        self._threads = ThreadPoolExecutor(self.MOST_CALLS, thread_name_prefix="augmint")

    def run(self, pages: Iterator[Page], largest: int, fetch: Callable[[Page], None]) -> None:
        """fetch(page) for every page; ends when all have, or with the first error.

        largest: samples of a full page. After an error, no further page is begun.
        """
        budget = self._full_pages * largest
        flying: deque[tuple[Future[None], int]] = deque()
        samples = 0
        try:
            for page in pages:
                while flying and (samples + page.n > budget or len(flying) >= self.MOST_CALLS):
                    oldest, n = flying.popleft()
                    oldest.result()
                    samples -= n
                try:
                    flying.append((self._threads.submit(fetch, page), page.n))
                except RuntimeError as error:  # shut down by close()
                    raise ClientClosed("the client was closed during a call") from error
                samples += page.n
            while flying:
                flying.popleft()[0].result()
        finally:
            for future, _ in flying:
                future.cancel()

    def close(self) -> None:
        """Begin no further page; those in flight end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)
