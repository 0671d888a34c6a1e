"""Every fault by its name."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults import certificates, clients, clocks, damage, disk, full, kills, malformed, stalled, swaps
from benchmarks.faults.table import Row

# Each in an empty folder of its own; in the order in which they run.
RUNS: dict[str, Callable[[Path, argparse.Namespace], list[Row]]] = {
    "kills": kills.run,
    "swaps": swaps.run,
    "corrupted": damage.run,
    "fuzz": malformed.run,
    "clients": clients.run,
    "stalled": stalled.run,
    "full": full.run,
    "clocks": clocks.run,
    "disk": disk.run,
    "certificates": certificates.run,
}
