"""client/augmint/threads.py: programs end, whatever their threads wait for."""

import gc
import signal
import subprocess
import sys
import threading

import pytest

from augmint.threads import Pool
from tests.client.wire.test_frozen import Replica


def test_no_more_threads_than_allowed_run_and_idle_ones_are_used_again():
    pool, gate, names = Pool(2, "p"), threading.Event(), set()

    def work():
        names.add(threading.current_thread().ident)
        gate.wait(30)
        return 1

    futures = [pool.submit(work) for _ in range(6)]
    gate.set()
    assert sum(future.result(30) for future in futures) == 6
    assert len(names) <= 2
    pool.shutdown()


def test_what_fails_fails_for_its_caller_alone():
    pool = Pool(1, "p")
    failed, fine = pool.submit(int, "x"), pool.submit(int, "7")
    with pytest.raises(ValueError, match="invalid literal"):
        failed.result(30)
    assert fine.result(30) == 7
    pool.shutdown()


def test_after_the_end_nothing_begins():
    pool, begun, gate = Pool(1, "p"), threading.Event(), threading.Event()

    def work():
        begun.set()
        gate.wait(30)

    first = pool.submit(work)
    assert begun.wait(30)
    second = pool.submit(work)
    pool.shutdown()
    assert second.cancelled()
    with pytest.raises(RuntimeError):
        pool.submit(work)
    gate.set()
    first.result(30)


def test_threads_end_with_a_pool_that_nobody_holds():
    pool = Pool(3, "left alone")
    for future in [pool.submit(threading.current_thread) for _ in range(3)]:
        thread = future.result(30)
    del pool, future
    gc.collect()
    thread.join(30)
    assert not thread.is_alive()


BEGIN = """
import sys, threading, time
import numpy as np
import augmint
# Far longer than the test waits: who ends, was not waiting for it.
client = augmint.Client(sys.argv[1], timeout=600)
def ready():
    print("reads", flush=True)
    sys.stdin.readline()
"""
PROGRAMS = {
    "stream": """
from augmint.torch import SyntheticStream
for step, batch in enumerate(SyntheticStream(client, batch_size=8, seed=7)):
    if step == 3: ready()
""",
    "stream in a variable": """
from augmint.torch import SyntheticStream
batches = iter(SyntheticStream(client, batch_size=8, seed=7))
for step in range(10**9):
    next(batches)
    if step == 3: ready()
""",
    "workers": """
from augmint.torch import SyntheticStream
for step, batch in enumerate(SyntheticStream(client, batch_size=8, seed=7).loader(num_workers=1)):
    if step == 3: ready()
""",
    "arrays": """
from augmint.arrays import ArrayStream
for step, batch in enumerate(ArrayStream(client, batch_size=8, seed=7)):
    if step == 3: ready()
""",
    "many pages": """
client.generate("bag", 2)
ready()
while True: client.generate("bag", 5000)
""",
    "one call": """
client.generate("bag", 2)
ready()
while True: client.generate("bag", 2)
""",
    "asyncio": """
import asyncio
async def read():
    async with augmint.AsyncClient(sys.argv[1], timeout=600) as client:
        await client.generate("bag", 2)
        await asyncio.to_thread(ready)
        while True: await client.generate("bag", 5000)
asyncio.run(read())
""",
}


@pytest.fixture(scope="module")
def one():
    replica = Replica()
    yield replica
    replica.end()


@pytest.fixture
def replica(one):
    yield one
    one.thaw()


def started(code, *arguments):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([sys.executable, "-c", code, *arguments], **pipes, text=True)


class Program:
    """A program that reads from a service, which it does when this is made."""

    def __init__(self, start, code, target):
        self.process = start(BEGIN + code, target)
        assert self.process.stdout.readline() == "reads\n", self.process.stderr.read()

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        """Exit status and complaints; a program that waits for its calls would take ten minutes."""
        try:
            _, complaints = self.process.communicate(timeout=60)
        finally:
            self.process.kill()
            self.process.wait()
        return self.process.returncode, complaints


@pytest.mark.parametrize("kind", PROGRAMS)
def test_ctrl_c_ends_a_program_whose_service_hangs(replica, forked, kind):
    program = Program(forked if "torch" in PROGRAMS[kind] else started, PROGRAMS[kind], replica.target)
    replica.freeze()
    _interrupted(program)


@pytest.mark.parametrize("kind", ["stream", "many pages", "asyncio"])
def test_ctrl_c_ends_a_program_whose_service_has_crashed(forked, kind):
    replica = Replica()
    program = Program(forked, PROGRAMS[kind], replica.target)
    replica.end()
    _interrupted(program)


def _interrupted(program):
    """Ends after Ctrl-C, without a word beside Python's own."""
    program.go_on()
    # Until its next calls wait for an answer, or between two attempts; earlier is a case of its own, and ends, too.
    with pytest.raises(subprocess.TimeoutExpired):
        program.process.wait(1.0)
    program.process.send_signal(signal.SIGINT)
    status, complaints = program.end()
    assert status == -signal.SIGINT
    assert complaints.strip().endswith("KeyboardInterrupt")
    for word in ("Exception ignored", "terminate called", "Fatal Python error"):
        assert word not in complaints


ENDINGS = {
    "exception": ("raise ZeroDivisionError('in a training step')", 1, "ZeroDivisionError: in a training step"),
    "exit": ("sys.exit(5)", 5, ""),
    "end": ("pass", 0, ""),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_program_ends_while_its_stream_waits_for_the_service(replica, forked, ending):
    last, status, complaint = ENDINGS[ending]
    code = """
from augmint.torch import SyntheticStream
batches = iter(SyntheticStream(client, batch_size=8, seed=7))
next(batches)
pages = threading.Thread(target=client.generate, args=("bag", 5000), daemon=True)
ready()
pages.start()
while not any(thread.name == "augmint" for thread in threading.enumerate()): time.sleep(0.01)
"""
    program = Program(started if ending == "end" else forked, code + last, replica.target)
    replica.freeze()
    program.go_on()
    got, complaints = program.end()
    assert got == status, complaints
    assert complaint in complaints
    assert "Exception ignored" not in complaints
