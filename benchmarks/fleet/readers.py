"""What thousands of readers cost one replica beside its device: measured on the real service, on loopback.

    python -m benchmarks.fleet.readers [--seconds 3] [--connections 1000]

One interpreter runs one thread at a time, so what a call takes of the process beside the network bounds the calls of a
replica however fast its device is: the processor time is read from /proc (Linux) while readers draw pages of several
sizes, the time of the batches is taken off, and the rest is split into what each call and what each MiB takes. Copies
and sockets need no interpreter, so the bound errs on the low side. Then idle connections are opened, and the growth of
the process's memory is divided by their number. Half a minute, on a machine with nothing else to do: batches that are
held up by others would be taken for longer than they are.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

import grpc
import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc

import augmint
from benchmarks import results
from benchmarks.fleet.cluster import FleetError, Replica, replica
from benchmarks.serving.served import batches, cpu_seconds, resident

SHAPE = (28, 28, 1)
PAGES = (1, 64, 256, 1024, 4096)  # samples of a call
READERS = 8
MIB = 2**20


def spent(running: Replica) -> float:
    """Processor seconds of a process so far, without those of its batches, which need no interpreter."""
    return cpu_seconds(running.pid) - batches(running.metrics)[0]


def cost_of_calls(running: Replica, page: int, seconds: float) -> float:
    """Processor seconds beside the network's that a call takes while READERS ask for as many as they can.

    page: samples of a call; seconds: for so long.
    """
    over, counts = threading.Event(), [0] * READERS

    def read(number: int) -> None:
        with augmint.Client(running.target) as client:
            while not over.is_set():
                client.generate("3", page, seed=7, start_index=number * page)
                counts[number] += 1

    threads = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for thread in threads:
        thread.start()
    while not all(counts):  # connected
        time.sleep(0.01)
    before, begun = sum(counts), spent(running)
    over.wait(seconds)
    calls, took = sum(counts) - before, spent(running) - begun
    over.set()
    for thread in threads:
        thread.join()
    if not calls:
        raise FleetError(f"no call of {page} samples was answered in {seconds:g} s")
    return took / calls


def split(costs: dict[int, float]) -> tuple[float, float]:
    """Seconds of a call and seconds of a MiB that explain best what pages cost, each as important as another.

    costs: bytes of a page -> seconds.
    """
    sizes, seconds = np.array(list(costs), float), np.array(list(costs.values()))
    terms = np.stack([np.ones_like(sizes), sizes / MIB], axis=1) / seconds[:, None]
    (call, mib), *_ = np.linalg.lstsq(terms, np.ones_like(seconds), rcond=None)
    return max(0.0, float(call)), max(0.0, float(mib))


def cost_of_connections(running: Replica, connections: int) -> float:
    """Bytes of the replica's memory for each idle connection."""
    channels = []
    before = resident(running.pid)
    try:
        for _ in range(connections):
            # Channels of one process to one address would share a connection.
            channel = grpc.insecure_channel(running.target, [("grpc.use_local_subchannel_pool", 1)])
            channels.append(channel)
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)
        return (resident(running.pid) - before) / connections
    finally:
        for channel in channels:
            channel.close()


def main() -> int:
    parser = results.Parser("benchmarks.fleet.readers", __doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each size of page (%(default)s)")
    parser.add_argument("--connections", type=int, default=1000, help="to open (%(default)s)")
    options = parser.options()
    from tests.generators import publish

    try:
        with tempfile.TemporaryDirectory() as scratch, parser.results() as out:
            publish(Path(scratch), shape=SHAPE, hidden=1, latent_size=1)
            with replica(Path(scratch), lanes=1, **{"connection-age-seconds": 3600}) as running:
                costs = {}
                for page in PAGES:
                    size = page * int(np.prod(SHAPE))
                    costs[size] = cost_of_calls(running, page, options.seconds)
                    row: dict[str, results.Value] = {"samples a call": page, "bytes a call": size}
                    out.row("Beside the network", row | {"processor ms a call": 1000 * costs[size]})
                call, mib = split(costs)
                for size in (784, MIB // 4, MIB, 4 * MIB):
                    rate = 1 / (call + mib * size / MIB)
                    row = {"bytes a call": size, "calls/s": rate, "MB/s": rate * size / 1e6}
                    out.row("One interpreter bears", row)
                each = cost_of_connections(running, options.connections)
                for name, value in (("ms a call", 1000 * call), ("ms a MiB", 1000 * mib)):
                    out.row("What a replica spends", {"": name, "measured": value})
                what = f"kB for each of {options.connections:,} idle connections"
                out.row("What a replica spends", {"": what, "measured": each / 1000})
    except (FleetError, augmint.AugmintError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
