"""The path of a GPU, on a make-believe one (tests/gpu.py); benchmarks/serving/gpu.py checks a real one."""

import functools
import threading

import numpy as np
import onnxruntime
import pytest

from service import artifact
from service.errors import DeviceBroken
from service.runtime import device
from service.runtime.engine import FAILURES_LIMIT, Engine
from service.runtime.session import Session, columns
from tests import generators
from tests.gpu import Gpu

CONTENT = generators.build(shape=(7, 5, 3), hidden=37, latent_size=11)
SCORED = generators.build(shape=(7, 5, 3), hidden=37, latent_size=11, scored=True)


def addresses(n, first=0):
    index = np.arange(first, first + n, dtype=np.uint64)
    return artifact.Rows(np.full(n, 77, np.uint64), index, np.arange(n) % 10, np.ones(n, np.float32))


class Told:
    """Keeps what an engine tells."""

    def __init__(self):
        self.broken, self.fallbacks = [], []
        self.events = device.Callbacks(self.broken.append, lambda stage, reason: self.fallbacks.append((stage, reason)))


@pytest.fixture
def gpu(monkeypatch):
    made = Gpu().install(monkeypatch)
    # Each size runs on all lanes and takes as long as any other, so that all sizes are tried, on any machine.
    monkeypatch.setattr(
        "service.runtime.engine.time_of", lambda run, shared=False, clock=None: [run() for _ in range(3)] and 0.001
    )
    yield made
    assert made.wrongs == []


@pytest.fixture
def told():
    return Told()


def make(told, content=CONTENT, graphs=True, lanes=2, max_batch=16, names=("cuda",)):
    options = device.Options(graphs=graphs)
    first, *others = [Session(content, name, 1, options, told.events) for name in names]
    return Engine(first, lanes, max_batch, others=others, events=told.events)


@functools.cache
def reference():
    return onnxruntime.InferenceSession(CONTENT, providers=["CPUExecutionProvider"])


def expected(rows):
    """What bare onnxruntime computes."""
    return reference().run(None, dict(zip(artifact.INPUTS, columns(rows), strict=True)))[0]


def check(engine):
    """Every lane computes the right samples at every size."""
    for lane in range(engine.lanes):
        for n in range(1, engine.best_batch + 1):
            rows = addresses(n, first=100 * lane + n)
            assert np.array_equal(engine.run(rows, lane), expected(rows))


def test_each_batch_size_of_each_lane_has_a_graph_and_the_largest_is_captured_first(gpu, told):
    engine = make(told)
    sizes = [rows for _, rows in gpu.captures]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 2 * len(set(sizes)) == len({graph for graph, _ in gpu.captures})
    assert set(engine.buckets) <= set(sizes)
    before = gpu.replays
    check(engine)
    assert gpu.replays - before == 2 * engine.best_batch
    assert told.fallbacks == told.broken == []


def test_lanes_at_the_same_time_share_the_one_thread_that_computes(gpu, told):
    engine = make(told)
    wrong = []

    def work(lane):
        for turn in range(50):
            rows = addresses(1 + turn % engine.best_batch, first=1000 * lane + turn)
            if not np.array_equal(engine.run(rows, lane), expected(rows)):
                wrong.append((lane, turn))

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(("where", "stage"), [("load_graphs", "load"), ("capture", "capture"), ("replay", "capture")])
def test_a_file_that_cannot_have_graphs_runs_without(gpu, told, where, stage):
    gpu.faults[where] = "[ONNXRuntimeError] : 1 : FAIL : CUDA failure 900: operation not permitted while capturing"
    engine = make(told)
    assert told.fallbacks == [(stage, "CUDA failure 900: operation not permitted while capturing")]
    before = gpu.replays
    check(engine)
    assert gpu.replays == before
    assert told.broken == []
    used = [session for session in gpu.sessions if session._runs or session._captured]
    assert stage == "load" or used[-1] is not gpu.sessions[-1]  # the session of the failed capture is not used


