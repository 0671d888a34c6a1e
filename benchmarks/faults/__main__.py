"""What the service does when things go wrong: every fault counted, on loopback, each run bounded.

    python -m benchmarks.faults                    all of them, short (about 6 minutes)
    python -m benchmarks.faults kills --kills 200  one of them, long
    python -m benchmarks.faults --soak 30m         half an hour of everything that a day brings: memory, descriptors

Prints a table of what was tried and what failed, and ends with status 1 if anything did.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import results
from benchmarks.faults import soak
from benchmarks.faults.scenarios import RUNS


def main() -> None:
    """See the module."""
    parser = results.Parser("benchmarks.faults", __doc__)
    parser.add_argument("only", nargs="*", metavar="FAULT", help=f"of {', '.join(RUNS)}; default: all")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--swaps", type=int, default=50)
    parser.add_argument("--files", type=int, default=1000, help="corrupted ones")
    parser.add_argument("--requests", type=int, default=10_000, help="malformed ones")
    parser.add_argument(
        "--pause",
        type=float,
        default=0.005,
        help="seconds between the calls of a reader that versions, files and replicas change under (default 0.005)",
    )
    parser.add_argument("--soak", type=_seconds, default=0.0, metavar="TIME", help="e.g. 30m; instead of the others")
    options = parser.options()
    # gRPC's own lines about handshakes that are meant to fail.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    if unknown := set(options.only) - set(RUNS):
        parser.error(f"no fault {', '.join(sorted(unknown))}; there are {', '.join(RUNS)}")
    failed = 0
    with parser.results() as out:
        for name in ["soak"] if options.soak else options.only or RUNS:
            start = time.perf_counter()
            with tempfile.TemporaryDirectory() as scratch:
                rows = soak.run(Path(scratch), options.soak) if options.soak else RUNS[name](Path(scratch), options)
            print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
            for row in rows:
                out.row("Faults", {"fault": row.fault, "tried": row.tried, "failed": row.failed, "notes": row.notes})
                failed += row.failed
    sys.exit(bool(failed))


def _seconds(text: str) -> float:
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


if __name__ == "__main__":
    main()
