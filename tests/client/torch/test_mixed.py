"""client/augmint/torch/mixed.py; in workers: workers.py"""

import itertools
import pickle
import re
import threading
import warnings

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import augmint
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import LABELS
from tests.client.torch.reals import TARGETS, Real, content


def test_scarce_classes_are_topped_up_and_every_real_sample_is_there_once(mixed):
    data = mixed(flag=True)
    items = list(data)
    assert np.bincount([label for _, label, _ in items]).tolist() == [40, 40, 40, 40]
    real = [round(float(sample[0, 0, 0]) * 100) for sample, _, synthetic in items if not synthetic]
    assert sorted(real) == list(range(54))
    assert [synthetic for _, _, synthetic in items] == data.synthetic.tolist()


def test_synthetic_samples_are_those_of_their_class_and_have_the_form_of_the_real_ones(mixed, fake):
    data = mixed(top_up={"coat": 10, "bag": 13}, flag=True)
    indices, classes = np.arange(9), np.array([1] * 3 + [2] * 6)  # class after class, in the seed's stream
    want = fake.expected(7, indices, classes).transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    got = {sample.numpy().tobytes(): label for sample, label, synthetic in data if synthetic}
    assert got == {sample.tobytes(): label for sample, label in zip(want, classes.tolist(), strict=True)}


def test_every_epoch_has_new_synthetic_samples_in_a_new_order(mixed):
    data = mixed()
    first = content(data)
    data.set_epoch(1)
    second = content(data)
    assert len(set(first) & set(second)) == 54  # the real ones
    data.set_epoch(0)
    assert content(data) == first
    assert content(mixed()) == first
    assert content(mixed(seed=8)) != first


def test_a_batch_is_one_call(mixed, fake):
    batch = next(iter(DataLoader(mixed(top_up=100), batch_size=64)))
    assert tuple(batch[0].shape) == (64, 3, 4, 5)
    assert len(fake.requests) == 1


def test_transforms_see_real_and_synthetic_samples_alike(mixed):
    seen = []

    def transform(sample):
        seen.append((type(sample), sample.dtype, tuple(sample.shape)))
        return sample.sum()

    data = mixed(transform=transform, target_transform=lambda label: -label)
    items = list(data)
    assert set(seen) == {(torch.Tensor, torch.float32, (3, 4, 5))}
    assert len(seen) == len(data)
    assert {label for _, label in items} == {0, -1, -2, -3}


def test_of_a_class_that_the_generator_lacks_real_samples_come_more_often(mixed):
    with pytest.warns(UserWarning, match=r"no synthetic samples of hat \(the generator does not have it\): .* hat 10"):
        data = mixed(names=["bag", "coat", "hat"])
    portions = [(portion.real, portion.repeated, portion.synthetic) for portion in data.portions]
    assert portions == [(40, 0, 0), (10, 0, 30), (4, 36, 0)]
    assert np.bincount([label for _, label in data]).tolist() == [40, 40, 40]


def test_of_withheld_classes_real_samples_come_more_often_with_a_warning_unless_told_otherwise(mixed, fake):
    fake.quality = pb.QualityCard(classes=[pb.ClassQuality(label="coat", verdict=pb.VERDICT_WITHHELD)])
    with pytest.warns(UserWarning, match=r"no synthetic samples of coat \(withheld by its quality card\): .* coat 10$"):
        data = mixed(flag=True)
    assert [portion.synthetic for portion in data.portions] == [0, 30, 0, 40]
    assert [portion.repeated for portion in data.portions] == [0, 0, 36, 0]
    items = list(data)
    assert np.bincount([label for _, label, _ in items]).tolist() == [40] * 4
    real = [round(float(sample[0, 0, 0]) * 100) for sample, _, synthetic in items if not synthetic]
    assert np.bincount(real).tolist() == [1] * 50 + [10] * 4
    assert [synthetic for *_, synthetic in items] == data.synthetic.tolist()
    assert "withheld by its quality card" in str(data)
    assert re.search(r"coat +4 +36 +0 ", str(data))
    assert repr(data) == "MixedDataset(54 real + 36 repeated + 70 of fake/1, epoch 0)"
    assert [portion.synthetic for portion in mixed(card=False).portions] == [0, 30, 36, 40]
    fake.quality = pb.QualityCard(verdict=pb.VERDICT_WITHHELD)
    with pytest.raises(augmint.InvalidRequest, match=r"no class may be drawn: .* mix\(card=False\)"):
        mixed()


