"""The client: asks a service for samples by address."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from augmint.address import Address
from augmint.calls import pages
from augmint.calls.carrying import Transformation
from augmint.calls.query import Classes, Query, Which
from augmint.calls.session import Session
from augmint.calls.steps import Ask, Pause, Step, Steps, Together, Walk
from augmint.errors import AugmintError, ClientClosed
from augmint.generators import Description, GeneratorStatus
from augmint.samples import Samples, Transformed
from augmint.threads import close_at_exit
from augmint.wire.channel import Channel, Tls, Token
from augmint.wire.fork import PerProcess
from augmint.wire.transport import GrpcTransport, Transport

T = TypeVar("T")


class Client:
    """A service's generators.

    Thread-safe. Connects when first used, anew in every process, so it may be pickled and may cross a fork. (A fork
    waits for calls of other threads, 5 seconds at most: gRPC does not survive one in the middle of a call.) Close it,
    or use it in a `with` block.

    Every method may raise, beside what it names: Unavailable, TlsError, NotAService, AccessDenied, Overloaded,
    DeadlineExceeded, ClientClosed, ServiceFault.
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
        transport: Transport | None = None,
    ) -> None:
        """target:          HOST:PORT, or any gRPC name; dns:///augmint-headless:50051 reaches all replicas of it.
        timeout:         seconds that one page may take, retries included. A page that is late, by what others took, is
                         asked for again before that, over a new connection: see `augmint.wire.patience`.
        connect_timeout: seconds until "no service at ..." when none has ever answered; later, `timeout` holds, so that
                         a reader sits out a restart.
        pages_in_flight: full pages asked for at once.
        hedge_after:     seconds after which a page that has not come is asked for a second time, of another replica if
                         there is one; the first answer counts. At most one page in ten. Absent: never.
        tls:             True for TLS with the public authorities, Tls(...) for others or for a certificate of one's
                         own. Absent or False: in the clear.
        token:           bearer token: a str, a pathlib.Path of a file that holds it (read for every call, so it may be
                         renewed in place), or a function that returns it. Needs `tls`, or tls=False said explicitly,
                         unless the target is this machine.
        proxy:           http://HOST:PORT of an HTTP proxy, or False for none. Absent: as the environment says
                         (grpc_proxy, https_proxy, http_proxy, no_proxy).
        compression:     "gzip" or "deflate", of requests (long lists of indices); what a service sends is its choice.
        max_message_bytes: largest answer accepted. Absent: any.
        transport:       what to talk through instead of gRPC; for tests.
        """
        self._transport: Transport = transport or GrpcTransport(
            Channel(target, tls, token, proxy, compression, max_message_bytes, hedge_after)
        )
        self._session = Session(timeout, connect_timeout, pages_in_flight)
        self._closed = threading.Event()
        self._window = PerProcess(lambda: pages.Window(pages_in_flight), pages.Window.close)
        close_at_exit(self)

    # -- samples ------------------------------------------------------------------------------------------

    def generate(
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
        """Draw n samples of one label, or one sample per entry of `classes`.

        label:       a class by name (str) or by class index (int): "3" is the class named 3, 3 is the fourth class.
        n:           from 1 to 2**24; absent: 1, or the number of `classes`.
        classes:     one class per sample, all names or all class indices, instead of `label`.
        seed:        of the stream, in [0, 2**64), or its digits. Absent: a random one below 2**53, drawn here, so that
                     all pages and retries share it; `samples.seed` tells it.
        start_index: position of the first sample in the stream; start_index + n is at most 2**48.
        truncation:  in (0, 2]; below 1 more typical and less varied, above 1 the reverse. Absent: 1, as trained.
        keep, of:    selection, 1 <= keep <= of <= 64: of every `of` candidates the `keep` that score best; positions
                     count these. For a generator that scores its samples; costs of / keep times the work. Absent: all.
        generator:   name. Absent: the only one.
        version:     from 1. Absent: the one of the channel, or the default.
        channel:     a name that the service's operator gave to a version, e.g. "stable".
        digest:      SHA-256 of the ONNX file; the call fails unless the service has exactly this file.
        timeout:     seconds for the whole call. Absent: each page has the client's timeout, so that a call of any size
                     goes on as long as samples arrive.
        returns:     Samples, in order. All are of one file: when the service changes its default version during the
                     call, the call begins again.
        raises:      InvalidRequest, LabelNotFound, GeneratorNotFound, DigestMismatch.
        """
        which = Which.of(generator, version, channel)
        query = Query.run(label, n, classes, start_index, which, seed, truncation, keep, of, digest)
        return self._run(self._session.draw(query, timeout))

    def fetch(
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
        """Samples at any positions of one stream, in the order given; the rest is as in `generate`.

        indices: positions in the stream, [n], each in [0, 2**48). A shuffled batch costs no more calls than a run of
                 neighbours.
        classes: one class per sample, all names or all class indices.
        """
        which = Which.of(generator, version, channel)
        query = Query.at(indices, classes, which, seed, truncation, keep, of, digest)
        return self._run(self._session.draw(query, timeout))

    def replay(self, address: Address | str, *, timeout: float | None = None) -> Samples:
        """The samples of an address (`samples.address`, or its text), byte for byte.

        raises: InvalidRequest if the text is no address, DigestMismatch or GeneratorNotFound if the service no longer
                has that file.
        """
        return self._run(self._session.draw(Query.again(address), timeout))

    def transform(
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
        """Carry samples into another class: what is not the class stays, what is changes.

        samples:  n of them, n from 1 to 2**24: an array or tensor of the generator's dtype [n, *shape]; Samples; or, as
                  its kind has them, a list of PIL images, a DataFrame or a list of dicts, a list of str (what is longer
                  than the generator's texts is cut), or a pair of sounds (floats in [-1, 1]) and frames a second.
        label:    the class to carry all of them into, by name (str) or class index (int), as in `generate`.
        classes:  one class per sample, all names or all class indices, instead of `label`.
        source:   the class that they are of, or one per sample. Absent: a classifier of real samples finds out.
        strength: how far, in [0, 1]. 1: all the way; 0: each is made again in its own class.
        generator, version, channel, digest, timeout: as in `generate`.
        returns:  Transformed: Samples in the order sent, all by one file, with `source_labels`. The same samples give
                  the same bytes again, by the same file.
        raises:   InvalidRequest (also if the generator was not trained to transform), LabelNotFound, GeneratorNotFound,
                  DigestMismatch.
        """
        which = Which.of(generator, version, channel)
        wanted = Transformation.of(which, samples, label, classes, source, strength, digest)
        return self._run(self._session.transform(wanted, timeout))

    # -- generators ---------------------------------------------------------------------------------------

    def generators(self, *, timeout: float | None = None) -> list[GeneratorStatus]:
        """Every generator and version that the service knows, those that failed to load included."""
        return self._run(self._session.generators(timeout))

    def describe(
        self,
        generator: str | None = None,
        version: int | None = None,
        *,
        channel: str | None = None,
        timeout: float | None = None,
    ) -> Description:
        """Labels, sample spec, quality card, provenance and limits of one generator, asked afresh.

        generator: name. Absent: the only one. version: from 1, or channel: a name for one. Absent: the default.
        raises:    InvalidRequest if there are several and none was named, GeneratorNotFound.
        """
        return self._run(self._session.describe(Which.of(generator, version, channel), timeout))

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
            "timeout": self._session.timeout,
            "connect_timeout": self._session.connect_timeout,
            "pages_in_flight": self._session.pages_in_flight,
            "descriptions": dict(self._session.descriptions),
            "met": self._session.retry.met,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(  # type: ignore[misc]
            timeout=state["timeout"],
            connect_timeout=state["connect_timeout"],
            pages_in_flight=state["pages_in_flight"],
            transport=state["transport"],
        )
        self._session.descriptions = state["descriptions"]
        self._session.retry.met = state["met"]

    # -- inside -------------------------------------------------------------------------------------------

    def _run(self, steps: Steps[T]) -> T:
        walk = Walk(steps)
        while not walk.done:
            try:
                answer = self._perform(walk.step)
            except AugmintError as error:
                walk.failed(error)
            else:
                walk.answered(answer)
        return walk.result

    def _perform(self, step: Step) -> Any:
        match step:
            case Ask(method, request, seconds):
                if self._closed.is_set():
                    raise ClientClosed(f"the client of {self._transport.target} is closed")
                return getattr(self._transport, method)(request, seconds)
            case Pause(seconds):
                if self._closed.wait(seconds):
                    raise ClientClosed("the client was closed between two attempts")
            case Together(parts):
                self._window.get().run(parts, self._run)
        return None
