"""A process of readers that put a load on a server: it obeys lines on stdin and answers each with a line of JSON.

    python -m benchmarks.serving.readers HOST:PORT[,HOST:PORT...] PROTOCOL

    check N                 SHA-256 of the samples of seed 1, indices 0 to N - 1, label 0
    SECONDS Python C N      C threads that ask for N rows each, again and again
    SECONDS h2load C N      C connections of h2load that do the same
    SECONDS one             one row at a time beside a bulk reader, which keeps four pages of 256 rows in flight

Several addresses are replicas, for gRPC: readers of Python take turns between them, call by call, as augmint's client
does, and h2load's connections are shared out. PROTOCOL is `augmint:GENERATOR`; `v2:MODEL` or `v2-bytes:MODEL`, the Open
Inference Protocol with the rows of a request in one tensor of bytes [n, 28] or in one string of bytes; `http:PATH`, the
rows as the body of a POST; or `json:PATH`, base64 in JSON. A call from Python over gRPC costs a third of a millisecond
on 2 cores of a server, one over HTTP/1.1 rather less.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import grpc

from benchmarks.serving.ceiling import call_for, calls_per_second
from benchmarks.serving.protocols import PROTOCOLS

READERS = 33
READY_SECONDS = 60


class Readers:
    """The process, for the one who starts it."""

    def __init__(self, target: str, protocol: str) -> None:
        command = [sys.executable, "-m", "benchmarks.serving.readers", target, protocol]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line: str) -> dict[str, float]:
        """Obey one line: numbers by name.

        Raises EOFError if the process ended instead; it has said why on stderr.
        """
        return self._ask(line)

    def check(self, expected: bytes, n: int) -> None:
        """See that the server has the file that it should have.

        expected: bytes of the samples of seed 1, indices 0 to n - 1, label 0.

        Raises ValueError where a byte differs, EOFError as `ask`.
        """
        if self._ask(f"check {n}")["sha256"] != hashlib.sha256(expected).hexdigest():
            raise ValueError("the server's samples are not those of the file")

    def _ask(self, line: str) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(line + "\n")
            stdin.flush()
            return json.loads(stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError) as error:
            raise EOFError("the readers ended early") from error

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        for end in (self._process.stdin, self._process.stdout):
            assert end is not None
            with contextlib.suppress(BrokenPipeError):
                end.close()


# -- the readers' process ---------------------------------------------------------------------------------


def main() -> None:
    target, told = sys.argv[1:]
    kind, _, name = told.partition(":")
    protocol = PROTOCOLS[kind](name)
    calls = [protocol.connect(target) for _ in range(READERS)]
    position = [0] * READERS
    sample_bytes = 1

    def read(reader: int, n: int) -> None:
        answer = calls[reader](protocol.request(reader, position[reader], n))
        position[reader] += n
        if len(answer) < n * sample_bytes:
            raise ValueError(f"{n} rows were asked for, {len(answer)} bytes came: {answer[:200]!r}")

    for line in sys.stdin:
        words = line.split()
        answer: dict[str, float | str]
        if words[0] == "check":
            samples = protocol.samples(_first_answer(calls[0], protocol.request(1, 0, int(words[1]))))
            sample_bytes = len(samples) // int(words[1])
            answer = {"sha256": hashlib.sha256(samples).hexdigest()}
        elif words[1] == "one":
            answer = _one(read, protocol.multiplexed, float(words[0]))
        elif words[1] == "h2load":
            count, n = int(words[2]), int(words[3])
            loads = [protocol.h2load(address, protocol.request(1, 0, n)) for address in target.split(",")]
            answer = {**_h2load(loads, count, float(words[0]), n * sample_bytes)}
        else:
            answer = {**_python(read, int(words[2]), int(words[3]), float(words[0]))}
        print(json.dumps(answer), flush=True)


def _first_answer(call: Callable[[bytes], bytes], request: bytes) -> bytes:
    """Of a server that listens, and may not be ready for some time."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return call(request)
        except (OSError, ValueError, grpc.RpcError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _one(read: Callable[[int, int], None], shared: bool, seconds: float) -> dict[str, float | str]:
    last = READERS - 1
    with ThreadPoolExecutor(1) as pool:
        bulk = pool.submit(call_for, seconds, 4, lambda page: read(last - page * (not shared), 256))
        times = sorted(call_for(seconds, 1, lambda reader: read(reader, 1))[0])
        bulk.result()
    return {"p50": times[len(times) // 2], "p99": times[min(len(times) - 1, int(len(times) * 0.99))]}


def _python(read: Callable[[int, int], None], count: int, n: int, seconds: float) -> dict[str, float]:
    cpu = time.process_time()
    runs = call_for(seconds, count, lambda reader: read(reader, n))
    calls = sum(len(times) for times in runs)
    return {"rate": calls_per_second(runs), "calls": calls, "cpu": time.process_time() - cpu}


def _h2load(loads: list[tuple[bytes, list[str]]], count: int, seconds: float, answer_bytes: int) -> dict[str, float]:
    """`count` connections, shared out between the replicas, that each send the body, one at a time, again and again."""
    shares = [len(range(number, count, len(loads))) for number in range(len(loads))]
    with tempfile.NamedTemporaryFile() as file, ExitStack() as stack:
        file.write(loads[0][0])
        file.flush()
        before = os.times()
        common = ["h2load", "-t1", "-m1", f"-D{round(seconds * 1000)}ms", "-d", file.name]
        started = [
            stack.enter_context(
                subprocess.Popen(
                    [*common, f"-c{share}", *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
                )
            )
            for (_, flags), share in zip(loads, shares, strict=True)
            if share
        ]
        told = [process.communicate()[0] for process in started]
        after = os.times()
    calls = 0
    for process, text in zip(started, told, strict=True):
        done = 0 if process.returncode else int(_found(r"(\d+) succeeded", text))
        # A refusal over gRPC is HTTP status 200, too, but has no samples.
        if not done or int(_found(r"\((\d+)\) data", text)) < done * answer_bytes:
            sys.exit(f"error: h2load got no samples:\n{text}")
        calls += done
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"rate": calls / seconds, "calls": calls, "cpu": cpu}


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"error: no {pattern} in what h2load told:\n{text}")
    return match[1]


if __name__ == "__main__":
    main()
