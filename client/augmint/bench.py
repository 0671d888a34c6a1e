"""Loads a live service for a while and tells what it gave: `augmint bench`."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from augmint import checks
from augmint.client import Client
from augmint.errors import AugmintError, InvalidRequest
from augmint.generators import Description
from augmint.threads import Pool
from augmint.wire.channel import Channel, Tls
from augmint.wire.transport import GrpcTransport

# Before anything is counted.
WARM_UP_S = 1.0
# Fetches that a reader with a rate keeps ahead of its steps, as a loader does.
AHEAD = 2
# For readers to end in, once their calls were ended.
LEAVE_S = 5.0


@dataclass(frozen=True, slots=True)
class Load:
    """What to ask for. readers: threads; rows: samples per call; seconds: how long, after a second of warming up.

    rate: samples/s that all readers together consume, in steps of `rows`; None: as fast as they come.
    """

    readers: int = 4
    rows: int = 256
    seconds: float = 10.0
    rate: float | None = None

    def __post_init__(self) -> None:
        checks.whole("readers", self.readers, 1, 256)
        checks.whole("rows", self.rows, 1, 2**20)
        checks.seconds("seconds", self.seconds)
        if self.rate is not None and not 0 < self.rate < 1e12:
            raise InvalidRequest(f"rate is {self.rate!r}; it must be a number of samples per second above 0")


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it.

    samples_per_second, megabytes_per_second: as received. calls: that ended in the time measured.
    p50_ms, p90_ms, p99_ms, longest_ms: of a call, retries included; None without calls.
    stall_share: share of their time that readers with a rate waited for samples, in [0, 1]; None without a rate, or
    without a whole step.
    errors: kind of error to count. replicas: address to samples/s as that replica calibrated itself, None if it could
    not be asked. capacity_share: of what all replicas say that they can make, this load got.
    local: whether the service is on this machine, and shares its cores with the readers, which lowers what it gives.
    """

    generator: str
    readers: int
    rows: int
    seconds: float
    calls: int
    samples_per_second: float
    megabytes_per_second: float
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    longest_ms: float | None
    stall_share: float | None
    errors: dict[str, int]
    replicas: dict[str, float | None]
    capacity_share: float | None
    local: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


