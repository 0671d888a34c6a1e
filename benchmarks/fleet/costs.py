"""What a million samples cost, what gives way first, what caches and regions do: arithmetic and small simulations.

    python -m benchmarks.fleet.costs [--mflop 11] [--bytes 784] [--page 256] [--target 0.7] [--rate 1e6]

Nothing here was measured on a GPU. A device's speed is its published FP32 peak (the engine forbids TF32) times --share;
prices are what large clouds asked for one hour on demand in 2026, rounded, and yours will differ: both are in the table
DEVICES, to be replaced by what `benchmarks.fleet.threshold` says of your own. What a call and a connection take of a
process beside its device was measured by `benchmarks.fleet.readers`. Half a minute.
"""

from __future__ import annotations

import math
import random
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from benchmarks import results

MIB = 2**20


@dataclass(frozen=True)
class Device:
    """One kind of replica."""

    name: str
    tflops: float  # FP32, dense, as published; of two CPU cores as measured by this project's engine
    dollars: float  # per hour
    gbit: float  # of network that comes with such a share of a machine
    share: float | None = None  # of the peak that is reached; None: as assumed for GPUs


DEVICES = (
    # 16,300 samples/s of 11 MFLOP: 0.18 TFLOP/s, in full.
    Device("2 CPU cores", 0.18, 0.08, 2, 1.0),
    Device("L4", 30.3, 0.80, 10),
    Device("A100", 19.5, 3.00, 25),
    Device("H100", 67.0, 4.00, 50),
)
# Of one interpreter, by benchmarks.fleet.readers.
CALL_SECONDS, MIB_SECONDS = 0.35e-3, 0.65e-3
# Of a replica's memory, by the same; and what a replica may spend on them.
CONNECTION_BYTES, CONNECTIONS_BYTES = 20e3, 1e9


def limits(device: Device, mflop: float, size: int, page: int, share: float) -> dict[str, float]:
    """Samples per second that each part of a replica bears at most, by the part's name.

    mflop, size: MFLOP and bytes of a sample; page: samples of a call; share: of a GPU's peak that is reached.
    """
    call = CALL_SECONDS + MIB_SECONDS * page * size / MIB
    return {
        "device": device.tflops * 1e6 * (device.share or share) / mflop,
        "network": device.gbit / 8 * 1e9 / size,
        "interpreter": page / call,
    }


def million(device: Device, rate: float, target: float) -> float:
    """Dollars of a million samples on replicas that bear `rate` samples per second and are asked for `target` of it."""
    return device.dollars / 3600 / (rate * target) * 1e6


# -- a cache of pages -----------------------------------------------------------------------------------------


def least_recently_used(asked: Iterable[int], kept: int) -> float:
    """Part of the pages asked for that a cache has, which throws away what was used the longest ago."""
    cache: OrderedDict[int, None] = OrderedDict()
    hits = total = 0
    for page in asked:
        total += 1
        if page in cache:
            cache.move_to_end(page)
            hits += 1
        else:
            cache[page] = None
            if len(cache) > kept:
                cache.popitem(last=False)
    return hits / total


def first_come(asked: Iterable[int], kept: int) -> float:
    """The same of a cache that keeps what came first and throws nothing away."""
    cache: set[int] = set()
    hits = total = 0
    for page in asked:
        total += 1
        hits += page in cache
        if len(cache) < kept:
            cache.add(page)
    return hits / total


@dataclass(frozen=True)
class Jobs:
    """Training jobs that read an epoch of pages several times."""

    name: str
    fresh: bool = False  # other addresses in each epoch
    shared: bool = False  # all jobs read the same addresses
    shuffled: bool = False  # in another order in each epoch
    apart: float = 0.0  # epochs between the start of one job and the next

    def asked(self, count: int, pages: int, epochs: int) -> Iterator[int]:
        """Pages in the order in which they are asked for, jobs in turns; the same page is the same number."""
        streams = [self._one(job, pages, epochs) for job in range(count)]
        begins = [int(job * self.apart * pages) for job in range(count)]
        for turn in range(max(begins) + pages * epochs):
            for begin, stream in zip(begins, streams, strict=True):
                if begin <= turn < begin + pages * epochs:
                    yield next(stream)

    def _one(self, job: int, pages: int, epochs: int) -> Iterator[int]:
        order = list(range(pages))
        mix = random.Random(job)
        for epoch in range(epochs):
            if self.shuffled:
                mix.shuffle(order)
            first = pages * ((0 if self.shared else job * epochs) + (epoch if self.fresh else 0))
            yield from (first + page for page in order)


JOBS = (
    Jobs("a fresh seed each epoch, each job its own", fresh=True),
    Jobs("fresh each epoch, one seed for all jobs, together", fresh=True, shared=True),
    Jobs("the same addresses each epoch, in order"),
    Jobs("the same addresses each epoch, shuffled", shuffled=True),
    Jobs("one data set for all jobs, in order, half an epoch apart", shared=True, apart=0.5),
    Jobs("one data set for all jobs, shuffled", shared=True, shuffled=True),
)


def popular(pages: int, skew: float, draws: int = 100_000) -> list[int]:
    """Pages asked for by chance, page k with weight 1 / k^skew: benchmarks' sets, public seeds."""
    weights = [1 / (rank + 1) ** skew for rank in range(pages)]
    return random.Random(0).choices(range(pages), weights, k=draws)