def test_a_graph_that_computes_other_samples_is_not_used(gpu, told, monkeypatch):
    from tests import gpu as fake

    compute = fake.Session._compute

    def stale(self, binding):
        """A graph that took its inputs along instead of their addresses."""
        if binding in self._captured.values():
            return
        compute(self, binding)

    monkeypatch.setattr(fake.Session, "_compute", stale)
    engine = make(told)
    ((stage, reason),) = told.fallbacks
    assert stage == "capture"
    assert "computes other samples" in reason
    check(engine)


def test_memory_that_ends_during_a_capture_costs_the_graphs_and_not_the_file(gpu, told):
    gpu.faults["capture"] = "CUDA failure 2: out of memory"
    engine = make(told)
    assert [stage for stage, _ in told.fallbacks] == ["capture"]
    check(engine)


def test_a_graph_that_fails_in_service_is_replaced_by_plain_runs(gpu, told):
    engine = make(told)
    gpu.faults["replay"] = "CUDA failure 1: invalid argument"
    check(engine)
    assert told.fallbacks == [("replay", "CUDA failure 1: invalid argument")]
    del gpu.faults["replay"]
    before = gpu.replays
    check(engine)
    assert gpu.replays == before


def test_running_out_of_memory_in_service_halves_the_batch(gpu, told):
    engine = make(told, graphs=False)
    assert engine.best_batch == 16
    gpu.memory_rows = 4
    rows = addresses(15)
    assert np.array_equal(engine.run(rows), expected(rows))
    assert engine.best_batch == 4
    check(engine)
    assert told.broken == []


@pytest.mark.parametrize("graphs", [True, False])
@pytest.mark.parametrize(
    "message",
    [
        "[ONNXRuntimeError] : 1 : FAIL : CUDA failure 700: an illegal memory access was encountered ; GPU=0",
        "CUDA failure 719: unspecified launch failure ; GPU=0",
        "CUDA failure 214: uncorrectable ECC error encountered",
        "CUDNN failure 5000: CUDNN_STATUS_EXECUTION_FAILED ... an illegal memory access was encountered",
    ],
)
def test_a_device_that_failed_for_good_is_told_once_and_not_used_again(gpu, told, message, graphs):
    engine = make(told, graphs=graphs)
    gpu.faults["run"] = gpu.faults["replay"] = message
    for _ in range(2):
        with pytest.raises(DeviceBroken, match=r"device cuda has failed.*ask another one"):
            engine.run(addresses(3))
    gpu.faults.clear()
    with pytest.raises(DeviceBroken):
        engine.run(addresses(3), lane=1)
    assert len(told.broken) == 1
    assert "CUD" in told.broken[0]
    assert told.fallbacks == []


def test_a_device_that_fails_again_and_again_is_given_up_whatever_it_says(gpu, told):
    engine = make(told, graphs=False)
    gpu.faults["run"] = "something unheard of"
    for _ in range(FAILURES_LIMIT - 1):
        with pytest.raises(RuntimeError, match="unheard of"):
            engine.run(addresses(3))
    gpu.faults.clear()
    engine.run(addresses(3))  # it was not in a row
    gpu.faults["run"] = "something unheard of"
    for _ in range(FAILURES_LIMIT - 1):
        with pytest.raises(RuntimeError, match="unheard of"):
            engine.run(addresses(3))
    with pytest.raises(DeviceBroken, match=f"failed {FAILURES_LIMIT} times in a row"):
        engine.run(addresses(3))
    assert told.broken == ["something unheard of"]


@pytest.mark.parametrize("where", ["load", "run", "capture", "copy"])
def test_a_device_that_fails_for_good_at_load_is_not_the_files_fault(gpu, told, where):
    gpu.faults[where] = "CUDA failure 700: an illegal memory access was encountered"
    with pytest.raises(DeviceBroken):
        make(told).run(addresses(1))
    assert told.fallbacks == []


