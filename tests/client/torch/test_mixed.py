"""client/augmint/torch/mixed.py and real.py; in workers: workers.py"""

import pickle
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset, TensorDataset

import augmint
from augmint.torch import mix
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import LABELS, FakeService

# Real samples are constant images: 40 "ankle boot", 10 "bag", 4 "coat", none of "3".
TARGETS = [0] * 40 + [1] * 10 + [2] * 4


class Real(Dataset):
    """float32 [3, 4, 5] of value position / 100; counts how often samples are loaded."""

    def __init__(self, own=TARGETS, form=lambda value: torch.full((3, 4, 5), value), **attributes):
        self._targets, self._form, self.loaded = own, form, 0
        self.__dict__.update(attributes)

    def __len__(self):
        return len(self._targets)

    def __getitem__(self, index):
        self.loaded += 1
        return self._form(index / 100), self._targets[index]


@pytest.fixture
def fake():
    return FakeService(max_samples=512, preferred=256)


@pytest.fixture
def mixed(client):
    """Makes mixtures of a Real with the fake."""

    def make(real=None, **options):
        options = options if {"ratio", "top_up", "per_real"} & set(options) else {"top_up": "balance", **options}
        return mix(Real(targets=TARGETS) if real is None else real, client, **{"seed": 7, "labels": TARGETS, **options})

    return make


def content(items):
    """Every sample as bytes, with its label."""
    return [(np.asarray(sample).tobytes(), int(label)) for sample, label in items]


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


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        (lambda value: Image.new("RGB", (5, 4), (int(value * 100),) * 3), Image.Image),
        (lambda value: np.full((4, 5, 3), int(value * 100), np.uint8), np.ndarray),
        (lambda value: np.full((3, 4, 5), value, np.float64), np.ndarray),
        (lambda value: torch.full((3, 4, 5), int(value * 100), dtype=torch.uint8), torch.Tensor),
        (lambda value: torch.full((4, 5, 3), value), torch.Tensor),
    ],
)
def test_synthetic_samples_take_the_form_of_the_real_ones(mixed, fake, form, kind):
    real = Real(form=form)
    example = real[0][0]
    drawn = [sample for sample, _, synthetic in mixed(real, flag=True, top_up={"3": 8}) if synthetic]
    assert {type(sample) for sample in drawn} == {type(example)}
    assert all(isinstance(sample, kind) for sample in drawn)
    as_arrays = [np.asarray(sample) for sample in drawn]
    assert {(array.shape, array.dtype) for array in as_arrays} == {
        (np.asarray(example).shape, np.asarray(example).dtype)
    }
    want = fake.expected(7, np.arange(8), np.full(8, 3))
    if as_arrays[0].shape[0] == 3:
        want = want.transpose(0, 3, 1, 2)
    want = want / 255 if as_arrays[0].dtype.kind == "f" else want
    order = [int(np.abs(want - array).sum(axis=(1, 2, 3)).argmin()) for array in as_arrays]
    assert sorted(order) == list(range(8))
    assert np.allclose(np.stack(as_arrays), want[order], atol=1e-6)