# -- connections ----------------------------------------------------------------------------------------------


def fullest(readers: int, replicas: int, subset: int, rounds: int = 20) -> float:
    """Load of the fullest replica against the mean, when each reader spreads its calls over `subset` of them."""
    total = 0.0
    for seed in range(rounds):
        draws = random.Random(seed)
        load = [0] * replicas
        for _ in range(readers):
            for replica in draws.sample(range(replicas), subset):
                load[replica] += 1
        total += max(load) * replicas / sum(load)
    return total / rounds


# -- regions --------------------------------------------------------------------------------------------------


def world(hour: float, regions: int) -> list[float]:
    """Load of each region at an hour of the day: 0.3 at night and 1 by day, shifted round the clock."""
    return [0.65 + 0.35 * math.cos(2 * math.pi * (hour / 24 - region / regions)) for region in range(regions)]


def following(regions: int) -> float:
    """Replicas over a day of fleets that follow their load, against fleets that are always as large as at the peak."""
    return sum(sum(world(quarter / 4, regions)) for quarter in range(96)) / 96 / regions


def lost(regions: int) -> tuple[float, float]:
    """What a region is asked for when another one is lost at the worst hour, and its readers go to the rest, evenly.

    returns: by how much a region's load grows at once at most, in parts of it; and the largest load that a region is
    ever asked for, in parts of its own peak.
    """
    growth = largest = 0.0
    for quarter in range(96):
        loads = world(quarter / 4, regions)
        for gone, load in enumerate(loads):
            more = load / (regions - 1)
            for each in loads[:gone] + loads[gone + 1 :]:
                growth, largest = max(growth, more / each), max(largest, each + more)
    return growth, largest


# -- what is printed ------------------------------------------------------------------------------------------


def main() -> None:
    parser = results.Parser("benchmarks.fleet.costs", __doc__)
    parser.add_argument("--mflop", type=float, default=11, help="of one sample (%(default)s)")
    parser.add_argument("--bytes", type=int, default=784, help="of one sample (%(default)s)")
    parser.add_argument("--page", type=int, default=1024, help="samples of a call (%(default)s)")
    parser.add_argument("--share", type=float, default=0.25, help="of a GPU's peak that is reached (%(default)s)")
    parser.add_argument("--target", type=float, default=0.7, help="of a replica that is asked for (%(default)s)")
    parser.add_argument("--rate", type=float, default=1e6, help="samples per second of all readers (%(default)g)")
    options = parser.options()
    what = f"{options.rate:,.0f} samples/s of {options.mflop:g} MFLOP and {options.bytes} bytes, {options.page} a call"
    with parser.results() as out:
        for device in DEVICES:
            (limit, rate), (_, second), *_ = sorted(
                limits(device, options.mflop, options.bytes, options.page, options.share).items(),
                key=lambda item: item[1],
            )
            replicas = -(-options.rate // (rate * options.target))
            row: dict[str, results.Value] = {"replica": device.name, "samples/s at most": rate, "limit": limit}
            row |= {"next limit at": second, "replicas": replicas, "$ an hour": replicas * device.dollars}
            out.row(what, row | {"$ a million samples": million(device, rate, options.target)})
        _caches(out)
        _connections(out)
        _regions(out)


def _caches(out: results.Results) -> None:
    pages, epochs, count = 1000, 10, 4
    for jobs in JOBS:
        row: dict[str, results.Value] = {"jobs": jobs.name}
        for kept in (0.1, 0.5, 1.0, 4.0):
            row[f"{kept:g} of an epoch, %"] = 100 * least_recently_used(
                jobs.asked(count, pages, epochs), int(kept * pages)
            )
        row["0.5, first come, %"] = 100 * first_come(jobs.asked(count, pages, epochs), pages // 2)
        out.row(
            f"Pages that a cache has, least recently used: {count} jobs read {epochs} epochs of {pages:,} pages each",
            row,
        )
    for kept in (100, 1000, 10_000):
        row = {"pages kept": kept}
        for skew in (0.6, 0.9, 1.2):
            row[f"s = {skew}, %"] = 100 * least_recently_used(popular(100_000, skew), kept)
        out.row("The same of 100,000 pages, page k asked for with weight 1 / k^s, least recently used", row)


def _connections(out: results.Results) -> None:
    replicas = 50
    for readers in (500, 5000, 50_000):
        for subset in (replicas, 10, 3):
            each = readers * subset / replicas
            uneven = 1.0 if subset == replicas else fullest(readers, replicas, subset, 20 if readers < 50_000 else 3)
            row: dict[str, results.Value] = {"readers": readers, "connected to": subset, "connections a replica": each}
            row |= {"GB a replica": each * CONNECTION_BYTES / 1e9, "fullest against mean": uneven}
            row |= {"bearable": "yes" if each * CONNECTION_BYTES <= CONNECTIONS_BYTES else "no"}
            out.row(f"{replicas} replicas, of which a connection takes {CONNECTION_BYTES / 1e3:.0f} kB", row)


def _regions(out: results.Results) -> None:
    for regions in (2, 3, 6):
        growth, largest = lost(regions)
        row: dict[str, results.Value] = {"regions": regions}
        row |= {"replicas over a day, of those for the peak": following(regions)}
        row |= {"when one is lost, another grows at once by, %": 100 * growth, "to at most, of its own peak": largest}
        out.row("Regions that follow their load", row)


if __name__ == "__main__":
    main()
