"""client/augmint/torch/ in the worker processes of data loaders.

test_workers.py runs this file in a pytest of its own: it forks, and a process in which a gRPC server has run (the other
tests have some) cannot be forked.
"""

import itertools
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys

import numpy.random  # noqa: F401  NumPy imports it late: once, not in each worker
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset, default_collate
from torchdata.stateful_dataloader import StatefulDataLoader

import augmint
from augmint.torch import SyntheticDataset, SyntheticStream, mix
from tests import generators
from tests.client.torch.batches import expected, first, joined, same
from tests.processes import Service

multiprocessing.set_forkserver_preload(["augmint.torch"])  # importing PyTorch takes seconds; once is enough

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:'set_vital' is deprecated")


@pytest.fixture(scope="module")
def target():
    """A fake service in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.client.fakes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process.stdout.readline().strip()
    process.kill()
    process.communicate(timeout=60)


@pytest.fixture
def over(target):
    made = []

    def make(**options):
        made.append(SyntheticStream(target, **{"batch_size": 8, "seed": 7, **options}))
        return made[-1]

    yield make
    for stream in made:
        stream.close()


@pytest.mark.parametrize(("workers", "start"), [(3, "fork"), (1, "forkserver")])
def test_workers_change_nothing(over, workers, start):
    loader = over(length=100).loader(workers, multiprocessing_context=start)
    assert same(joined(loader), expected(0, 100))
    assert len(loader) == 13


def test_forked_and_spawned_workers_read_the_same_samples_from_the_real_service(tmp_path):
    generators.publish(tmp_path)
    with Service(tmp_path) as service:
        data = SyntheticDataset(service.target, length=100, seed=7)
        want = joined(DataLoader(data, batch_size=16))  # this process has used its connection before it starts workers
        for workers, start in ((2, "fork"), (1, "spawn")):
            loader = DataLoader(data, batch_size=16, num_workers=workers, multiprocessing_context=start)
            assert same(joined(loader), want)
        assert same(default_collate([data[0]]), (want[0][:1], want[1][:1]))
        data.close()


def test_the_loaders_state_counts_what_was_delivered_not_what_workers_made_ahead(over):
    data = over(length=160)
    loader = data.loader(2, multiprocessing_context="fork")
    first(loader, 3)
    assert loader.state_dict()["position"] == 24
    assert loader.stats().batches == 3
    resumed = over(length=160)
    resumed.load_state_dict(loader.state_dict())
    assert same(joined(resumed.loader(3, multiprocessing_context="fork")), expected(24, 160))
    assert same(joined(loader), expected(160, 320))  # while the loop that was left is followed by the next pass


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ({}, 1),
        ({}, 4),
        ({"persistent_workers": True}, 1),
        ({"persistent_workers": True}, 4),
        ({"pin_memory": False, "prefetch_factor": 4}, 1),  # all 4 are made ahead
    ],
)
def test_every_loop_reads_the_next_pass_whatever_became_of_the_last_one(over, options, taken):
    loader = over(length=32).loader(2, multiprocessing_context="fork", **options)
    for number in range(2):
        assert same(joined(first(loader, taken)), expected(32 * number, 32 * number + 8 * taken))
    outer = []
    for batch in loader:
        if not outer:
            assert same(joined(loader), expected(96, 128))
        outer.append(batch)
    assert same(joined(outer), expected(64, 96))
    assert loader.state_dict()["position"] == 128


def test_a_stream_without_end_goes_on_where_the_last_loop_was_left(over):
    loader = over().loader(2, multiprocessing_context="fork")
    assert same(joined(first(loader, 3) + first(loader, 2)), expected(0, 40))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("steps", [1, 5, 12])
def test_a_stateful_data_loader_resumes_exactly(over, workers, steps):
    def loader():
        return StatefulDataLoader(over(length=100), batch_size=None, num_workers=workers)

    left = loader()
    taken = first(left, steps)
    state = pickle.loads(pickle.dumps(left.state_dict()))
    resumed = loader()
    resumed.load_state_dict(state)
    assert same(joined(taken + list(resumed)), expected(0, 100))


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("kind", [DataLoader, StatefulDataLoader])
def test_in_a_loader_that_is_not_ours_every_pass_is_the_one_that_was_set(over, kind, persistent):
    stream = over(length=16)  # 2 steps: one of 3 workers has none
    loader = kind(stream, batch_size=None, num_workers=3, persistent_workers=persistent)
    first(loader, 1)
    for _ in range(2):
        assert same(joined(loader), expected(0, 16))
    for epoch, taken in ((3, 1), (3, None), (0, 1), (0, None), (1, None)):
        stream.set_epoch(epoch)
        assert same(joined(first(loader, taken)), expected(16 * epoch, 16 * epoch + 8 * (taken or 2)))


def test_workers_of_a_loader_that_is_not_ours_may_be_spawned_and_stay(over):
    stream = over(length=24)
    loader = DataLoader(stream, None, num_workers=1, persistent_workers=True, multiprocessing_context="forkserver")
    for epoch in (0, 2):
        stream.set_epoch(epoch)
        assert same(joined(loader), expected(24 * epoch, 24 * epoch + 24))


@pytest.mark.parametrize(("persistent", "taken"), [(False, 2), (False, None), (True, 2), (True, 6), (True, None)])
def test_a_stateful_data_loader_reads_whole_passes_after_it_was_resumed(over, persistent, taken):
    def loader():
        return StatefulDataLoader(over(length=100), None, num_workers=2, persistent_workers=persistent)

    left = loader()
    read = first(left, taken)
    state = left.state_dict()
    resumed = loader()
    resumed.load_state_dict(state)
    if taken is not None:
        assert same(joined(read + list(resumed)), expected(0, 100))
    for _ in range(2):
        assert same(joined(resumed), expected(0, 100))


@pytest.mark.filterwarnings("ignore:the state loaded is in the middle of a pass")
def test_a_state_reaches_the_workers_of_a_plain_loader(over):
    left, resumed = over(length=40), over(length=40)
    first(left, 2)
    resumed.load_state_dict(left.state_dict())
    loader = DataLoader(resumed, batch_size=None, num_workers=2)
    assert same(joined(loader), expected(16, 40))
    resumed.set_epoch(1)
    assert same(joined(loader), expected(40, 80))


def test_batches_of_batches_are_refused_in_workers_too(over):
    with pytest.raises(augmint.InvalidRequest, match=r"write DataLoader\(stream, batch_size=None\)"):
        next(iter(DataLoader(over(length=40), batch_size=4, num_workers=1)))


@pytest.mark.parametrize(("workers", "start"), [(2, "fork"), (1, "forkserver")])
def test_workers_change_nothing_about_a_data_set(target, workers, start):
    data = SyntheticDataset(target, length=100, seed=7)
    want = default_collate([data[number] for number in range(100)])  # before it starts workers, too
    loader = DataLoader(data, batch_size=16, num_workers=workers, multiprocessing_context=start)
    assert same(joined(loader), want)
    assert same(default_collate([data[0]]), (want[0][:1], want[1][:1]))
    data.close()


@pytest.mark.parametrize(("workers", "start"), [(2, "fork"), (1, "forkserver")])
def test_workers_change_nothing_about_a_mixture(target, workers, start):
    def mixture():
        real = TensorDataset(torch.rand(30, 3, 4, 5, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 3)
        return mix(real, target, ratio=[0.5, 0.25], seed=7)

    reference, data = mixture(), mixture()
    loader = data.loader(8, workers, multiprocessing_context=start)
    for epoch in range(2):
        reference.set_epoch(epoch)
        assert same(joined(loader), default_collate(list(reference)))
    assert loader.state_dict()["epoch"] == 2
    for batches in (itertools.islice(loader, 1), loader):  # a loop that is left, and a whole one
        reference.set_epoch(reference.epoch + 1)
        read = joined(batches)
        assert same(read, [part[: len(read[1])] for part in default_collate(list(reference))])
    reference.close()
    data.close()


@pytest.mark.parametrize(("workers", "start"), [(2, "fork"), (1, "forkserver")])
def test_workers_change_nothing_about_samples_that_are_carried(target, workers, start):
    def mixture():
        real = TensorDataset(
            torch.rand(30, 3, 4, 5, generator=torch.Generator().manual_seed(0)), (torch.arange(30) % 10).clamp(max=2)
        )
        return mix(real, target, top_up="balance", by="transform", seed=7)

    one, other = mixture(), mixture()
    loader = one.loader(8, num_workers=workers, multiprocessing_context=start)
    assert same(joined(loader), joined(other.loader(8)))
    one.close()
    other.close()


@pytest.mark.parametrize("persistent", [False, True])
def test_set_epoch_of_a_mixture_reaches_workers_that_stay(target, persistent):
    real = TensorDataset(torch.rand(30, 3, 4, 5, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 3)
    data, reference = (mix(real, target, ratio=0.5, seed=7) for _ in range(2))
    loader = DataLoader(data, batch_size=8, num_workers=2, persistent_workers=persistent)
    for epoch in (0, 1, 3):
        for one in (data, reference):
            one.set_epoch(epoch)
        assert same(joined(loader), default_collate(list(reference)))
    data.close()
    reference.close()


def part_of_a_job(target, rank, ranks, workers, state, steps, folder):
    """One rank of a real process group: all ranks gather what they read, the first one saves it and its state."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/group", rank=rank, world_size=ranks)
    stream = SyntheticStream(target, batch_size=24 // ranks, length=240, seed=7)
    if state is not None:
        stream.load_state_dict(state)
    loader = stream.loader(workers, **({"multiprocessing_context": "fork"} if workers else {}))
    gathered = []
    for mine in itertools.islice(loader, steps):
        parts = [None] * ranks
        torch.distributed.all_gather_object(parts, mine)
        gathered += parts
    if rank == 0:
        torch.save((gathered, loader.state_dict()), folder / "read")
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
    stream.close()


def run_job(target, ranks, workers, state, steps, folder):
    """All ranks, each in a process; the batches in global order and the state after them."""
    folder.mkdir()
    context = multiprocessing.get_context("fork")
    arguments = (ranks, workers, state, steps, folder)
    processes = [context.Process(target=part_of_a_job, args=(target, rank, *arguments)) for rank in range(ranks)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * ranks
    return torch.load(folder / "read")


@pytest.mark.parametrize(("before", "after"), [((2, 0), (3, 1)), ((3, 1), (2, 0))])
def test_ranks_of_a_process_group_read_one_order_and_other_ranks_go_on(target, before, after, tmp_path, monkeypatch):
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    first_part, state = run_job(target, *before, None, 4, tmp_path / "before")
    assert state["position"] == 4 * 24
    second_part, _ = run_job(target, *after, state, None, tmp_path / "after")
    assert same(joined(first_part + second_part), expected(0, 240))


def loses_its_worker(target, said):
    """A loop whose worker is killed; in a process of its own: PyTorch hears of a worker's end by a signal, whose error
    comes wherever the process is then."""
    try:
        batches = iter(SyntheticStream(target, batch_size=8).loader(1, multiprocessing_context="fork"))
        next(batches)
        os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
        for _ in batches:
            pass
        said.write_text("read to the end of an endless stream")
    except (RuntimeError, OSError) as error:
        said.write_text(f"told: {error}")
    os._exit(0)


def test_a_killed_worker_is_an_error_and_no_hang(target, tmp_path):
    process = multiprocessing.get_context("fork").Process(target=loses_its_worker, args=(target, tmp_path / "said"))
    process.start()
    process.join(120)
    # Mostly "DataLoader worker ... is killed by signal"; when the loader was just reading from it, "Connection reset".
    assert process.exitcode is not None
    assert process.exitcode != 0 or (tmp_path / "said").read_text().startswith("told: ")


def test_an_error_in_a_worker_keeps_its_type_and_its_one_sentence(over):
    data = over()
    object.__setattr__(data.description, "digest", "0" * 64)  # as if the service had another file since
    with pytest.raises(augmint.DigestMismatch, match=r"^fake version 1 is the file 0+1, not 0+$"):
        first(data.loader(1, multiprocessing_context="fork"), 1)
