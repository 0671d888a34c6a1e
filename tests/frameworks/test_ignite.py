"""The loaders under the real pytorch-ignite, whose epochs may be shorter or longer than a pass."""

import pytest

from augmint.torch import SyntheticStream, mix
from tests.frameworks import jobs
from tests.frameworks.samples import numbers, real

ignite = pytest.importorskip("ignite", reason="pytorch-ignite is not installed; make test-frameworks")
from ignite.engine import Engine, Events  # noqa: E402

LENGTH, BATCH = 80, 8


def _trains(target, workers, epochs, **options):
    taken = []
    loader = SyntheticStream(target, batch_size=BATCH, length=LENGTH, seed=7).loader(
        workers, **({"multiprocessing_context": "fork"} if workers else {})
    )
    engine = Engine(lambda engine, batch: taken.append((engine.state.epoch, jobs.positions(batch[0]))))
    engine.run(loader, max_epochs=epochs, **options)
    return [[batch for number, batch in taken if number == epoch] for epoch in range(1, epochs + 1)]


@pytest.mark.parametrize("workers", [0, 2])
def test_every_epoch_is_a_pass(target, tmp_path, workers):
    (epochs,) = jobs.run(_trains, target, workers, 4, folder=tmp_path)
    assert [jobs.flat(epoch) for epoch in epochs] == [jobs.epoch(number, LENGTH) for number in range(4)]


def _trains_by(target, epoch_length):
    return _trains(target, 0, 3, epoch_length=epoch_length)


@pytest.mark.parametrize("epoch_length", [4, 15])
def test_epochs_of_another_length_go_through_the_samples_in_order(target, tmp_path, epoch_length):
    (epochs,) = jobs.run(_trains_by, target, epoch_length, folder=tmp_path)
    assert [len(epoch) for epoch in epochs] == [epoch_length] * 3
    read = jobs.flat(jobs.flat(epochs))
    assert read == list(range(len(read)))  # ignite keeps its iterator from epoch to epoch


def _ends_early(target):
    taken = []
    loader = mix(real(), target, ratio=0.25, seed=7).loader(BATCH)
    engine = Engine(lambda engine, batch: taken.append((engine.state.epoch, numbers(batch[0]))))

    @engine.on(Events.ITERATION_COMPLETED(once=3))
    def leave():
        engine.terminate_epoch()

    engine.run(loader, max_epochs=3)
    return [[batch for number, batch in taken if number == epoch] for epoch in (1, 2, 3)]


def test_an_epoch_that_was_ended_is_followed_by_whole_ones(target, tmp_path):
    (epochs,) = jobs.run(_ends_early, target, folder=tmp_path)
    assert [len(epoch) for epoch in epochs] == [3, 10, 10]
    for epoch in epochs[1:]:
        assert sorted(one for one in jobs.flat(epoch) if one < 1000) == list(range(60))


def _in_parts(target, steps, states):
    taken = []
    loader = SyntheticStream(target, batch_size=BATCH, length=LENGTH, seed=7).loader()
    engine = Engine(lambda engine, batch: taken.append(jobs.positions(batch[0])))

    @engine.on(Events.ITERATION_COMPLETED)
    def stop():
        if len(taken) == steps:
            engine.terminate()

    if states:
        engine.load_state_dict(states[0])
        loader.load_state_dict(states[1])
        engine.run(loader)
    else:
        engine.run(loader, max_epochs=3)
    state = engine.state_dict()
    return taken, (state, loader.state_dict())


def test_a_run_goes_on_exactly(target, tmp_path):
    ((before, states),) = jobs.run(_in_parts, target, 14, None, folder=tmp_path)
    ((after, _),) = jobs.run(_in_parts, target, None, states, folder=tmp_path)
    assert (len(before), len(after)) == (14, 16)
    assert jobs.flat(before + after) == list(range(3 * LENGTH))
