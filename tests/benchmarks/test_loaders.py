"""benchmarks/loaders.py: the promise that it tries a hundred times, tried once."""

import subprocess
import sys


def test_ranks_workers_and_replicas_that_are_killed_change_no_byte():
    command = [sys.executable, "-m", "benchmarks.loaders", "--trials", "1", "--seed", "20"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    assert done.stdout.splitlines()[-1] == "1 trials, 1,200 samples, 0 differences", done.stdout + done.stderr
