"""Files are damaged."""

from __future__ import annotations

import argparse
import random
import shutil
from collections import Counter
from pathlib import Path

from augmint.v1 import generator_pb2 as pb
from benchmarks.faults.readers import Readers, until
from benchmarks.faults.replica import GENERATE, WATCH, Replica
from benchmarks.faults.swaps import place
from benchmarks.faults.table import Row, first
from benchmarks.faults.truth import Checked, Truth
from tests import generators


def run(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """Damaged files, each of which would be the new default of the generator that is being read."""
    truth = Truth()
    truth.add(generators.publish(scratch).read_bytes())
    good = generators.build(version=1000)
    outcome: Counter[str] = Counter()
    with Replica(str(scratch), *WATCH, "--keep-versions", "1000") as replica, replica.channel() as channel:
        read = Checked(channel.unary_unary(GENERATE), truth, 20)

        with Readers(2, read, pause=options.pause) as readers:
            for start in range(0, options.files, 100):
                versions = range(1000 + start, 1000 + min(start + 100, options.files))
                for version in versions:
                    content = good.replace(b'"version": 1000', f'"version": {version}'.encode())
                    content = corrupted(content, random.Random(version))
                    truth.add(content)
                    place(scratch, version, content)
                states = _settled(replica, versions)
                outcome += Counter(
                    "refused" if s == pb.GENERATOR_STATE_FAILED else "sound all the same" for s in states
                )
                for version in versions:
                    shutil.rmtree(scratch / "tiny" / str(version))
        crashed = not replica.alive
    notes = ", ".join(f"{count:,} {what}" for what, count in outcome.most_common())
    # Damage that changes no golden sample makes another sound file, which is served under its own digest.
    return [
        Row("corrupted model files: crashes", options.files, int(crashed), notes),
        Row("  calls meanwhile: failed", len(readers.times), len(readers.failures), first(readers.failures)),
        Row("  answers not wholly of the file that they name", len(readers.times), len(read.wrong), ""),
    ]


def _settled(replica: Replica, versions: range) -> list[int]:
    """States of the versions, once all of them were tried."""
    states: list[int] = []

    def tried() -> bool:
        states[:] = [status.state for status in replica.statuses() if status.version in versions]
        return len(states) == len(versions) and pb.GENERATOR_STATE_LOADING not in states

    until(tried, "all files are tried")
    return states


def corrupted(content: bytes, choose: random.Random) -> bytes:
    """The content with one kind of damage that disks, networks and people do."""
    raw = bytearray(content)
    place, length = choose.randrange(len(raw)), choose.randrange(1, 600)
    match choose.randrange(6):
        case 0:
            for _ in range(choose.choice((1, 1, 2, 8))):
                raw[choose.randrange(len(raw))] ^= 1 << choose.randrange(8)
        case 1:
            del raw[place:]
        case 2:
            raw[place : place + length] = bytes(len(raw[place : place + length]))
        case 3:
            raw[place : place + length] = choose.randbytes(length)
        case 4:
            del raw[place : place + length]
        case _:
            raw[place:place] = raw[:length]
    return bytes(raw)
