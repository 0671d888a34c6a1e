"""What the service does when things go wrong: every fault counted, on loopback, each run bounded.

    python -m benchmarks.faults                    all of them, short (about 5 minutes)
    python -m benchmarks.faults kills --kills 200  one of them, long
    python -m benchmarks.faults --soak 30m         half an hour of everything that a day brings: memory, descriptors

Prints a table of what was tried and what failed, and ends with status 1 if anything did.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import itertools
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np

import augmint
from augmint.v1 import generator_pb2 as pb
from benchmarks.replica import SERVICE, Readers, Replica, Truth, until
from service import artifact
from tests import generators

GENERATE = SERVICE + "Generate"
WATCH = ("--watch-seconds", "0.1")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    fault: str
    tried: int
    failed: int
    notes: str


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description="Run the service under faults.")
    parser.add_argument("only", nargs="*", metavar="FAULT", help=f"of {', '.join(RUNS)}; default: all")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--swaps", type=int, default=50)
    parser.add_argument("--files", type=int, default=1000, help="corrupted ones")
    parser.add_argument("--requests", type=int, default=10_000, help="malformed ones")
    parser.add_argument("--soak", type=_seconds, default=0.0, metavar="TIME", help="e.g. 30m; instead of the others")
    options = parser.parse_args()
    rows: list[Row] = []
    for name in ["soak"] if options.soak else options.only or RUNS:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as scratch:
            rows += _soak(Path(scratch), options.soak) if options.soak else RUNS[name](Path(scratch), options)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    print(f"{'fault':52}{'tried':>8}{'failed':>8}  notes")
    for row in rows:
        print(f"{row.fault:52}{row.tried:>8,}{row.failed:>8,}  {row.notes}")
    sys.exit(any(row.failed for row in rows))


def _seconds(text: str) -> float:
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


# -- a replica dies ------------------------------------------------------------------------------------------


def _kills(scratch: Path, options: argparse.Namespace) -> list[Row]:
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
            with Readers(len(position), read, pause=0.005) as readers:
                for number in range(options.kills):
                    replicas[number % 2].kill()
                    until(functools.partial(_grown, pages, len(pages) + 40), "readers go on with one replica")
                    replicas[number % 2].start()
    finally:
        for replica in replicas:
            replica.kill()
    wrong = sum(data != truth.samples(digest, reader, start, [reader] * 96) for reader, start, data in pages)
    places = Counter((reader, start) for reader, start, _ in pages)
    gaps = sum(position[reader] != 96 * sum(1 for other, _ in places if other == reader) for reader in range(4))
    repeated = sum(count - 1 for count in places.values())
    return [
        Row("kill -9 of one of two replicas", options.kills, len(readers.failures), _first(readers.failures)),
        Row("  samples read meanwhile: lost, repeated or wrong", 96 * len(pages), 96 * (wrong + repeated) + gaps, ""),
    ]


# -- versions change -----------------------------------------------------------------------------------------


def _swaps(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """New versions and replaced files, under readers of the default and one that pins what it began with."""
    truth = Truth()
    first = truth.add(generators.publish(scratch).read_bytes())
    version = 1
    mixed: list[str] = []
    with Replica(str(scratch), *WATCH) as replica:
        channels = [replica.channel() for _ in range(5)]
        calls = [channel.unary_unary(GENERATE) for channel in channels]
        seen: Counter[str] = Counter()

        def read(reader: int) -> None:
            request = pb.GenerateRequest(class_indices=[reader] * 50, seed=reader, digest=first if reader == 4 else "")
            response = pb.GenerateResponse.FromString(calls[reader](request.SerializeToString(), timeout=60))
            seen[response.digest] += 1
            if not truth.holds(response) or (reader == 4 and response.digest != first):
                mixed.append(response.digest)

        slow = 0.0
        with Readers(len(calls), read, pause=0.002) as readers:
            for number in range(options.swaps):
                start = time.perf_counter()
                # In turn the same version with other weights, and the next version.
                version += number % 2
                content = generators.build(version=version, seed=number + 1)
                digest = truth.add(content)
                _place(scratch, version, content)
                until(functools.partial(seen.get, digest), f"swap {number + 1} is seen")
                slow = max(slow, time.perf_counter() - start)
        for channel in channels:
            channel.close()
    text = (
        f"{len(readers.times):,} calls; swap seen after {slow:.1f} s at most; p99 {1e3 * readers.quantile(0.99):.0f} ms"
    )
    return [
        Row(
            "hot swaps under load: failed calls", options.swaps, len(readers.failures), _first(readers.failures) or text
        ),
        Row("  answers not wholly of the file that they name", len(readers.times), len(mixed), ""),
    ]


def _corrupted(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """Damaged files, each of which would be the new default of the generator that is being read."""
    truth = Truth()
    truth.add(generators.publish(scratch).read_bytes())
    good = generators.build(version=1000)
    outcome: Counter[str] = Counter()
    wrong: list[str] = []
    with Replica(str(scratch), *WATCH, "--keep-versions", "1000") as replica, replica.channel() as channel:
        call = channel.unary_unary(GENERATE)

        def read(reader: int) -> None:
            request = pb.GenerateRequest(generator="tiny", class_indices=[reader] * 20, seed=reader)
            response = pb.GenerateResponse.FromString(call(request.SerializeToString(), timeout=60))
            if not truth.holds(response):
                wrong.append(response.digest)

        with Readers(2, read, pause=0.01) as readers:
            for first in range(0, options.files, 100):
                versions = range(1000 + first, 1000 + min(first + 100, options.files))
                for version in versions:
                    content = good.replace(b'"version": 1000', f'"version": {version}'.encode())
                    content = corrupted(content, random.Random(version))
                    truth.add(content)
                    _place(scratch, version, content)
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
        Row("  calls meanwhile: failed", len(readers.times), len(readers.failures), _first(readers.failures)),
        Row("  answers not wholly of the file that they name", len(readers.times), len(wrong), ""),
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


def _place(models: Path, version: int, content: bytes) -> None:
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


# -- callers misbehave ---------------------------------------------------------------------------------------


def _fuzz(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """Malformed calls of every method of every protocol, in waves of 100."""
    generators.publish(scratch)
    codes: Counter[str] = Counter()
    choose = random.Random(0)
    with Replica(str(scratch)) as replica, replica.channel() as channel:
        methods = [GENERATE] * 6 + [SERVICE + "ListGenerators", SERVICE + "GetGenerator"]
        methods += [f"/inference.GRPCInferenceService/{name}" for name in _inference_methods(replica)] * 2
        for _ in range(0, options.requests, 100):
            # Above 1,000 calls that nobody has looked at, grpc itself refuses some as UNAVAILABLE.
            calls = [
                channel.unary_unary(choose.choice(methods)).future(malformed(choose), timeout=60) for _ in range(100)
            ]
            codes.update(call.code().name for call in calls)
        good = pb.GenerateRequest(class_indices=[1], seed=1).SerializeToString()
        alive = bool(channel.unary_unary(GENERATE)(good, timeout=60))
    bad = sum(codes[name] for name in ("INTERNAL", "UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED")) + (not alive)
    notes = ", ".join(f"{count:,} {code}" for code, count in codes.most_common())
    return [
        Row(f"malformed calls of {len(set(methods))} methods: not the caller's fault", sum(codes.values()), bad, notes)
    ]


def _inference_methods(replica: Replica) -> list[str]:
    """Methods of the Open Inference Protocol, if this release speaks it."""
    with replica.channel() as channel:
        try:
            channel.unary_unary("/inference.GRPCInferenceService/ServerLive")(b"", timeout=60)
        except grpc.RpcError:
            return []
    return [
        "ServerLive",
        "ServerReady",
        "ModelReady",
        "ServerMetadata",
        "ModelMetadata",
        "ModelInfer",
        "RepositoryIndex",
    ]


def malformed(choose: random.Random) -> bytes:
    """A call's bytes: noise, or a message with odd values, or one that was damaged."""

    def number(bits: int) -> int:
        return choose.choice((0, 1, 3, 2**bits - 1, choose.randrange(2**bits)))

    def text() -> str:
        return choose.choice(("", "tiny", "3", "x" * 3000, "../../etc", "\x00\n\x1b", "ä" * 20, "canary"))

    if choose.random() < 0.3:
        return choose.randbytes(choose.randrange(80))
    request = pb.GenerateRequest(
        generator=choose.choice(("tiny", "", "nope", "\n")),
        version=choose.choice((0, 1, number(32))),
        digest=choose.choice(("", "", text(), "0" * 64)),
        channel=choose.choice(("", "", "", text())),
        label=text(),
        class_indices=[number(32) for _ in range(choose.choice((0, 0, 1, 5)))],
        n=choose.choice((1, number(32))),
        seed=number(64),
        start_index=number(64),
        truncation=choose.choice((1.0, 0.0, -1.0, float("nan"), float("inf"), 3.4e38)),
        indices=[number(64) for _ in range(choose.choice((0, 0, 1, 5)))],
        keep=choose.choice((0, 0, number(32))),
        of=choose.choice((0, 0, number(32))),
    )
    raw = bytearray(request.SerializeToString())
    if raw and choose.random() < 0.3:
        raw[choose.randrange(len(raw))] = choose.randrange(256)
    return bytes(raw)


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