@pytest.mark.parametrize(
    ("form", "named"),
    [
        (lambda value: torch.full((3, 4, 6), value), r"float32 \[3, 4, 6\], the generator's uint8 \[4, 5, 3\]"),
        (lambda value: torch.full((3, 4, 5), value, dtype=torch.int32), "real samples are int32"),
        (lambda value: torch.full((3, 4, 5), value * 2 - 1), r"values in \[-1, -1\].* normalised"),
        (lambda value: Image.new("L", (5, 4)), "L images of 5 x 4, the generator's RGB of 5 x 4"),
        (lambda value: "text", "real samples are str"),
    ],
)
def test_real_samples_of_another_form_are_refused(mixed, form, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        mixed(Real(form=form))


@pytest.mark.parametrize(
    "real",
    [
        Real(targets=TARGETS),
        Subset(Real([3, *TARGETS], targets=[3, *TARGETS]), range(1, 55)),
        ConcatDataset([Real(TARGETS[:9], targets=TARGETS[:9]), Real(TARGETS[9:], labels=np.array(TARGETS[9:]))]),
        TensorDataset(torch.zeros(54, 3, 4, 5), torch.tensor(TARGETS)),
        Real(),
    ],
    ids=["targets", "subset", "concat", "tensors", "one pass"],
)
def test_labels_are_found_wherever_they_are(mixed, capsys, real):
    data = mixed(real, labels=None)
    assert [portion.real for portion in data.portions] == [40, 10, 4, 0]
    told = "reads all 54 real samples once" in capsys.readouterr().err
    assert told == (isinstance(real, Real) and not hasattr(real, "targets"))


def test_cheap_labels_load_no_sample(mixed):
    real = Real(targets=TARGETS)
    mixed(real, labels=None)
    assert real.loaded <= 17  # to learn the form


def test_names_of_real_classes_decide_which_class_is_which(mixed):
    data = mixed(Real(classes=["coat", "3", "bag"]), flag=True)
    assert {portion.label: portion.real for portion in data.portions} == {"coat": 40, "3": 10, "bag": 4}
    drawn = {label for _, label, synthetic in data if synthetic}
    assert drawn == {1, 2}  # in the numbers of the real data set
    renamed = mixed(names=["3", "bag", "coat"])
    assert [portion.label for portion in renamed.portions] == ["3", "bag", "coat"]


def test_labels_may_be_names(mixed):
    names = [LABELS[number] for number in TARGETS]
    data = mixed(Real(names), labels=names)
    counts = {label: [label for _, label in data].count(label) for label in LABELS}
    assert counts == dict.fromkeys(LABELS, 40)


def test_a_class_that_the_generator_lacks_stays_as_it_is(mixed):
    with pytest.warns(UserWarning, match=r"no synthetic samples of hat \(the generator does not have it\)"):
        data = mixed(names=["bag", "coat", "hat"])
    assert [(portion.real, portion.synthetic) for portion in data.portions] == [(40, 0), (10, 30), (4, 0)]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"labels": TARGETS[:-1]}, "one whole number or one name for each of the 54"),
        ({"labels": [0.5] * 54}, "one whole number or one name"),
        ({"labels": [4] * 54}, r"labels are in \[4, 4\], but there are 4 classes"),
        ({"labels": ["hat"] * 54}, "none of the real classes hat"),
        ({"names": ["hat", "cap", "tie"]}, "none of the real classes hat, cap, tie"),
        ({"names": ["bag", "bag", "coat"]}, "must all differ"),
        ({"real": Real(classes=["hat", "cap", "tie"])}, "the real classes are hat, cap, tie"),
        ({"real": []}, "real data set is empty"),
        ({"real": [1.0] * 54}, r"gives float, where \(sample, label\) is needed"),
        ({"ratio": 2}, "ratio is 2"),
    ],
)
def test_a_wrong_mixture_is_refused_when_it_is_made(mixed, options, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        mixed(**options)


def test_withheld_classes_are_left_out_with_a_warning_unless_told_otherwise(mixed, fake):
    fake.quality = pb.QualityCard(classes=[pb.ClassQuality(label="coat", verdict=pb.VERDICT_WITHHELD)])
    with pytest.warns(UserWarning, match=r"no synthetic samples of coat \(withheld by its quality card\)"):
        data = mixed()
    assert [portion.synthetic for portion in data.portions] == [0, 30, 0, 40]
    assert "withheld by its quality card" in str(data)
    assert [portion.synthetic for portion in mixed(card=False).portions] == [0, 30, 36, 40]
    fake.quality = pb.QualityCard(verdict=pb.VERDICT_WITHHELD)
    with pytest.raises(augmint.InvalidRequest, match=r"no class may be drawn: .* mix\(card=False\)"):
        mixed()


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
        ranks.append([batch for _ in range(2) for batch in loader])
    for step in zip(*ranks, strict=True):
        for batch in step:
            got += content(zip(*batch, strict=True))
    assert got == want


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
        with pytest.raises(IndexError, match="of 160 samples"):
            data[index]
    assert content([data[-1]]) == content([data[159]])
