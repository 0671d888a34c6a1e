"""The loaders under the real accelerate: divided once, or refused with the line to write."""

import itertools

import pytest
from torch.utils.data import DataLoader, DistributedSampler, IterableDataset

import augmint
from augmint.torch import SyntheticDataset, SyntheticStream, mix
from tests.frameworks import jobs
from tests.frameworks.samples import numbers, real

accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed; make test-frameworks")
from accelerate import Accelerator, DataLoaderConfiguration, skip_first_batches  # noqa: E402

LENGTH, BATCH = 96, 8  # of a pass; on each of two ranks


def stream(target, **options):
    return SyntheticStream(target, **{"batch_size": BATCH, "length": LENGTH, "seed": 7, **options})


def accelerator(**options):
    return Accelerator(cpu=True, dataloader_config=DataLoaderConfiguration(**options))


class Wrapped(IterableDataset):
    """What a team may put around a stream."""

    def __init__(self, inner):
        self._inner = inner

    def __iter__(self):
        yield from self._inner


def read(loader, told=jobs.positions, epochs=3):
    return [[told(images) for images, _ in loader] for _ in range(epochs)]


# -- two ranks ------------------------------------------------------------------------------------------------


def _prepared(target, kind, told, **options):
    started = {"multiprocessing_context": "fork"}
    made = {
        "loader": lambda: stream(target).loader(),
        "loader with workers": lambda: stream(target).loader(1, **started),
        "stream": lambda: stream(target),
        "of one rank": lambda: DataLoader(stream(target, rank=0, world_size=1), batch_size=None),
        "data set": lambda: DataLoader(SyntheticDataset(target, length=LENGTH, seed=7), BATCH),
        "shuffled": lambda: DataLoader(SyntheticDataset(target, length=LENGTH, seed=7), BATCH, shuffle=True),
        "mixture": lambda: DataLoader(mix(real(), target, ratio=0.375, seed=7), BATCH),
        "mix": lambda: mix(real(), target, ratio=0.375, seed=7).loader(BATCH),
    }[kind]()
    loader = accelerator(**options).prepare(made)
    return read(loader, told), None if kind == "stream" else len(loader)


@pytest.mark.parametrize("kind", ["loader", "loader with workers", "stream", "of one rank"])
def test_two_ranks_share_each_pass_of_a_stream_once(target, tmp_path, kind):
    ranks = jobs.run(_prepared, target, kind, jobs.positions, ranks=2, folder=tmp_path)
    for number in range(3):
        assert jobs.together([epochs[number] for epochs, _ in ranks]) == jobs.epoch(number, LENGTH)
    assert [steps for _, steps in ranks if steps is not None] == ([] if kind == "stream" else [6, 6])


@pytest.mark.parametrize("kind", ["data set", "shuffled", "mixture", "mix"])
@pytest.mark.parametrize("options", [{}, {"dispatch_batches": True}, {"split_batches": True}])
def test_two_ranks_share_each_epoch_of_a_data_set_once(target, tmp_path, kind, options):
    told = numbers if kind.startswith("mix") else jobs.positions
    ranks = jobs.run(_with, target, kind, told, options, ranks=2, folder=tmp_path)
    for number in range(3):
        seen = jobs.flat(jobs.flat(epochs[number]) for epochs, _ in ranks)
        assert len(seen) == len(set(seen)) == LENGTH
        if kind.startswith("mix"):
            assert sorted(one for one in seen if one < 1000) == list(range(60))
        else:
            assert sorted(seen) == list(range(LENGTH))


def _with(target, kind, told, options):
    return _prepared(target, kind, told, **options)


def _dispatched(target, wrap, workers, length):
    inner = stream(target, length=length)
    started = {"num_workers": workers, "multiprocessing_context": workers and "fork"} if workers else {}
    loader = accelerator().prepare(DataLoader(Wrapped(inner) if wrap else inner, batch_size=None, **started))
    return read(loader), None if wrap else len(loader)


