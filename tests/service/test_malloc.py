"""Memory of versions that have gone: nothing holds it, and the C library gives it back."""

import gc
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from onnxruntime import InferenceSession
from prometheus_client import CollectorRegistry

from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from service import malloc
from service.metrics import Metrics
from service.repository.loader import Loader
from service.repository.policy import Keep
from service.repository.repository import Repository
from service.repository.sources import Folder
from service.runtime.session import Session
from service.scheduling.scheduler import Scheduler
from tests import generators
from tests.processes import Service, environment

pytestmark = pytest.mark.skipif(not malloc._GLIBC, reason="another C library than glibc")

ARENA = 2**26  # bytes of address space that glibc sets apart for an arena beside the first


def arenas(process):
    """Of a process, beside the first one: what is in use and the rest of it fill an aligned 64 MiB."""
    found, before = 0, (0, 0)
    for line in Path(f"/proc/{process}/maps").read_text().splitlines():
        start, end = (int(number, 16) for number in re.match(r"(\w+)-(\w+) ", line).groups())
        found += before[1] == start and before[0] % ARENA == 0 and end - before[0] == ARENA
        before = start, end
    return found


def test_threads_of_the_service_share_one_arena(tmp_path):
    path = generators.publish(tmp_path)
    with Service(tmp_path, "--watch-seconds", "0.05") as service, service.channel() as channel:
        stub = GeneratorServiceStub(channel)
        for seed in range(1, 4):
            staged = tmp_path / "staged"
            staged.write_bytes(generators.build(seed=seed))
            old = stub.Generate(pb.GenerateRequest(label="1", n=1), timeout=60).digest
            staged.rename(path)
            while stub.Generate(pb.GenerateRequest(label="1", n=64), timeout=60).digest == old:
                time.sleep(0.05)
        assert arenas(service.process.pid) == 0


GIVEN_BACK = """
import os, threading
from pathlib import Path
import numpy as np
from service import malloc

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def use():
    blocks = [np.ones(2**20, np.uint8) for _ in range(20)]
    pins.append(np.ones(2**12, np.uint8))  # between the blocks, some of which are the last of all
    blocks += [np.ones(2**20, np.uint8) for _ in range(20)]

pins = []
malloc.one_arena()
malloc.keep_freed()
before = resident()
for _ in range(3):
    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
kept = resident() - before
malloc.trim()
print(kept, resident() - before)
"""


def test_memory_is_kept_for_answers_and_given_back_when_that_is_asked_for():
    done = subprocess.run(
        [sys.executable, "-c", GIVEN_BACK], capture_output=True, text=True, timeout=60, check=True, env=environment()
    )
    kept, left = map(int, done.stdout.split())
    assert kept > 2**25
    assert left < 2**22


@pytest.fixture
def repository(tmp_path):
    """Of the folder tmp_path, loaded; beside it a list with an entry for each time that it tidied up."""
    tidied = []
    generators.publish(tmp_path)
    metrics = Metrics(CollectorRegistry())
    scheduler = Scheduler(1, 10, metrics)
    repository = Repository(
        Folder(tmp_path),
        Loader(max_batch=4, alone=scheduler.alone),
        scheduler,
        metrics,
        keep=Keep(versions=1),
        tidy=lambda: tidied.append(len(repository.statuses())),
    )
    repository.load()
    yield repository, tidied
    scheduler.close()


def test_memory_is_given_back_when_a_file_has_come_or_gone_and_at_no_other_time(tmp_path, repository):
    repository, tidied = repository
    assert tidied == [1]
    repository.refresh()
    repository.refresh()
    assert tidied == [1]
    generators.publish(tmp_path, seed=1)
    repository.refresh()  # to be seen alike twice
    assert tidied == [1]
    repository.refresh()
    assert tidied == [1, 2]  # loaded, beside the one that retires
    repository.refresh()
    assert tidied == [1, 2, 1]  # unloaded
    (tmp_path / "tiny" / "2" / "model.onnx").write_bytes(b"bad")
    for _ in range(3):
        repository.refresh()
    assert tidied == [1, 2, 1, 1]  # refused


def test_no_session_stays_when_its_version_has_gone(tmp_path, repository):
    repository, _ = repository

    def alive():
        return sum(type(found) in (Session, InferenceSession) for found in gc.get_objects())

    before = alive()
    gc.disable()  # as good as in service, where it is rare: nothing may wait for it
    try:
        for seed in range(1, 4):
            generators.publish(tmp_path, seed=seed)
            for _ in range(3):
                repository.refresh()
            assert repository.get("tiny").identity.version == seed + 1
        assert alive() == before
    finally:
        gc.enable()
