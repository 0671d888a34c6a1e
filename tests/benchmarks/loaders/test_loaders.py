"""benchmarks/loaders: the promise that it tries a hundred times, tried twice."""

import subprocess
import sys


def test_ranks_workers_and_replicas_that_are_killed_change_no_byte():
    command = [sys.executable, "-m", "benchmarks.loaders", "--trials", "2", "--seed", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    last = done.stdout.splitlines()[-1:]
    assert [line.split() for line in last] == [["|", "2", "|", "2,400", "|", "0", "|"]], done.stdout + done.stderr