def test_a_class_of_which_the_generator_learned_from_hardly_more_is_evened_out_with_real_samples(fake, mixed):
    """What a generator of the same samples makes teaches its mistakes: by default a mix is then the balanced draw."""
    fake.learned = [80, 19, 8, 0]  # of 40, 10, 4 and no real ones: too few of the second
    with pytest.warns(
        UserWarning, match=r"no synthetic samples of bag \(the generator learned from hardly more real ones"
    ):
        portions = mixed().portions
    assert [(one.real, one.repeated, one.synthetic) for one in portions] == [
        *((40, 0, 0), (10, 30, 0), (4, 0, 36), (0, 0, 40)),
    ]
    # Of all of its classes: balanced with real samples alone, and no refusal.
    fake.learned = [40, 10, 4, 0]
    with pytest.warns(UserWarning, match="no synthetic samples of bag, coat"):
        assert [one.total for one in mixed().portions] == [40] * 4
    # What a study has measured is believed, and so is whoever asks for it.
    assert all(one.repeated == 0 for one in mixed(card=False).portions)
    helped = pb.Recommendation(synthetic_per_real=1, truncation=1)
    fake.quality = pb.QualityCard(classes=[pb.ClassQuality(label=name, recommendation=helped) for name in fake.labels])
    assert all(one.repeated == 0 for one in mixed().portions)


def test_classes_are_drawn_as_the_card_recommends(mixed, fake):
    fake.quality = pb.QualityCard(
        recommendation=pb.Recommendation(truncation=0.5, synthetic_per_real=1),
        classes=[pb.ClassQuality(label="bag", recommendation=pb.Recommendation(keep=1, of=2, synthetic_per_real=2))],
    )
    data = mixed(per_real=None, top_up=None)
    assert [portion.synthetic for portion in data.portions] == [40, 20, 4, 0]
    list(DataLoader(data, batch_size=200))
    drawn = {
        (request.label, index, round(request.truncation, 3), request.keep, request.of)
        for request in fake.requests
        for index in (request.class_indices or [LABELS.index(request.label)])
    }
    assert {(index, *rest) for _, index, *rest in drawn} == {(0, 0.5, 0, 0), (1, 1.0, 1, 2), (2, 0.5, 0, 0)}


def test_the_loader_goes_through_the_epochs_in_the_order_of_the_data_set(mixed):
    reference, loader = mixed(), mixed().loader(batch_size=16)
    for epoch in range(3):
        reference.set_epoch(epoch)
        batches = list(loader)
        assert [len(labels) for _, labels in batches] == [16] * 10
        read = [item for samples, labels in batches for item in zip(samples, labels, strict=True)]
        assert content(read) == content(reference)
    assert loader.stats().samples == 480


def test_synthetic_samples_are_fetched_ahead_and_no_thread_stays(mixed, fake):
    before = set(threading.enumerate())
    loader = mixed(top_up=200).loader(batch_size=16)
    batches = iter(loader)
    next(batches)
    started = set(threading.enumerate()) - before
    assert started
    batches.close()
    for thread in started:
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.parametrize("steps", [1, 4, 9])
def test_a_resumed_mixture_goes_on_exactly_with_other_ranks(mixed, steps):
    reference = mixed(ratio=[0.5, 0.25])
    want = []
    for epoch in range(2):
        reference.set_epoch(epoch)
        want += content(reference)
    left = mixed(ratio=[0.5, 0.25]).loader(batch_size=12)
    got, batches = [], iter(left)
    for _ in range(steps):
        got += content(zip(*next(batches), strict=True))
    state = pickle.loads(pickle.dumps(left.state_dict()))
    batches.close()
    ranks = []
    for rank in range(2):
        loader = mixed(ratio=[0.5, 0.25]).loader(batch_size=6, rank=rank, world_size=2)
        loader.load_state_dict(state)
        epochs = 1 if steps == 9 else 2  # a state behind the last batch is the beginning of the next epoch
        ranks.append([batch for _ in range(epochs) for batch in loader])
    for step in zip(*ranks, strict=True):
        for batch in step:
            got += content(zip(*batch, strict=True))
    assert got == want


@pytest.mark.parametrize("taken", [1, 5, 10])
def test_every_loop_is_a_whole_epoch_whatever_became_of_the_last_one(mixed, taken):
    reference, loader = mixed(), mixed().loader(batch_size=16)
    for epoch in range(4):
        reference.set_epoch(epoch)
        read = list(zip(*itertools.islice(loader, taken), strict=True))
        assert (
            content([item for batch in zip(*read, strict=True) for item in zip(*batch, strict=True)])
            == (content(reference)[: 16 * taken])
        )
        assert len(loader) == 10


def test_loops_at_once_read_epochs_of_their_own(mixed):
    data, reference = mixed(ratio=[0.5, 0.25]), mixed(ratio=[0.5, 0.25])
    first, second = content(reference), (reference.set_epoch(1), content(reference))[1]
    loader = data.loader(batch_size=12)
    outer, inner = iter(loader), iter(loader)
    read = content(zip(*next(outer), strict=True))
    also = [item for batch in inner for item in content(zip(*batch, strict=True))]
    read += [item for batch in outer for item in content(zip(*batch, strict=True))]
    assert (read, also) == (first, second)
    assert loader.state_dict()["epoch"] == 2  # that of the loop that began last
    assert len(content(data)) == len(data)  # and the data set may be read besides