def _clients(scratch: Path, options: argparse.Namespace) -> list[Row]:
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
            + (f"; {_first(readers.failures)}" if readers.failures else ""),
        )
    ]


def _full(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """Far more work than may wait: refused calls are refused quickly, and cost no memory."""
    generators.publish(scratch, "tiny", shape=(32, 32, 3), hidden=1024)
    refused: list[float] = []
    codes: Counter[str] = Counter()

    def note(start: float, answer: grpc.Future) -> None:
        seconds = time.perf_counter() - start
        codes[answer.code().name] += 1
        if answer.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
            refused.append(seconds)

    with Replica(str(scratch), "--queue-limit-seconds", "0.5") as replica, replica.channel() as channel:
        call = channel.unary_unary(GENERATE)
        raw = pb.GenerateRequest(class_indices=[1] * 1024, seed=1).SerializeToString()
        before = most = replica.resident()
        flying: list[grpc.Future] = []
        for _ in range(1500):  # 400 a second; the service answers about 10 of them
            flying = [answer for answer in flying if not answer.done()]
            answer = call.future(raw, timeout=120)
            answer.add_done_callback(functools.partial(note, time.perf_counter()))
            flying.append(answer)
            time.sleep(0.0025)
            most = max(most, replica.resident())
        until(lambda: all(answer.done() for answer in flying), "all calls have ended")
    failed = sum(count for name, count in codes.items() if name not in ("OK", "RESOURCE_EXHAUSTED"))
    times = np.array(refused or [np.nan]) * 1e3
    median, p99 = np.median(times), np.quantile(times, 0.99)
    return [
        Row(
            "a full queue: neither answered nor refused",
            sum(codes.values()),
            failed,
            f"{len(refused):,} refused, median {median:.1f} ms, p99 {p99:.1f}; "
            f"resident {before:.0f} MiB, at most {most:.0f}",
        )
    ]


# -- the machine misbehaves ----------------------------------------------------------------------------------

# The wall clock, up to three years off in either direction, differently every half second; the monotonic one is let be.
JUMPING = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long offset(void) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    unsigned long half = now.tv_sec * 2 + now.tv_nsec / 500000000;
    return (long)(half * 2654435761UL % 200000000UL) - 100000000;
}
int clock_gettime(clockid_t clock, struct timespec *to) {
    int result = syscall(SYS_clock_gettime, clock, to);
    if (!result && clock == CLOCK_REALTIME) to->tv_sec += offset();
    return result;
}
int gettimeofday(struct timeval *restrict to, void *restrict zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    to->tv_sec = now.tv_sec;
    to->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}
