"""Clients ask for more than they will ever read."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from augmint.v1 import generator_pb2 as pb
from benchmarks.faults.clients import GREEDY
from benchmarks.faults.readers import Readers, until
from benchmarks.faults.replica import GENERATE, Replica
from benchmarks.faults.table import Row, first
from tests import generators
from tests.stalled import Stalled

LIMIT = 64 * 2**20
# Of 2 MiB each, on every connection.
CALLS = 200
RAW = pb.GenerateRequest(generator="large", class_indices=[0] * 8192, seed=1).SerializeToString()
GOOD = pb.GenerateRequest(generator="tiny", class_indices=[1] * 8, seed=1).SerializeToString()
# What the C library keeps for the next answers (256 MiB, see service.__main__), and arrays on their way, MiB.
SLACK = 320


def run(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """Eight connections ask for 400 MiB each, without a deadline, and read nothing; good readers beside them.

    Then, how long it takes until each kind is cut off: its process is stopped; silent; alive, but never reading.
    """
    generators.publish(scratch)
    generators.publish(scratch, "large", shape=(16, 16, 1), hidden=8)
    flags = ("--unread-bytes", str(LIMIT), "--queue-limit-seconds", "60")
    rows = []
    with Replica(str(scratch), *flags) as replica, replica.channel() as channel:
        call = channel.unary_unary(GENERATE)
        call(GOOD, timeout=60)
        before, most, unread = replica.resident(), 0.0, 0.0
        with Readers(2, lambda _: call(GOOD, timeout=60), pause=0.005) as readers, ExitStack() as stack:
            clients = [stack.enter_context(Stalled(replica.target)) for _ in range(8)]
            start = time.perf_counter()
            for client in clients:
                for _ in range(CALLS):
                    client.ask(GENERATE, RAW)
            while not all(client.gone.wait(0.1) for client in clients):
                most = max(most, replica.resident())
                unread = max(unread, replica.metric("augmint_unread_bytes") / 2**20)
            seconds = time.perf_counter() - start
            until(lambda: replica.metric("augmint_unread_bytes") == 0, "the answers are gone")
        refused = replica.metric("augmint_refused_total", 'reason="unread"')
        asked = len(clients) * CALLS
        text = f"resident {before:.0f} MiB, at most {most:.0f}; unread at most {unread:.0f}; {refused:,.0f} refused"
        above = most > before + 2 * LIMIT / 2**20 + SLACK
        rows += [
            Row(f"8 clients that read nothing of {2 * asked:,} MiB: above the bound", asked, int(above), text),
            Row("  good calls beside them failed", len(readers.times), len(readers.failures), first(readers.failures)),
            Row("  silent clients not cut off", len(clients), 0, f"gone after {seconds:.0f} s"),
        ]
    # A young age of connections, so that the last of them need not be waited for as long.
    with Replica(str(scratch), "--connection-age-seconds", "5", "--queue-limit-seconds", "1") as replica:
        with Stalled(replica.target, answers_pings=True) as client:
            seconds = _held(replica, lambda: client.ask(GENERATE, RAW))
        rows.append(Row("  a client that is alive and reads nothing: not cut off", 1, 0, f"gone after {seconds:.0f} s"))
    with Replica(str(scratch)) as replica:
        stopped = subprocess.Popen([sys.executable, "-c", GREEDY, replica.target], stdout=subprocess.PIPE)
        assert stopped.stdout is not None
        stopped.stdout.readline()
        time.sleep(1)
        try:
            seconds = _held(replica, lambda: stopped.send_signal(signal.SIGSTOP))
        finally:
            stopped.kill()
            stopped.wait()
            stopped.stdout.close()
        rows.append(Row("  a process that is stopped: not cut off", 1, 0, f"gone after {seconds:.0f} s"))
    return rows


def _held(replica: Replica, stall: Callable[[], object]) -> float:
    """Seconds from the stall until the service holds no answer any more; ends the program if it goes on to."""
    start = time.perf_counter()
    stall()
    until(lambda: replica.metric("augmint_unread_bytes") > 0, "answers wait to be read")
    until(lambda: replica.metric("augmint_unread_bytes") == 0, "the answers are gone", 240)
    return time.perf_counter() - start
