"""How many samples a second does a service carry into other classes, beside how many it makes?

    python -m benchmarks.serving.transform [--models DIR --generator NAME] [--rounds N] [--seconds S] [--out FILE]

Bare grpc stubs without deserialiser, 4 threads of 256 samples a call and 16 of 32, draw and carry in turns, so that
whatever disturbs the machine disturbs both; service and readers share its cores. Without --models the service has a
generator of 11 MFLOP a sample whose `transformed` is a few operators: then what is measured is what carrying costs
beside the network, receiving and checking samples above all. With the file of a real run it is the encoder as well.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np

from augmint.v1 import generator_pb2 as pb
from benchmarks import results
from benchmarks.faults.replica import GENERATE, SERVICE, Replica
from benchmarks.serving import models
from tests import generators

TRANSFORM = SERVICE + "Transform"
# Readers and samples a call.
LOADS = ((4, 256), (16, 32))


def main() -> None:
    parser = results.Parser("benchmarks.serving.transform", __doc__)
    models.arguments(parser)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each measurement")
    options = parser.options()
    with tempfile.TemporaryDirectory() as scratch, parser.results() as out:
        folder = options.models
        if folder is None:
            folder = Path(scratch)
            generators.publish(folder, "cheap", shape=(28, 28, 1), hidden=6656, latent_size=64, transforms=True)
        name = options.generator or models.only(folder)
        with Replica(str(folder)) as replica:
            for what, values in measure(replica, name, options.rounds, options.seconds).items():
                out.row(
                    f"{name}, {options.rounds} rounds of {options.seconds:g} s",
                    {"": what, "median (least to most)": values},
                )


def measure(replica: Replica, name: str, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Samples a second of each load, and what carrying gives as a share of drawing: one value for each round."""
    found: dict[str, list[float]] = {}
    with replica.channel() as channel:
        raw = channel.unary_unary(GENERATE)(
            pb.GenerateRequest(generator=name, class_indices=[0] * 256).SerializeToString()
        )
        drawn = pb.GenerateResponse.FromString(raw).data
        try:
            channel.unary_unary(TRANSFORM)(
                pb.TransformRequest(generator=name, data=drawn, label="").SerializeToString()
            )
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                sys.exit(f"error: {error.code().name} {error.details()}")
    for number in range(rounds):
        for readers, n in LOADS:
            what = f"{readers} x {n}"
            draw = pb.GenerateRequest(generator=name, class_indices=[0] * n, seed=number).SerializeToString()
            content = drawn[: len(drawn) // 256 * n]
            carry = pb.TransformRequest(generator=name, data=content, class_indices=[1] * n).SerializeToString()
            made = rate(replica, GENERATE, draw, readers, seconds) * n
            moved = rate(replica, TRANSFORM, carry, readers, seconds) * n
            found.setdefault(f"{what}: drawn, samples/s", []).append(made)
            found.setdefault(f"{what}: carried, samples/s", []).append(moved)
            found.setdefault(f"{what}: carried as a share of drawn", []).append(moved / made)
        print(f"round {number + 1}/{rounds}", file=sys.stderr)
    return found


def rate(replica: Replica, method: str, raw: bytes, readers: int, seconds: float) -> float:
    """Calls a second of so many readers, each of which waits for its answer."""
    started = threading.Barrier(readers + 1)

    def read(_: int) -> int:
        with replica.channel() as channel:
            call, calls = channel.unary_unary(method), 0
            started.wait()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                call(raw, timeout=60)
                calls += 1
            return calls

    with ThreadPoolExecutor(readers) as pool:
        counts = [pool.submit(read, number) for number in range(readers)]
        started.wait()
        return float(np.sum([count.result() for count in counts])) / seconds


if __name__ == "__main__":
    main()
