"""client/augmint/arrays.py, and the plug-ins that are made of it."""

import itertools
import json
import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import augmint
from augmint.arrays import ArrayStream
from augmint.dali import ExternalSource
from augmint.torch import SyntheticStream
from tests.client.fakes import LABELS, served


def whole(batches):
    arrays, classes = zip(*batches, strict=True)
    return np.concatenate(arrays), np.concatenate(classes)


def expected(fake, first, last):
    return fake.expected(7, np.arange(first, last), np.arange(first, last) % 4), np.arange(first, last) % 4


def same(one, other):
    return all(np.array_equal(first, second) for first, second in zip(one, other, strict=True))


def test_a_loop_ends_at_its_length_and_the_next_goes_on_behind(client, fake):
    stream = ArrayStream(client, batch_size=8, length=20, seed=7)
    assert [len(array) for array, _ in stream] == [8, 8, 4]
    assert same(whole(stream), expected(fake, 20, 40))
    assert (len(stream), stream.position, stream.stats.samples) == (3, 40, 40)
    assert stream.classes == LABELS


def test_ranks_side_by_side_are_the_sequence(client, fake):
    ranks = [ArrayStream(client, batch_size=4, length=24, seed=7, rank=rank, world_size=3) for rank in range(3)]
    steps = zip(*ranks, strict=True)
    assert same(whole([batch for step in steps for batch in step]), expected(fake, 0, 24))


def test_a_state_is_json_and_any_number_of_ranks_goes_on_from_it(client, fake):
    stream = ArrayStream(client, batch_size=4, length=32, seed=7)
    for number, _ in enumerate(stream):
        if number == 2:
            break
    state = json.loads(json.dumps(stream.state_dict()))
    ranks = [ArrayStream(client, batch_size=2, length=32, seed=7, rank=rank, world_size=2) for rank in range(2)]
    for rank in ranks:
        rank.load_state_dict(state)
    assert same(whole([batch for step in zip(*ranks, strict=True) for batch in step]), expected(fake, 12, 32))


def test_a_loop_that_was_left_is_followed_by_the_next_pass(client, fake):
    stream = ArrayStream(client, batch_size=8, length=40, seed=7)
    lengths = [len(list(itertools.islice(stream, len(stream)))) for _ in range(4)]
    assert lengths == [5] * 4  # a loop that takes exactly len batches never hears of the end
    assert stream.position == 160
    next(iter(stream))
    state = stream.state_dict()
    assert same(whole(stream), expected(fake, 200, 240))
    stream.load_state_dict(state)
    assert same(whole(stream), expected(fake, 168, 200))


def test_loops_at_once_read_passes_of_their_own(client, fake):
    stream = ArrayStream(client, batch_size=8, length=16, seed=7)
    outer = []
    for batch in stream:
        outer.append(batch)
        first = 16 * len(outer)
        assert same(whole(stream), expected(fake, first, first + 16))
    assert same(whole(outer), expected(fake, 0, 16))
    stream.set_epoch(1)
    assert same(whole(stream), expected(fake, 16, 32))


def test_a_seed_that_was_not_given_comes_with_the_state(client):
    left, resumed = ArrayStream(client, batch_size=8), ArrayStream(client, batch_size=8)
    assert left.seed != resumed.seed
    next(iter(left))
    resumed.load_state_dict(json.loads(json.dumps(left.state_dict())))
    assert same(next(iter(resumed)), next(iter(left)))
    assert resumed.seed == left.seed


def test_several_ranks_that_were_not_told_or_have_no_common_seed_are_refused(client, monkeypatch):
    with pytest.raises(augmint.InvalidRequest, match="give all of them the same seed"):
        next(iter(ArrayStream(client, batch_size=8, rank=0, world_size=2)))
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(augmint.InvalidRequest, match="WORLD_SIZE is 2, but this stream was told of no rank"):
        next(iter(ArrayStream(client, batch_size=8, seed=7)))
    with pytest.raises(augmint.InvalidRequest, match="WORLD_SIZE is 2, but this stream was told of no rank"):
        ExternalSource(client, batch_size=8, length=64, seed=7)(0)
    assert len(list(ArrayStream(client, batch_size=8, length=64, seed=7, rank=1, world_size=2))) == 4


def test_a_torch_stream_and_an_array_stream_continue_each_other(client, fake):
    stream = SyntheticStream(client, batch_size=8, length=32, seed=7)
    next(iter(stream))
    arrays = ArrayStream(client, batch_size=4, length=32, seed=7)
    arrays.load_state_dict(stream.state_dict())
    assert same(whole(arrays), expected(fake, 8, 32))


@pytest.mark.parametrize(
    "change", [{"seed": 8}, {"length": 64}, {"labels": ["bag"]}, {"truncation": 0.5}, {"keep": 1, "of": 2}]
)
def test_a_state_of_other_samples_is_refused(client, change):
    state = ArrayStream(client, batch_size=4, **{"seed": 7, **change}).state_dict()
    with pytest.raises(augmint.InvalidRequest, match=f"of a stream with {next(iter(change))} "):
        ArrayStream(client, batch_size=4, seed=7).load_state_dict(state)


