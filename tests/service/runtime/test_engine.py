import threading
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import artifact
from service.runtime import calibration
from service.runtime.cuda import Graphs
from service.runtime.device import SILENT, DeviceError
from service.runtime.engine import Engine
from service.runtime.session import Session
from tests import generators

ROOT = Path(__file__).parents[3]
CONTENT = generators.build(shape=(7, 5, 3), hidden=37, latent_size=11)
TOTAL = 600


def take(rows, which):
    return artifact.Rows(*(getattr(rows, field.name)[which] for field in fields(rows)))


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(0)
    return artifact.Rows(
        random.integers(0, 2**63, TOTAL, dtype=np.uint64) * np.uint64(2) + np.uint64(1),
        random.integers(0, 2**48, TOTAL, dtype=np.uint64),
        random.integers(0, 10, TOTAL),
        random.uniform(0.1, 2, TOTAL).astype(np.float32),
    )


@pytest.fixture(scope="module")
def alone(rows):
    """Every sample computed by bare onnxruntime, one at a time."""
    session = onnxruntime.InferenceSession(CONTENT, providers=["CPUExecutionProvider"])
    names = [field.name for field in fields(rows)]
    return np.concatenate(
        [session.run(None, {name: getattr(rows, name)[i : i + 1] for name in names})[0] for i in range(TOTAL)]
    )


@pytest.fixture(scope="module")
def engine():
    return Engine(Session(CONTENT), lanes=2, max_batch=64)


@settings(max_examples=150)
@given(data=st.data(), lane=st.integers(0, 1))
def test_a_sample_is_the_same_in_every_batch_position_and_lane(engine, rows, alone, data, lane):
    which = np.array(data.draw(st.lists(st.integers(0, TOTAL - 1), min_size=1, max_size=engine.best_batch)))
    assert np.array_equal(engine.run(take(rows, which), lane), alone[which])


@settings(max_examples=50)
@given(n=st.integers(1, TOTAL), first=st.integers(0, TOTAL - 1))
def test_a_session_gives_the_same_sample_whatever_the_number_of_rows(rows, alone, n, first):
    which = (np.arange(n) + first) % TOTAL
    assert np.array_equal(Session(CONTENT).run(take(rows, which)), alone[which])


def test_the_shipped_generator_gives_the_same_samples_in_batches_of_every_size(rows):
    content = (ROOT / "models" / "fashion-mnist" / "1" / "model.onnx").read_bytes()
    engine = Engine(Session(content), max_batch=24)
    together = engine.run(take(rows, slice(0, engine.best_batch))).copy()
    for n in engine.buckets:
        assert np.array_equal(engine.run(take(rows, slice(0, n))), together[:n])
    engine.close()


def test_lanes_at_work_at_the_same_time_do_not_disturb_each_other(engine, rows, alone):
    wrong = []

    def work(lane):
        random = np.random.default_rng(lane)
        for _ in range(200):
            which = random.integers(0, TOTAL, random.integers(1, engine.best_batch + 1))
            if not np.array_equal(engine.run(take(rows, which), lane), alone[which]):
                wrong.append(which)

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_batch_is_not_charged_for_the_turns_of_other_processes():
    def interrupted():
        time.sleep(0.05)  # somebody else has the core

    assert calibration.time_of(interrupted, clock=time.thread_time) < 0.025
    assert calibration.time_of(interrupted) > 0.05


def test_calibration_prices_every_batch_size(engine):
    assert engine.buckets[-1] == engine.best_batch <= 64
    assert [engine.bucket(n) for n in engine.buckets] == list(engine.buckets)
    assert all(engine.bucket(n) >= n for n in range(1, engine.best_batch + 1))
    full = engine.seconds(engine.best_batch)
    assert full > 0
    assert engine.seconds(3 * engine.best_batch) == pytest.approx(3 * full)
    assert engine.seconds(2 * engine.best_batch + 1) == pytest.approx(2 * full + engine.seconds(1))
    assert engine.capacity_samples_per_second == pytest.approx(2 * engine.best_batch / full)


def test_prices_follow_what_batches_take_in_service():
    engine = Engine(Session(generators.build()), max_batch=8)
    n, capacity = engine.best_batch, engine.capacity_samples_per_second
    one, full = engine.seconds(1), engine.seconds(n)
    while engine.seconds(n) < 2.9 * full:
        engine.learn(n, 3 * full)
    assert engine.seconds(1) / one == pytest.approx(engine.seconds(n) / full)
    assert engine.capacity_samples_per_second == pytest.approx(capacity * full / engine.seconds(n))
    before = engine.seconds(n)
    engine.learn(n, 1e6)  # the machine slept
    assert engine.seconds(n) < 1.2 * before
    engine.close()


class SmallMemory:
    """A session on a device that has memory for `rows` rows and counts its runs."""

    def __init__(self, rows):
        self.device = "cuda"
        self.outputs = [artifact.Tensor("sample", np.dtype(np.int64), ("n",))]
        self.rows = rows
        self.graphs = Graphs(False, SILENT)

    scored = transforms = False

    def buffer(self, shape, dtype):
        return np.empty(shape, dtype)

    def bind(self, rows, samples, scores=None):
        def run():
            if len(samples) > self.rows:
                raise RuntimeError("CUDA failure 2: out of memory")
            samples[:] = rows.index

        return run


def addresses(n):
    return artifact.Rows(
        np.ones(n, np.uint64), np.arange(n, dtype=np.uint64), np.zeros(n, np.int64), np.ones(n, np.float32)
    )


def test_batches_that_do_not_fit_at_load_are_not_offered():
    assert Engine(SmallMemory(16), max_batch=64).best_batch <= 16


def test_running_out_of_memory_gives_up_the_largest_batch_and_goes_on():
    session = SmallMemory(64)
    engine = Engine(session, max_batch=64)
    assert engine.best_batch == 64
    session.rows = 8
    assert engine.run(addresses(63)).tolist() == list(range(63))
    assert engine.best_batch == 8
    assert engine.run(addresses(5)).tolist() == list(range(5))


def test_a_device_without_memory_for_one_row_is_an_error():
    session = SmallMemory(64)
    engine = Engine(session, max_batch=64)
    session.rows = 0
    with pytest.raises(RuntimeError, match="out of memory"):
        engine.run(addresses(1))


@pytest.mark.parametrize(
    "content", [b"", b"not onnx", CONTENT[:-100], CONTENT[:1000]], ids=["empty", "text", "cut", "head"]
)
def test_bytes_that_are_no_onnx_file_are_an_artifact_error(content):
    with pytest.raises(artifact.ArtifactError, match="cannot load the file"):
        Session(content)


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_missing_gpu_is_an_error_and_not_a_slow_cpu(device, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # on a machine that has one
    with pytest.raises(
        DeviceError, match=f"device '{device}' cannot be used.*CUDAExecutionProvider.*choose device 'cpu'"
    ):
        Session(CONTENT, device)


def test_a_bad_file_is_the_files_fault_on_any_device(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(artifact.ArtifactError, match="cannot load the file"):
        Session(CONTENT[:-100], "cuda")


@pytest.mark.parametrize("device", ["gpu", "CPU", "cuda:", "cuda:x", ""])
def test_an_unknown_device_names_the_known_ones(device):
    with pytest.raises(DeviceError, match="wanted cpu, cuda or cuda:N"):
        Session(CONTENT, device)
