"""A disk is full."""

from __future__ import annotations

import argparse
import functools
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.faults.readers import Readers, until
from benchmarks.faults.replica import GENERATE, WATCH, Replica
from benchmarks.faults.swaps import place
from benchmarks.faults.table import Row, first
from benchmarks.faults.truth import Checked, Truth
from tests import generators


def run(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """A cache on a disk that is full: a file system of 64 KiB where the system allows one, else a limit on files."""
    models = scratch / "models"
    generators.publish(models, hidden=64)
    truth = Truth()
    disk = scratch / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=64k none {disk} && exec {sys.executable} -m service "$@"'
    private = ("unshare", "-Urm", "sh", "-c", mount, "service")
    real = (
        subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "none", disk], capture_output=True).returncode == 0
    )
    limited = ("sh", "-c", f'ulimit -f 8 && exec {sys.executable} -m service "$@"', "service")
    with (
        _web(models) as url,
        Replica(url, *WATCH, "--cache-folder", str(disk / "cache"), program=private if real else limited) as replica,
        replica.channel() as channel,
    ):
        read = Checked(channel.unary_unary(GENERATE), truth, 20)
        truth.add((models / "tiny/1/model.onnx").read_bytes())

        with Readers(2, read, pause=options.pause) as readers:
            for seed in range(1, 1 + min(5, options.swaps)):
                content = generators.build(version=seed + 1, seed=seed, hidden=64)
                digest = truth.add(content)
                place(models, seed + 1, content)
                until(functools.partial(read.seen.get, digest), "a new version is served")
        complaints = int(replica.metric("augmint_cache_failures_total"))
    failures = readers.failures + read.wrong
    kind = "a full file system" if real else "a limit on files"
    notes = f"{kind}; {len(read.seen)} files, {complaints} times not kept and named"
    return [
        Row("a full disk for the cache: calls failed", len(readers.times), len(failures), first(failures) or notes),
        Row("  full disk noticed", 1, int(not complaints), ""),
    ]


@contextmanager
def _web(folder: Path) -> Iterator[str]:
    """A web server for a folder; its URL."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