def test_what_is_no_state_is_refused(client):
    with pytest.raises(augmint.InvalidRequest, match="no state"):
        ArrayStream(client, batch_size=4).load_state_dict({"epoch": 3})


def test_again_leaves_the_stream_where_it_is(client, fake):
    stream = ArrayStream(client, batch_size=8, length=16, seed=7)
    assert same(whole(stream.again()), whole(stream.again()))
    assert stream.position == 0


def test_without_a_length_there_is_no_end_and_no_len(client):
    stream = ArrayStream(client, batch_size=8, seed=7)
    assert len([batch for batch, _ in zip(stream, range(5), strict=False)]) == 5
    with pytest.raises(TypeError, match="no end"):
        len(stream)


def test_a_copy_connects_by_itself(fake):
    with served(fake) as target, ArrayStream(target, batch_size=8, length=16, seed=7) as stream:
        copy = pickle.loads(pickle.dumps(stream))
        assert same(whole(copy), whole(stream))
        copy.close()


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"length": 0}, {"rank": 2, "world_size": 2}, {"prefetch_bytes": 0}, {"world_size": 0}]
)
def test_a_wrong_setting_is_refused_and_named(client, wrong):
    with pytest.raises(augmint.InvalidRequest, match=next(iter(wrong))):
        ArrayStream(client, **{"batch_size": 8, **wrong})


# -- DALI: what its external source calls; DALI itself is not needed for that ----------------------------------


def test_dali_gets_whole_batches_until_the_epoch_ends(client, fake):
    source = ExternalSource(client, batch_size=8, length=20, seed=7)
    arrays, classes = source(SimpleNamespace(iteration=1, epoch_idx=0))
    assert same((np.stack(arrays), np.concatenate(classes)), expected(fake, 8, 16))
    assert classes[0].shape == (1,)
    with pytest.raises(StopIteration):
        source(SimpleNamespace(iteration=2, epoch_idx=0))
    arrays, _ = source(SimpleNamespace(iteration=0, epoch_idx=1))
    assert np.array_equal(np.stack(arrays), expected(fake, 16, 24)[0])
    assert len(source) == 2


def test_dali_workers_may_make_any_batch(fake):
    with served(fake) as target:
        source = ExternalSource(target, batch_size=4, length=32, seed=7, rank=1, world_size=2)
        copy = pickle.loads(pickle.dumps(source))
        assert np.array_equal(np.stack(copy(3)[0]), expected(fake, 28, 32)[0])
        source.close()
        copy.close()


def test_dali_needs_a_whole_batch_per_rank(client):
    with pytest.raises(augmint.InvalidRequest, match="an epoch needs a batch of 8 per rank: 3"):
        ExternalSource(client, batch_size=8, length=20, rank=0, world_size=3)


def test_dali_itself_reads_an_epoch(fake):
    dali = pytest.importorskip("nvidia.dali")
    with served(fake) as target:
        source = ExternalSource(target, batch_size=8, length=20, seed=7)

        @dali.pipeline_def(batch_size=8, num_threads=1, device_id=None)
        def pipeline():
            kinds = [dali.types.UINT8, dali.types.INT64]
            return tuple(dali.fn.external_source(source, num_outputs=2, batch=True, batch_info=True, dtype=kinds))

        made = pipeline()
        made.build()
        arrays, classes = made.run()
        assert same((arrays.as_array(), classes.as_array().ravel()), expected(fake, 0, 8))
        source.close()


# -- JAX and TensorFlow, where they are installed -------------------------------------------------------------


def test_jax_takes_the_arrays(client, fake):
    jax = pytest.importorskip("jax")
    for images, labels in ArrayStream(client, batch_size=8, length=8, seed=7):
        assert np.array_equal(jax.numpy.asarray(images), expected(fake, 0, 8)[0])
        assert int(jax.numpy.sum(jax.numpy.asarray(labels))) == 12


def test_tensorflow_reads_the_same_samples_in_every_epoch(fake):
    tf = pytest.importorskip("tensorflow")
    from augmint.tensorflow import dataset

    with served(fake) as target, ArrayStream(target, batch_size=8, length=20, seed=7) as stream:
        data = dataset(stream)
        assert data.element_spec[0].dtype == tf.uint8
        assert int(data.cardinality()) == 3
        for _ in range(2):
            assert same(whole([(x.numpy(), y.numpy()) for x, y in data]), expected(fake, 0, 20))


def test_the_plug_in_for_tensorflow_names_its_extra_when_it_is_missing():
    code = "import sys; sys.modules['tensorflow'] = None; from augmint.tensorflow import dataset; dataset(None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "MissingExtra: this needs TensorFlow: pip install 'augmint[tensorflow]'" in done.stderr
