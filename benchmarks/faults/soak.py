"""A long time."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.faults.clients import GREEDY
from benchmarks.faults.damage import corrupted
from benchmarks.faults.readers import Readers
from benchmarks.faults.replica import GENERATE, Replica
from benchmarks.faults.table import Row, first
from benchmarks.faults.truth import Checked, Truth
from tests import generators


def run(scratch: Path, seconds: float) -> list[Row]:
    """Readers all the time; a new version, a bad file and a client that vanishes every few seconds.

    Memory is compared between the second and the last third: in the first, the process comes to need what it needs.
    """
    truth = Truth()
    path = generators.publish(scratch)
    truth.add(path.read_bytes())
    generators.publish(scratch, "large", shape=(16, 16, 1), hidden=8)
    memory: list[tuple[float, float, int]] = []
    flags = ("--watch-seconds", "0.5", "--retire-seconds", "10")
    with Replica(str(scratch), *flags) as replica, replica.channel() as channel:
        read = Checked(channel.unary_unary(GENERATE), truth, 64)

        with Readers(4, read, pause=0.01) as readers:
            start = time.monotonic()
            for number in itertools.count(1):
                content = generators.build(seed=number)
                truth.add(content)
                (path.parent / ".new").write_bytes(content if number % 3 else corrupted(content, random.Random(number)))
                if not number % 3:
                    truth.add((path.parent / ".new").read_bytes())
                (path.parent / ".new").rename(path)
                leaving = subprocess.Popen([sys.executable, "-c", GREEDY, replica.target], stdout=subprocess.PIPE)
                assert leaving.stdout is not None
                leaving.stdout.readline()
                time.sleep(1)
                leaving.kill()
                leaving.wait()
                leaving.stdout.close()
                time.sleep(4)
                now = time.monotonic() - start
                if now > seconds / 3:
                    memory.append((now, replica.resident(), replica.descriptors()))
                    print(f"{now:6.0f} s  {memory[-1][1]:.1f} MiB  {memory[-1][2]} descriptors", file=sys.stderr)
                if now > seconds:
                    break
    half = len(memory) // 2
    early, late = (float(np.median([m for _, m, _ in part])) for part in (memory[:half], memory[half:]))
    files = [count for _, _, count in memory]
    growth = (late - early) / early
    failures = readers.failures + read.wrong
    return [
        Row(f"soak of {seconds:g} s: calls failed", len(readers.times), len(failures), first(failures)),
        Row(
            "  growth of resident memory of 1 % or more",
            1,
            int(growth >= 0.01),
            f"{early:.1f} to {late:.1f} MiB: {growth:+.2%}",
        ),
        Row("  more descriptors at the end", 1, int(files[-1] > files[0] + 4), f"{files[0]} to {files[-1]}"),
    ]
