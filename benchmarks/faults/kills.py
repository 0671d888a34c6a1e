"""A replica dies."""

from __future__ import annotations

import argparse
import functools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import augmint
from benchmarks.faults.readers import Readers, until
from benchmarks.faults.replica import Replica
from benchmarks.faults.table import Row, first
from benchmarks.faults.truth import Truth
from tests import generators


def run(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """One of two replicas is killed with SIGKILL again and again, under readers that go on at the next address."""
    truth = Truth()
    digest = truth.add(generators.publish(scratch).read_bytes())
    replicas = [Replica(str(scratch)), Replica(str(scratch))]
    target = "ipv4:" + ",".join(replica.target for replica in replicas)
    pages: list[tuple[int, int, bytes]] = []
    position = [0, 0, 0, 0]
    try:
        with augmint.Client(target) as client:

            def read(reader: int) -> None:
                drawn = client.generate(reader, 96, seed=reader, start_index=position[reader])
                pages.append((reader, position[reader], drawn.array.tobytes()))
                position[reader] += 96

            read(0)
            with Readers(len(position), read, pause=options.pause) as readers:
                for number in range(options.kills):
                    replicas[number % 2].kill()
                    until(functools.partial(_grown, pages, len(pages) + 40), "readers go on with one replica")
                    if number < options.kills - 1:
                        replicas[number % 2].start()
    finally:
        for replica in replicas:
            replica.kill()
    wrong = sum(data != truth.samples(digest, reader, start, [reader] * 96) for reader, start, data in pages)
    places = Counter((reader, start) for reader, start, _ in pages)
    gaps = sum(position[reader] != 96 * sum(1 for other, _ in places if other == reader) for reader in range(4))
    repeated = sum(count - 1 for count in places.values())
    return [
        Row("kill -9 of one of two replicas", options.kills, len(readers.failures), first(readers.failures)),
        Row("  samples read meanwhile: lost, repeated or wrong", 96 * len(pages), 96 * (wrong + repeated) + gaps, ""),
    ]


def _grown(things: Sequence[object], length: int) -> bool:
    return len(things) >= length