"""


def _clocks(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """A wall clock that jumps twice a second."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return [Row("a wall clock that jumps by years: not tried", 0, 0, "there is no C compiler")]
    library = scratch / "jumping.so"
    command = [compiler, "-shared", "-fPIC", "-x", "c", "-o", str(library), "-"]
    subprocess.run(command, input=JUMPING, text=True, check=True)
    preload = ("env", f"LD_PRELOAD={library}", sys.executable, "-m", "service")
    look = subprocess.run([*preload[:3], "-c", "import time; print(time.time())"], capture_output=True, check=True)
    assert abs(float(look.stdout) - time.time()) > 10, "the clock does not jump"
    truth = Truth()
    truth.add(generators.publish(scratch).read_bytes())
    wrong: list[str] = []
    with (
        Replica(str(scratch), *WATCH, program=preload) as replica,
        replica.channel() as channel,
    ):
        call = channel.unary_unary(GENERATE)
        seen: Counter[str] = Counter()

        def read(reader: int) -> None:
            request = pb.GenerateRequest(class_indices=[reader] * 20, seed=reader)
            response = pb.GenerateResponse.FromString(call(request.SerializeToString(), timeout=20))
            seen[response.digest] += 1
            if not truth.holds(response):
                wrong.append(response.digest)

        with Readers(4, read, pause=0.002) as readers:
            for seed in range(1, 1 + min(5, options.swaps)):
                content = generators.build(version=seed + 1, seed=seed)
                digest = truth.add(content)
                _place(scratch, seed + 1, content)
                until(functools.partial(seen.get, digest), "a new version is served")
                time.sleep(1)
    failures = readers.failures + wrong
    return [Row("a wall clock that jumps by years: calls failed", len(readers.times), len(failures), _first(failures))]


