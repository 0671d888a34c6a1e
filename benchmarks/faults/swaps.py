"""Versions change."""

from __future__ import annotations

import argparse
import functools
import time
from collections import Counter
from pathlib import Path

from augmint.v1 import generator_pb2 as pb
from benchmarks.faults.readers import Readers, until
from benchmarks.faults.replica import GENERATE, WATCH, Replica
from benchmarks.faults.table import Row, first
from benchmarks.faults.truth import Truth
from service import artifact
from tests import generators


def run(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """New versions and replaced files, under readers of the default and one that pins what it began with."""
    truth = Truth()
    pinned = truth.add(generators.publish(scratch).read_bytes())
    version = 1
    mixed: list[str] = []
    with Replica(str(scratch), *WATCH) as replica:
        channels = [replica.channel() for _ in range(5)]
        calls = [channel.unary_unary(GENERATE) for channel in channels]
        seen: Counter[str] = Counter()

        def read(reader: int) -> None:
            request = pb.GenerateRequest(class_indices=[reader] * 50, seed=reader, digest=pinned if reader == 4 else "")
            response = pb.GenerateResponse.FromString(calls[reader](request.SerializeToString(), timeout=60))
            seen[response.digest] += 1
            if not truth.holds(response) or (reader == 4 and response.digest != pinned):
                mixed.append(response.digest)

        slow = 0.0
        with Readers(len(calls), read, pause=options.pause) as readers:
            for number in range(options.swaps):
                start = time.perf_counter()
                # In turn the same version with other weights, and the next version.
                version += number % 2
                content = generators.build(version=version, seed=number + 1)
                digest = truth.add(content)
                place(scratch, version, content)
                until(functools.partial(seen.get, digest), f"swap {number + 1} is seen")
                slow = max(slow, time.perf_counter() - start)
        for channel in channels:
            channel.close()
    text = (
        f"{len(readers.times):,} calls; swap seen after {slow:.1f} s at most; p99 {1e3 * readers.quantile(0.99):.0f} ms"
    )
    return [
        Row(
            "hot swaps under load: failed calls", options.swaps, len(readers.failures), first(readers.failures) or text
        ),
        Row("  answers not wholly of the file that they name", len(readers.times), len(mixed), ""),
    ]


def place(models: Path, version: int, content: bytes) -> None:
    """Publish a version, or replace its file, in one step."""
    folder = models / "tiny" / str(version)
    staging = folder.with_name(f".{version}")
    staging.mkdir()
    (staging / artifact.FILE_NAME).write_bytes(content)
    if folder.exists():
        (staging / artifact.FILE_NAME).rename(folder / artifact.FILE_NAME)
        staging.rmdir()
    else:
        staging.rename(folder)
