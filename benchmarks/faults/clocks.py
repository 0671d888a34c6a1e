"""The machine's clock jumps."""

from __future__ import annotations

import argparse
import functools
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.faults.readers import Readers, until
from benchmarks.faults.replica import GENERATE, WATCH, Replica
from benchmarks.faults.swaps import place
from benchmarks.faults.table import Row, first
from benchmarks.faults.truth import Checked, Truth
from tests import generators

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


def run(scratch: Path, options: argparse.Namespace) -> list[Row]:
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
    with (
        Replica(str(scratch), *WATCH, program=preload) as replica,
        replica.channel() as channel,
    ):
        read = Checked(channel.unary_unary(GENERATE), truth, 20)

        with Readers(4, read, pause=0.002) as readers:
            for seed in range(1, 1 + min(5, options.swaps)):
                content = generators.build(version=seed + 1, seed=seed)
                digest = truth.add(content)
                place(scratch, seed + 1, content)
                until(functools.partial(read.seen.get, digest), "a new version is served")
                time.sleep(1)
    failures = readers.failures + read.wrong
    return [Row("a wall clock that jumps by years: calls failed", len(readers.times), len(failures), first(failures))]