@pytest.mark.parametrize(("wrap", "workers"), [(False, 0), (False, 2), (True, 0)])
@pytest.mark.parametrize("length", [96, 100])
def test_what_accelerate_divides_is_divided_by_nothing_else(target, tmp_path, wrap, workers, length):
    ranks = jobs.run(_dispatched, target, wrap, workers, length, ranks=2, folder=tmp_path)
    for number in range(3):
        assert jobs.together([epochs[number] for epochs, _ in ranks]) == jobs.epoch(number, length)
    assert {steps for _, steps in ranks} == {None if wrap else -(-length // 16)}


def _sharded(target, batch_size):
    collate = None if batch_size is None else lambda batches: batches[0]
    loader = accelerator(dispatch_batches=False).prepare(DataLoader(stream(target), batch_size, collate_fn=collate))
    return read(loader)


def test_batches_that_accelerate_deals_are_those_of_one_order(target, tmp_path):
    ranks = jobs.run(_sharded, target, 1, ranks=2, folder=tmp_path)
    for number in range(3):
        assert jobs.together([epochs[number] for epochs in ranks]) == jobs.epoch(number, LENGTH)


def _refused(target, batch_size, dispatch, options):
    loader = accelerator(dispatch_batches=dispatch).prepare(DataLoader(stream(target, **options), batch_size))
    with pytest.raises(augmint.InvalidRequest) as told:
        next(iter(loader))
    return str(told.value)


@pytest.mark.parametrize(
    ("batch_size", "dispatch", "options", "named"),
    [
        (None, None, {"rank": 1, "world_size": 2}, "accelerate is about to divide among the ranks what this stream"),
        (None, False, {}, "accelerate cannot divide a DataLoader of batch_size=None with dispatch_batches=False"),
        (4, False, {}, r"would make batches of them: write DataLoader(stream, batch_size=None)"),
    ],
)
def test_what_cannot_be_right_is_refused_on_all_ranks_with_the_line_to_write(
    target, tmp_path, batch_size, dispatch, options, named
):
    for told in jobs.run(_refused, target, batch_size, dispatch, options, ranks=2, folder=tmp_path):
        assert named in told
        assert "stream.loader()" in told


def _distributed_sampler(target, kind):
    data = {
        "data set": lambda: SyntheticDataset(target, length=LENGTH, seed=7),
        "mixture": lambda: mix(real(), target, ratio=0.375, seed=7),
    }[kind]()
    sampler = DistributedSampler(data, shuffle=True)
    loader = DataLoader(data, BATCH, sampler=sampler)
    epochs = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        if kind == "mixture":
            data.set_epoch(epoch)
        epochs += read(loader, numbers if kind == "mixture" else jobs.positions, 1)
    return epochs


@pytest.mark.parametrize("kind", ["data set", "mixture"])
def test_a_distributed_sampler_shares_each_epoch_once(target, tmp_path, kind):
    ranks = jobs.run(_distributed_sampler, target, kind, ranks=2, folder=tmp_path)
    for number in range(3):
        seen = jobs.flat(jobs.flat(epochs[number]) for epochs in ranks)
        assert len(seen) == len(set(seen)) == LENGTH


def _without_a_seed(target, workers):
    data = mix(real(), target, ratio=0.375)
    options = {"num_workers": workers, "multiprocessing_context": "fork"} if workers else {}
    with pytest.raises(augmint.InvalidRequest) as told:
        next(iter(DataLoader(data, BATCH, sampler=DistributedSampler(data), **options)))
    return str(told.value)


@pytest.mark.parametrize("workers", [0, 1])
def test_ranks_whose_mixtures_differ_are_told(target, tmp_path, workers):
    # Each rank would take its part of another order: some real samples twice, others never.
    for told in jobs.run(_without_a_seed, target, workers, ranks=2, folder=tmp_path):
        assert "give all of them the same seed" in told


# -- one process ----------------------------------------------------------------------------------------------


def _alone(target, kind):
    made = stream(target).loader() if kind == "loader" else DataLoader(stream(target), batch_size=None)
    loader = accelerator().prepare(made)
    whole = read(loader)
    taken = [jobs.positions(images) for images, _ in itertools.islice(loader, 2)]
    return whole, taken, read(loader, epochs=1)


@pytest.mark.parametrize("kind", ["loader", "DataLoader"])
def test_one_process_reads_whole_passes(target, tmp_path, kind):
    ((whole, taken, after),) = jobs.run(_alone, target, kind, folder=tmp_path)
    assert [jobs.flat(epoch) for epoch in whole] == [jobs.epoch(number, LENGTH) for number in range(3)]
    assert jobs.flat(taken) == jobs.epoch(3, LENGTH)[: 2 * BATCH]
    # accelerate counts the passes of a DataLoader, and one that was left is none; our own loader goes on.
    assert jobs.flat(after[0]) == jobs.epoch(4 if kind == "loader" else 3, LENGTH)


def _skips(target):
    loader = accelerator().prepare(DataLoader(stream(target), batch_size=None))
    loader.set_epoch(2)
    return read(skip_first_batches(loader, 3), epochs=1)[0]


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_run_that_skips_batches_sees_what_the_first_would_have(target, tmp_path, ranks):
    answers = jobs.run(_skips, target, ranks=ranks, folder=tmp_path)
    assert jobs.together(answers) == jobs.epoch(2, LENGTH)[3 * BATCH * ranks :]


def _stateful(target, steps, state):
    loader = accelerator(use_stateful_dataloader=True).prepare(DataLoader(stream(target), batch_size=None))
    if state is not None:
        loader.load_state_dict(state)
    taken = [jobs.positions(images) for images, _ in itertools.islice(loader, steps)]
    return taken, loader.state_dict()


def test_a_stateful_loader_of_accelerate_goes_on_exactly(target, tmp_path):
    ((before, state),) = jobs.run(_stateful, target, 5, None, folder=tmp_path)
    ((after, _),) = jobs.run(_stateful, target, None, state, folder=tmp_path)
    assert jobs.flat(before + after) == jobs.epoch(0, LENGTH)
