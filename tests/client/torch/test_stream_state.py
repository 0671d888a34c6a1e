"""client/augmint/torch/stream.py: what a state says, and who may go on with it"""

import pickle

import pytest

import augmint
from augmint.torch import SyntheticStream
from tests.client.fakes import LABELS
from tests.client.torch.batches import expected, first, joined, same


@pytest.mark.parametrize("taken", [0, 1, 4, 5])
def test_a_state_is_gone_on_with_in_the_next_loop_only(stream, fake, taken):
    left = stream(length=40)
    read = first(left, taken) if taken else []
    state = left.state_dict()
    resumed = stream(length=40)
    first(resumed, 2)
    for epoch in (None, taken // 5):
        resumed.load_state_dict(state)
        iter(resumed)  # as often as one likes
        if epoch is not None:
            resumed.set_epoch(epoch)
        if taken == 5:  # all of it: what follows is the next pass, not an empty one
            assert same(joined(resumed), expected(40, 80))
        else:
            assert same(joined(read + list(resumed)), expected(0, 40))
            assert same(joined(resumed), expected(40, 80))


def test_a_state_that_is_loaded_and_left_alone_is_the_same_state(stream):
    left, resumed = stream(length=40), stream(length=40)
    first(left, 2)
    resumed.load_state_dict(left.state_dict())
    assert resumed.state_dict() == left.state_dict()
    resumed.load_state_dict(resumed.state_dict())
    assert first(resumed, 1)[0][1].tolist() == [0, 1, 2, 3] * 2
    assert resumed.position == 24


def test_the_state_is_the_position_and_what_it_is_a_position_in(stream, client):
    data = stream()
    first(data, 3)
    state = data.state_dict()
    assert state["position"] == 24
    constant = {key: value for key, value in state.items() if key != "position"}
    first(data, 3)
    assert {**constant, "position": 48} == data.state_dict()
    assert (state["generator"], state["digest"], state["labels"]) == ("fake", client.describe().digest, list(LABELS))


def test_a_resumed_stream_goes_on_exactly_with_other_ranks_and_batches(stream, fake):
    data = stream(length=96)
    first(data, 3)
    state = pickle.loads(pickle.dumps(data.state_dict()))
    parts = []
    for rank in range(2):
        resumed = stream(length=96, batch_size=6, rank=rank, world_size=2)
        resumed.load_state_dict(state)
        parts.append(list(resumed))
    steps = [batch for step in zip(*parts, strict=True) for batch in step]
    assert same(joined(steps), expected(24, 96))


def test_a_seed_that_was_not_given_comes_with_the_state(stream, client):
    data = SyntheticStream(client, batch_size=8)
    first(data, 1)
    resumed = SyntheticStream(client, batch_size=8)
    assert resumed.seed != data.seed
    resumed.load_state_dict(data.state_dict())
    assert same(joined(first(resumed, 2)), joined(first(data, 2)))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"seed": 8}, "with seed 7; this one has 8"),
        ({"labels": ["bag"]}, "with labels"),
        ({"weights": [1, 1, 1, 2]}, "with weights None"),
        ({"truncation": 0.5}, "with truncation 1.0; this one has 0.5"),
        ({"start_index": 8}, "with start_index 0"),
        ({"length": 100}, "with length None"),
    ],
)
def test_a_state_of_another_stream_is_refused(stream, options, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        stream(**options).load_state_dict(stream().state_dict())


def test_what_is_no_state_is_refused(stream):
    with pytest.raises(augmint.InvalidRequest, match="lacks position, generator"):
        stream().load_state_dict({"epoch": 3})


def test_a_job_stays_with_its_file_or_is_told(stream, fake):
    data = stream()
    first(data, 1)
    state = data.state_dict()
    fake.version = 2
    with pytest.raises(augmint.GeneratorNotFound, match="no version 1"):
        first(data, 200)
    resumed = stream()  # after a restart of the job: of version 2
    with pytest.raises(augmint.GeneratorNotFound, match="no version 1"):
        resumed.load_state_dict(state)


def test_a_generator_that_changed_under_its_version_is_refused(stream):
    state = {**stream().state_dict(), "digest": "0" * 64}
    with pytest.raises(augmint.DigestMismatch):
        stream().load_state_dict(state)