def test_samples_are_copied_into_page_locked_memory_that_is_used_again(gpu, told):
    engine = make(told)
    copies, locked = gpu.cudart.copies, gpu.cudart.locked
    check(engine)
    assert gpu.cudart.copies - copies == 2 * engine.best_batch
    assert locked >= 2 * engine.best_batch * 105
    engine.close()
    del engine
    make(told)
    assert gpu.cudart.locked == locked


def test_without_the_cuda_runtime_copies_go_through_onnxruntime(monkeypatch, told):
    gpu = Gpu().install(monkeypatch, pinned=False)
    check(make(told))
    assert gpu.cudart.copies == 0
    assert gpu.wrongs == []


def test_a_runtime_whose_copies_fail_is_done_without(gpu, told):
    gpu.cudart.status = 1
    check(make(told))
    assert gpu.cudart.locked == 0


def test_scores_are_computed_beside_graphs(gpu, told):
    engine = make(told, content=SCORED)
    rows = addresses(5)
    samples, scores = engine.run_scored(rows)
    wanted, wanted_scores = Session(SCORED).run_scored(rows)
    assert np.array_equal(samples, wanted)
    assert np.array_equal(scores, wanted_scores)
    assert np.array_equal(engine.run(rows), wanted)


def test_several_gpus_work_behind_one_engine(gpu, told):
    engine = make(told, lanes=4, names=("cuda:0", "cuda:1"))
    assert {session.settings["device_id"] for session in gpu.sessions} == {"0", "1"}
    assert engine.device == "cuda:0,cuda:1"
    check(engine)


def test_tf32_and_memory_are_asked_for_explicitly(gpu):
    Session(CONTENT, "cuda")
    assert gpu.sessions[-1].settings["use_tf32"] == "0"
    assert "gpu_mem_limit" not in gpu.sessions[-1].settings
    Session(CONTENT, "cuda", options=device.Options(tf32=True, memory_bytes=2**30))
    assert gpu.sessions[-1].settings["use_tf32"] == "1"
    assert gpu.sessions[-1].settings["gpu_mem_limit"] == str(2**30)


def test_samples_are_carried_beside_graphs(gpu, told):
    content = generators.build(shape=(7, 5, 3), hidden=37, latent_size=11, scored=True, transforms=True)
    engine = make(told, content=content)
    assert 1 <= engine.transform_batch <= engine.best_batch
    random = np.random.default_rng(3)
    for n in (1, engine.transform_batch):
        samples = random.integers(0, 256, (n, 7, 5, 3), dtype=np.uint8)
        originals = artifact.Originals(samples, np.arange(n) % 10, np.full(n, -1), np.ones(n, np.float32))
        for lane in range(2):
            got, recognised = engine.run_transform(originals, lane)
            wanted, source = generators.carried(samples, np.arange(n) % 10)
            assert np.array_equal(got, wanted)
            assert np.array_equal(recognised, source)
    rows = addresses(5)
    assert np.array_equal(engine.run(rows), Session(content).run(rows))
    assert gpu.replays > 0
    assert told.fallbacks == []


def test_running_out_of_memory_while_carrying_gives_up_sizes_of_carrying_alone(gpu, told):
    engine = make(told, content=generators.build(shape=(7, 5, 3), hidden=37, latent_size=11, transforms=True))
    most, n = engine.best_batch, engine.transform_batch
    assert n > 2
    gpu.memory_rows = n - 1
    samples = np.random.default_rng(3).integers(0, 256, (n, 7, 5, 3), dtype=np.uint8)
    originals = artifact.Originals(samples, np.zeros(n, np.int64), np.full(n, -1), np.ones(n, np.float32))
    assert np.array_equal(engine.run_transform(originals)[0], generators.carried(samples, 0)[0])
    assert engine.transform_batch < n
    assert engine.best_batch == most