def _disk(scratch: Path, options: argparse.Namespace) -> list[Row]:
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
        call = channel.unary_unary(GENERATE)
        wrong: list[str] = []
        seen: Counter[str] = Counter()
        truth.add((models / "tiny/1/model.onnx").read_bytes())

        def read(reader: int) -> None:
            request = pb.GenerateRequest(class_indices=[reader] * 20, seed=reader)
            response = pb.GenerateResponse.FromString(call(request.SerializeToString(), timeout=60))
            seen[response.digest] += 1
            if not truth.holds(response):
                wrong.append(response.digest)

        with Readers(2, read, pause=0.01) as readers:
            for seed in range(1, 1 + min(5, options.swaps)):
                content = generators.build(version=seed + 1, seed=seed, hidden=64)
                digest = truth.add(content)
                _place(models, seed + 1, content)
                until(functools.partial(seen.get, digest), "a new version is served")
        complaints = int(replica.metric("augmint_cache_failures_total"))
    failures = readers.failures + wrong
    kind = "a full file system" if real else "a limit on files"
    notes = f"{kind}; {len(seen)} files, {complaints} times not kept and named"
    return [
        Row("a full disk for the cache: calls failed", len(readers.times), len(failures), _first(failures) or notes),
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


# -- a long time ---------------------------------------------------------------------------------------------


def _soak(scratch: Path, seconds: float) -> list[Row]:
    """Readers all the time; a new version, a bad file and a client that vanishes every few seconds."""
    truth = Truth()
    path = generators.publish(scratch)
    truth.add(path.read_bytes())
    generators.publish(scratch, "large", shape=(16, 16, 1), hidden=8)
    wrong: list[str] = []
    memory: list[tuple[float, float, int]] = []
    flags = ("--watch-seconds", "0.5", "--retire-seconds", "10")
    with Replica(str(scratch), *flags) as replica, replica.channel() as channel:
        call = channel.unary_unary(GENERATE)

        def read(reader: int) -> None:
            request = pb.GenerateRequest(generator="tiny", class_indices=[reader] * 64, seed=reader)
            response = pb.GenerateResponse.FromString(call(request.SerializeToString(), timeout=60))
            if not truth.holds(response):
                wrong.append(response.digest)

        with Readers(4, read, pause=0.01) as readers:
            start = time.monotonic()
            # Before its first few swaps the process has not yet seen all that it will need memory for.
            warm = min(60.0, seconds / 4)
            for number in itertools.count(1):
                content = generators.build(seed=number)
                truth.add(content)
                (path.parent / ".new").write_bytes(content if number % 3 else corrupted(content, random.Random(number)))
                if not number % 3:
                    truth.add((path.parent / ".new").read_bytes())
                (path.parent / ".new").rename(path)
                leaving = subprocess.Popen([sys.executable, "-c", GREEDY, replica.target], stdout=subprocess.PIPE)
                assert leaving.stdout is not None
                leaving.stdout.readline()
                time.sleep(1)
                leaving.kill()
                leaving.wait()
                leaving.stdout.close()
                time.sleep(4)
                now = time.monotonic() - start
                if now > warm:
                    memory.append((now, replica.resident(), replica.descriptors()))
                    print(f"{now:6.0f} s  {memory[-1][1]:.1f} MiB  {memory[-1][2]} descriptors", file=sys.stderr)
                if now > seconds:
                    break
    quarter = max(1, len(memory) // 4)
    first, last = (float(np.median([m for _, m, _ in part])) for part in (memory[:quarter], memory[-quarter:]))
    files = [count for _, _, count in memory]
    growth = (last - first) / first
    failures = readers.failures + wrong
    return [
        Row(f"soak of {seconds:g} s: calls failed", len(readers.times), len(failures), _first(failures)),
        Row(
            "  growth of resident memory of 1 % or more",
            1,
            int(growth >= 0.01),
            f"{first:.1f} to {last:.1f} MiB: {growth:+.2%}",
        ),
        Row("  more descriptors at the end", 1, int(files[-1] > files[0] + 4), f"{files[0]} to {files[-1]}"),
    ]


def _grown(things: Sequence[object], length: int) -> bool:
    return len(things) >= length


def _first(failures: list[str]) -> str:
    return failures[0] if failures else ""


RUNS: dict[str, Callable[[Path, argparse.Namespace], list[Row]]] = {
    "kills": _kills,
    "swaps": _swaps,
    "corrupted": _corrupted,
    "fuzz": _fuzz,
    "clients": _clients,
    "full": _full,
    "clocks": _clocks,
    "disk": _disk,
}


if __name__ == "__main__":
    main()
