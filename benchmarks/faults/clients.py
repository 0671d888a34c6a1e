"""Clients stop reading, or vanish."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path

from augmint.v1 import generator_pb2 as pb
from benchmarks.faults.readers import Readers, until
from benchmarks.faults.replica import GENERATE, Replica
from benchmarks.faults.table import Row, first
from tests import generators

# Asks for large answers, all the time, 16 in flight.
GREEDY = """
import sys, grpc
from augmint.v1 import generator_pb2 as pb
channel = grpc.insecure_channel(sys.argv[1], [("grpc.max_receive_message_length", -1)])
call = channel.unary_unary("/augmint.v1.GeneratorService/Generate")
raw = pb.GenerateRequest(generator="large", class_indices=[0] * 8192, seed=1).SerializeToString()
flying = [call.future(raw, timeout=600) for _ in range(16)]
print("going", flush=True)
while True:
    flying.pop(0).code()
    flying.append(call.future(raw, timeout=600))
"""


def run(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """Clients that stop reading in the middle, go on by fits and starts, or vanish; a good one beside them."""
    generators.publish(scratch)
    generators.publish(scratch, "large", shape=(16, 16, 1), hidden=8)
    with Replica(str(scratch), "--queue-limit-seconds", "2") as replica, replica.channel() as channel:
        call = channel.unary_unary(GENERATE)
        raw = pb.GenerateRequest(generator="tiny", class_indices=[1] * 8, seed=1).SerializeToString()
        call(raw, timeout=60)
        before, files = replica.resident(), replica.descriptors()
        bad = [
            subprocess.Popen([sys.executable, "-c", GREEDY, replica.target], stdout=subprocess.PIPE) for _ in range(6)
        ]
        try:
            for process in bad:
                assert process.stdout is not None
                process.stdout.readline()
            with Readers(2, lambda _: call(raw, timeout=60), pause=0.005) as readers:
                for process in bad[:4]:
                    process.send_signal(signal.SIGSTOP)  # stalled: the connection stays, nothing is read
                for _ in range(20):
                    for process in bad[4:]:  # slow
                        process.send_signal(signal.SIGSTOP)
                    time.sleep(0.2)
                    for process in bad[4:]:
                        process.send_signal(signal.SIGCONT)
                    time.sleep(0.05)
                most = replica.resident()
                for process in bad:
                    process.kill()  # vanished
                    process.wait()
                until(lambda: replica.metric("augmint_queued_samples") == 0, "the queue is empty")
            until(lambda: replica.metric("augmint_requests_in_flight") == 0, "no call is left")
            until(lambda: replica.descriptors() <= files + 8, "connections are closed")
        finally:
            for process in bad:
                process.kill()
                process.wait()
                if process.stdout:
                    process.stdout.close()
    return [
        Row(
            "4 stalled, 2 slow, then 6 vanished clients: good calls failed",
            len(readers.times),
            len(readers.failures),
            f"p99 {1e3 * readers.quantile(0.99):.0f} ms; resident {before:.0f} MiB, at most {most:.0f}"
            + (f"; {first(readers.failures)}" if readers.failures else ""),
        )
    ]