def test_an_epoch_set_after_a_state_was_loaded_is_gone_on_with(mixed):
    left = mixed().loader(batch_size=16)
    next(iter(left))
    list(left)
    batches = iter(left)
    taken = content(zip(*next(batches), strict=True)) + content(zip(*next(batches), strict=True))
    state = left.state_dict()
    want = taken + [item for batch in batches for item in content(zip(*batch, strict=True))]
    resumed = mixed().loader(batch_size=16)
    resumed.load_state_dict(state)
    assert len(resumed) == 10  # of a whole epoch, as trainers need it, not of what is left
    resumed.set_epoch(state["epoch"])
    assert taken + [item for batch in resumed for item in content(zip(*batch, strict=True))] == want
    resumed.load_state_dict(state)
    with pytest.warns(UserWarning, match=r"set_epoch\(0\) goes back to epoch 0, though a state in epoch 2 was loaded"):
        resumed.set_epoch(0)


def test_amounts_for_the_epochs_that_there_are_suffice(mixed):
    loader = mixed(top_up={0: 40, 1: 60}.__getitem__).loader(batch_size=16)
    assert [sum(len(labels) for _, labels in loader) for _ in range(2)] == [160, 240]
    with pytest.raises(KeyError):
        iter(loader)


def test_a_state_of_another_mixture_is_refused_and_changes_nothing(mixed):
    data = mixed()
    before = content(data)
    for other, named in ((mixed(seed=8), "with seed 8"), (mixed(top_up=20), "with portions")):
        other.set_epoch(3)
        with pytest.raises(augmint.InvalidRequest, match=named):
            data.load_state_dict(other.state_dict())
    with pytest.raises(augmint.InvalidRequest, match="lacks epoch"):
        data.load_state_dict({"position": 3})
    assert content(data) == before


def test_a_seed_that_was_not_given_comes_with_the_state(mixed):
    data, other = mixed(seed=None), mixed(seed=None)
    assert data.seed != other.seed
    other.load_state_dict(data.state_dict())
    assert content(other) == content(data)


def test_several_ranks_need_one_seed(mixed):
    with pytest.raises(augmint.InvalidRequest, match="give all of them the same seed"):
        list(mixed(seed=None).loader(8, rank=0, world_size=2))


def test_reading_beyond_the_end_is_an_index_error(mixed):
    data = mixed()
    for index in (160, -161):
        with pytest.raises(IndexError, match="of a data set of 160 samples"):
            data[index]
    assert content([data[-1]]) == content([data[159]])


def test_a_warning_comes_once_and_only_when_something_is_missing(mixed, fake):
    fake.quality = pb.QualityCard(classes=[pb.ClassQuality(label="coat", verdict=pb.VERDICT_WITHHELD)])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        data = mixed(Real(classes=LABELS), top_up=[0, 10, 10])
        assert not told
        data.set_epoch(1)
        data.set_epoch(2)
    assert {one.filename for one in told} == {__file__}  # the line that asked for it
    assert [str(one.message).partition(":")[0] for one in told] == [
        "no synthetic samples of coat (withheld by its quality card)"
    ]


def test_repeated_samples_are_read_and_resumed_like_all_others(mixed, fake):
    fake.quality = pb.QualityCard(classes=[pb.ClassQuality(label="bag", verdict=pb.VERDICT_WITHHELD)])
    reference, loader = mixed(), mixed().loader(batch_size=16)
    batches = iter(loader)
    read = [item for _ in range(4) for item in zip(*next(batches), strict=True)]
    resumed = mixed().loader(batch_size=16)
    resumed.load_state_dict(pickle.loads(pickle.dumps(loader.state_dict())))
    read += [item for batch in resumed for item in zip(*batch, strict=True)]
    assert content(read) == content(reference)
    batches.close()


def test_targets_are_those_of_the_epoch_and_cost_no_sample(mixed, fake):
    real = Real(targets=TARGETS, classes=LABELS)
    data = mixed(real)
    real.loaded, fake.requests[:] = 0, []
    first = data.targets
    assert (real.loaded, fake.requests) == (0, [])
    assert first.tolist() == [label for _, label in data]
    data.set_epoch(1)
    assert data.targets.tolist() == [label for _, label in data] != first.tolist()
    assert (data.get_labels() == data.targets).all()
    assert data.class_to_idx == {"ankle boot": 0, "bag": 1, "coat": 2, "3": 3}
    assert [label for _, label in data[10:14]] == data.targets[10:14].tolist()
