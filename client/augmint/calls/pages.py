"""Splits an order into pages, keeps several in flight, and puts the answers in place."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from augmint.errors import ClientClosed, ServiceFault
from augmint.generators import Description
from augmint.threads import Pool
from augmint.v1 import generator_pb2 as pb

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """Samples asked for, checked.

    class_indices: int64 [n]; indices: uint64 [n], each below 2**48, in any order; seed: in [0, 2**64).
    truncation:    a float32 in (0, 2]; keep, of: selection, 0 and 0 for none.
    """

    description: Description
    class_indices: np.ndarray
    indices: np.ndarray
    seed: int
    truncation: float
    keep: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One call: the samples at `positions` in the order, n of them."""

    positions: slice
    n: int


def largest(order: Order) -> int:
    """Samples that one call may ask for: fewer where a selection computes several candidates for each."""
    page = order.description.page
    if not order.of:
        return page
    blocks = max(1, page // order.of)
    # Neighbours of one class share a block's candidates; elsewhere every sample may need a block of its own.
    alike = bool(np.all(order.class_indices == order.class_indices[0])) and _consecutive(order.indices)
    return blocks * order.keep if alike else blocks


def split(n: int, largest: int) -> Iterator[Page]:
    """Pages of at most `largest` of n samples, in order."""
    for start in range(0, n, largest):
        end = min(start + largest, n)
        yield Page(slice(start, end), end - start)


def _consecutive(indices: np.ndarray) -> bool:
    """Whether each of the indices, uint64 [n], is one more than the one before."""
    # Unsigned subtraction wraps, so a step down is no 1 either.
    return bool(np.all(np.diff(indices) == 1))


def request(order: Order, page: Page) -> pb.GenerateRequest:
    """The page as the contract's message: always with seed and digest, so that it has one answer for ever."""
    description, classes = order.description, order.class_indices[page.positions]
    indices = order.indices[page.positions]
    message = pb.GenerateRequest(
        generator=description.name,
        version=description.version,
        digest=description.digest,
        n=page.n,
        seed=order.seed,
        truncation=order.truncation,
        keep=order.keep,
        of=order.of,
    )
    if _consecutive(indices):
        message.start_index = int(indices[0])
    else:
        message.indices.extend(indices.tolist())
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
    indices = order.indices[page.positions].tolist()
    given = list(answer.indices) or list(range(answer.start_index, answer.start_index + page.n))
    for what, value, expected in (
        ("digest", answer.digest, description.digest),
        ("seed", answer.seed, order.seed),
        # A service of a release before selection would ignore it.
        ("selection", (answer.keep, answer.of), (order.keep, order.of)),
        ("indices", given, indices),
        ("classes", list(answer.class_indices), order.class_indices[page.positions].tolist()),
        ("bytes of data", len(answer.data), wanted),
    ):
        if value != expected:
            raise ServiceFault(f"the service answered with {what} {str(value)[:80]}; wanted {str(expected)[:80]}")
    out[page.positions] = np.frombuffer(answer.data, description.dtype).reshape(page.n, *description.shape)


class Window:
    """Runs pages on threads, a few at once: more would only queue at the service."""

    def __init__(self, pages: int) -> None:
        """pages: that may be in flight at once."""
        self._pages = pages
        self._threads = Pool(pages, "augmint")

    def run(self, pages: Iterator[T], fetch: Callable[[T], None]) -> None:
        """fetch(page) for every page, until all are done or one fails; after an error no further page begins."""
        flying: deque[Future[None]] = deque()
        try:
            for page in pages:
                if len(flying) == self._pages:
                    flying.popleft().result()
                try:
                    flying.append(self._threads.submit(fetch, page))
                except RuntimeError as error:  # shut down by close()
                    raise ClientClosed("the client was closed during a call") from error
            while flying:
                flying.popleft().result()
        finally:
            for future in flying:
                future.cancel()

    def close(self) -> None:
        """Begin no further page; those in flight end by themselves."""
        self._threads.shutdown()