class _Tally:
    """What the readers saw while it counted; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.counting = False
        self.durations: list[float] = []
        self.errors: Counter[str] = Counter()
        self.waited = self.elapsed = 0.0

    def call(self, seconds: float) -> None:
        with self._lock:
            if self.counting:
                self.durations.append(seconds)

    def error(self, error: AugmintError) -> None:
        with self._lock:
            if self.counting:
                self.errors[type(error).__name__] += 1

    def step(self, waited: float, elapsed: float) -> None:
        with self._lock:
            if self.counting:
                self.waited += waited
                self.elapsed += elapsed


def bench(channel: Channel, load: Load, generator: str | None = None, timeout: float = 60.0) -> Report:
    """Run the load; bounded by its seconds, a second before, and one call's timeout after.

    raises: what `Client.describe` raises; errors under load are counted instead.
    """
    with Client(timeout=timeout, transport=GrpcTransport(channel)) as client:
        description = client.describe(generator)
        replicas = _replicas(channel, description, timeout)
        tally, stop = _Tally(), threading.Event()
        seed = int(time.time_ns()) % 2**63  # no two runs ask for the same samples, in case something remembers them

        def fetch(reader: int, turn: int) -> None:
            began = time.perf_counter()
            try:
                client.generate(
                    classes=np.arange(load.rows) % len(description.labels),
                    seed=seed + reader,
                    start_index=turn * load.rows,
                    generator=description.name,
                    version=description.version,
                )
            except AugmintError as error:
                if not stop.is_set():
                    tally.error(error)
                stop.wait(0.1)  # a service that refuses at once is not asked in a tight loop
            else:
                tally.call(time.perf_counter() - began)

        read = _greedy if load.rate is None else _paced(load.rows * load.readers / load.rate)
        threads = [
            threading.Thread(target=read, args=(fetch, one, tally, stop), daemon=True) for one in range(load.readers)
        ]
        begun = []
        try:
            for thread in threads:
                thread.start()
                begun.append(thread)
            stop.wait(WARM_UP_S)
            tally.counting, began = True, time.perf_counter()
            stop.wait(load.seconds)
            tally.counting, seconds = False, time.perf_counter() - began
        finally:
            stop.set()
            client.close()  # ends calls in progress
            for thread in begun:
                thread.join(LEAVE_S)
    return _report(load, description, tally, seconds, replicas)


Fetch = Callable[[int, int], None]


def _greedy(fetch: Fetch, reader: int, tally: _Tally, stop: threading.Event) -> None:
    turn = 0
    while not stop.is_set():
        fetch(reader, turn)
        turn += 1


def _paced(step_s: float) -> Callable[[Fetch, int, _Tally, threading.Event], None]:
    def read(fetch: Fetch, reader: int, tally: _Tally, stop: threading.Event) -> None:
        pool = Pool(AHEAD, "augmint-bench")
        turn, last = AHEAD, time.perf_counter()
        ahead: list[Future[None]] = [pool.submit(fetch, reader, one) for one in range(AHEAD)]
        while not stop.is_set():
            began = time.perf_counter()
            ahead.pop(0).result()
            waited = time.perf_counter() - began
            ahead.append(pool.submit(fetch, reader, turn))
            turn += 1
            stop.wait(step_s)  # the training step
            now = time.perf_counter()
            tally.step(waited, now - last)
            last = now
        pool.shutdown()

    return read


def _replicas(channel: Channel, description: Description, timeout: float) -> dict[str, float | None]:
    """Every address that the target's name leads to, each asked for its own capacity."""
    found = re.fullmatch(r"(?:dns:(?:///)?)?\[?([^/\[\]]+?)\]?:(\d+)", channel.target)
    addresses = re.sub(r"^ipv[46]:", "", channel.target).split(",")
    if found:
        try:
            infos = socket.getaddrinfo(found[1], int(found[2]), type=socket.SOCK_STREAM)
        except OSError:
            infos = []
        hosts = sorted({str(info[4][0]) for info in infos})
        addresses = [f"[{host}]:{found[2]}" if ":" in host else f"{host}:{found[2]}" for host in hosts] or addresses
    capacities: dict[str, float | None] = {}
    for address in addresses:
        tls = channel.tls
        if tls and found:
            own = tls if isinstance(tls, Tls) else Tls()
            tls = replace(own, server_name=own.server_name or found[1])
        # The channel was let use its token already; so may one to a replica of it.
        there = replace(channel, target=address, tls=False if tls is None else tls)
        with Client(timeout=timeout, connect_timeout=2.0, transport=GrpcTransport(there)) as client:
            try:
                told = client.describe(description.name, description.version)
                capacities[address] = told.capacity_samples_per_second or None
            except AugmintError:
                capacities[address] = None
    return capacities


def _local(address: str) -> bool:
    """Whether HOST:PORT, or a path of a socket, is of this machine: then one may listen there."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = address.rpartition(":")[0].rpartition("/")[2].strip("[]")
    with contextlib.suppress(OSError):
        for family, kind, protocol, _, there in socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM):
            with contextlib.suppress(OSError), socket.socket(family, kind, protocol) as tried:
                tried.bind(there)
                return True
    return False


def _report(
    load: Load, description: Description, tally: _Tally, seconds: float, replicas: dict[str, float | None]
) -> Report:
    speed = len(tally.durations) * load.rows / seconds
    size = int(np.prod(description.shape)) * description.dtype.itemsize
    durations = np.array(tally.durations) * 1000
    p50, p90, p99 = np.percentile(durations, [50, 90, 99]).tolist() if len(durations) else (None, None, None)
    known = [one for one in replicas.values() if one]
    return Report(
        generator=f"{description.name}/{description.version}",
        readers=load.readers,
        rows=load.rows,
        seconds=seconds,
        calls=len(durations),
        samples_per_second=speed,
        megabytes_per_second=speed * size / 1e6,
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        longest_ms=float(durations.max()) if len(durations) else None,
        stall_share=tally.waited / tally.elapsed if tally.elapsed else None,
        errors=dict(tally.errors),
        replicas=replicas,
        capacity_share=speed / sum(known) if known and len(known) == len(replicas) else None,
        local=any(map(_local, replicas)),
    )
