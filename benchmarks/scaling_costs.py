"""What a million samples cost, what gives way first, what a cache of hot pages saves: arithmetic and a simulation.

    python -m benchmarks.scaling_costs [--mflop 11] [--bytes 784] [--target 0.7] [--rate 1e6]

Nothing here was measured on a GPU. A device's speed is its published FP32 peak (the engine forbids TF32) times --share;
prices are what large clouds asked for one hour on demand in 2026, rounded, and yours will differ: both are in the table
DEVICES, to be replaced by what `benchmarks.scaling_threshold` says of your own. Seconds.
"""

from __future__ import annotations

import argparse
import random
from collections import OrderedDict
from dataclasses import dataclass


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
# What one serving process can send: assumed. A client was measured to spend 2 ms of a core on receiving a MiB; a server
# is taken to spend half of that on sending it, on one event loop.
PROCESS_BYTES = 1.0e9


def samples_per_second(device: Device, mflop: float, size: int, share: float) -> tuple[float, str]:
    """What one replica gives at full load, and what sets the limit."""
    limits = {
        "device": device.tflops * 1e6 * (device.share or share) / mflop,
        "network": device.gbit / 8 * 1e9 / size,
        "process": PROCESS_BYTES / size,
    }
    least = min(limits, key=lambda name: limits[name])
    return limits[least], least


def hit_rate(pages: int, kept: int, skew: float, draws: int = 200_000) -> float:
    """Part of the pages that a cache of the last used ones has, when page k is asked for with weight 1 / k^skew."""
    weights = [1 / (rank + 1) ** skew for rank in range(pages)]
    cache: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for page in random.Random(0).choices(range(pages), weights, k=draws):
        if page in cache:
            cache.move_to_end(page)
            hits += 1
        else:
            cache[page] = None
            if len(cache) > kept:
                cache.popitem(last=False)
    return hits / draws


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mflop", type=float, default=11, help="of one sample (%(default)s)")
    parser.add_argument("--bytes", type=int, default=784, help="of one sample (%(default)s)")
    parser.add_argument("--share", type=float, default=0.25, help="of a GPU's peak that is reached (%(default)s)")
    parser.add_argument("--target", type=float, default=0.7, help="of a replica that is asked for (%(default)s)")
    parser.add_argument("--rate", type=float, default=1e6, help="samples per second of all readers (%(default)g)")
    options = parser.parse_args()
    print(f"{options.mflop:g} MFLOP and {options.bytes} bytes a sample; {options.rate:,.0f} samples/s in all\n")
    print("replica      samples/s at full load  limit    replicas  $ per hour  $ per million samples")
    for device in DEVICES:
        rate, limit = samples_per_second(device, options.mflop, options.bytes, options.share)
        replicas = -(-options.rate // (rate * options.target))
        hourly = replicas * device.dollars
        million = device.dollars / 3600 / (rate * options.target) * 1e6
        print(f"{device.name:12} {rate:22,.0f}  {limit:8} {replicas:8.0f} {hourly:11,.2f} {million:22.5f}")
    print("\npart of the pages that a cache has; page k is asked for with weight 1 / k^s, 100,000 pages")
    print("kept       s = 0.6   s = 0.9   s = 1.2")
    for kept in (100, 1000, 10_000):
        print(f"{kept:7,}  " + "  ".join(f"{hit_rate(100_000, kept, skew):8.0%}" for skew in (0.6, 0.9, 1.2)))


if __name__ == "__main__":
    main()
