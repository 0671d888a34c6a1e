"""client/augmint/torch/dataset.py"""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Subset, WeightedRandomSampler, random_split

import augmint
from augmint.torch import SyntheticDataset, unit_interval
from tests.client.fakes import FakeService


@pytest.fixture
def fake():
    return FakeService(max_samples=64, preferred=32)


def expected(fake, positions, seed=7, start=0, cycle=(0, 1, 2, 3)):
    """float32 [n, channels, height, width]: what the data set should hold, computed without it."""
    where = np.asarray(positions)
    samples = fake.expected(seed, where + start, np.array(cycle)[where % len(cycle)])
    return torch.from_numpy(samples.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255))


def test_an_item_is_a_float_image_and_a_class_index(client, fake):
    data = SyntheticDataset(client, length=100, seed=7)
    image, label = data[6]
    assert (image.dtype, tuple(image.shape), label) == (torch.float32, (3, 4, 5), 2)
    assert isinstance(label, int)
    assert torch.equal(image, expected(fake, [6])[0])


def test_a_batch_of_neighbours_is_one_call(client, fake):
    data = SyntheticDataset(client, length=100, seed=7)
    items = data.__getitems__(list(range(32, 64)))
    assert len(fake.requests) == 1
    assert torch.equal(torch.stack([image for image, _ in items]), expected(fake, range(32, 64)))
    assert [label for _, label in items] == [position % 4 for position in range(32, 64)]


def test_every_way_of_reading_gives_the_same_samples(client):
    data = SyntheticDataset(client, length=20, seed=7)
    one_by_one = [data[position] for position in range(20)]
    shuffled = np.random.default_rng(0).permutation(20).tolist()
    batch = dict(zip(shuffled, data.__getitems__(shuffled), strict=True))
    iterated = list(data)
    for position in range(20):
        for image, label in (batch[position], iterated[position], data[position - 20]):
            assert torch.equal(image, one_by_one[position][0])
            assert label == one_by_one[position][1]


def test_a_loader_delivers_batches(client, fake):
    loader = DataLoader(SyntheticDataset(client, length=50, seed=7, start_index=1000), batch_size=16)
    images, labels = zip(*loader, strict=True)
    assert [len(batch) for batch in images] == [16, 16, 16, 2]
    assert torch.equal(torch.cat(images), expected(fake, range(50), start=1000))
    assert torch.cat(labels).tolist() == [position % 4 for position in range(50)]
    assert len(fake.requests) == 4


def test_a_shuffling_loader_delivers_every_sample_once(client, fake):
    loader = DataLoader(SyntheticDataset(client, length=50, seed=7), batch_size=16, shuffle=True)
    images = torch.cat([batch for batch, _ in loader])
    want = {image.numpy().tobytes() for image in expected(fake, range(50))}
    assert {image.numpy().tobytes() for image in images} == want


@pytest.mark.parametrize("labels", [["3", "bag", "bag"], [3, 1, 1]])
def test_labels_are_dealt_in_the_shares_given(client, fake, labels):
    data = SyntheticDataset(client, length=9, seed=7, labels=labels)
    items = data.__getitems__(list(range(9)))
    assert [label for _, label in items] == [3, 1, 1] * 3
    assert torch.equal(torch.stack([image for image, _ in items]), expected(fake, range(9), cycle=(3, 1, 1)))


def test_weights_are_the_shares_of_the_labels_in_every_run(client):
    data = SyntheticDataset(client, length=10_000, labels=["3", "bag"], weights=[3, 1], transform=None)
    labels = data.samples(np.arange(10_000)).class_indices
    assert set(labels.tolist()) == {3, 1}
    for start in (0, 137, 9_000):
        assert abs((labels[start : start + 400] == 3).sum() - 300) <= 3
    assert data[5000][1] == labels[5000]


def test_selected_samples_are_read_by_their_position(client, fake):
    data = SyntheticDataset(client, length=20, seed=7, labels=["bag"], keep=2, of=4, transform=None)
    candidates = fake.candidate(7, np.arange(20), np.ones(20, int), 2, 4)
    want = fake.expected(7, candidates, np.ones(20, int)).transpose(0, 3, 1, 2)
    assert np.array_equal(np.stack([image for image, _ in data]), want)


def test_subsets_and_splits_of_a_data_set_are_still_one_call_a_batch(client, fake):
    data = SyntheticDataset(client, length=48, seed=7)
    parts = random_split(Subset(data, range(8, 48)), [24, 16], torch.Generator().manual_seed(0))
    read = [batch for part in parts for batch in DataLoader(part, batch_size=8)]
    assert len(fake.requests) == 5
    want = {image.numpy().tobytes() for image in expected(fake, range(8, 48))}
    assert {image.numpy().tobytes() for images, _ in read for image in images} == want


def test_data_sets_can_be_joined(client, fake):
    first, second = (SyntheticDataset(client, length=4, seed=7, start_index=start) for start in (0, 4))
    images = torch.cat([images for images, _ in DataLoader(ConcatDataset([first, second]), batch_size=3)])
    assert torch.equal(images, expected(fake, range(8)))


def test_labels_may_be_transformed_too(client):
    data = SyntheticDataset(client, length=8, labels=["bag"], target_transform=lambda label: f"class {label}")
    assert data[0][1] == "class 1"


def test_without_a_transform_images_are_bytes(client):
    image, _ = SyntheticDataset(client, length=10, seed=7, transform=None)[3]
    assert image.dtype == torch.uint8
    assert torch.equal(unit_interval(image), SyntheticDataset(client, length=10, seed=7)[3][0])


def test_a_transform_works_on_bytes_and_its_result_is_the_sample(client):
    seen = []

    def transform(image):
        seen.append((image.dtype, tuple(image.shape)))
        return int(image.sum())

    plain = SyntheticDataset(client, length=10, seed=7, transform=None)
    assert SyntheticDataset(client, length=10, seed=7, transform=transform)[3][0] == int(plain[3][0].sum())
    assert seen == [(torch.uint8, (3, 4, 5))]


def test_what_is_no_image_keeps_its_shape():
    with augmint.Client(transport=FakeService(kind="array")) as client:
        item, _ = SyntheticDataset(client, length=10, transform=None)[3]
    assert tuple(item.shape) == (4, 5, 3)


def test_samples_tell_their_addresses(client):
    data = SyntheticDataset(client, length=100, seed=7, start_index=40)
    samples = data.samples([2, 3, 4])
    assert samples.address.start_index == 42
    assert np.array_equal(client.replay(samples.address).array, samples.array)


def test_without_a_seed_each_data_set_has_its_own(client):
    first, second = SyntheticDataset(client, length=5), SyntheticDataset(client, length=5)
    assert first.seed != second.seed
    assert torch.equal(SyntheticDataset(client, length=5, seed=first.seed)[0][0], first[0][0])


def test_a_data_set_never_mixes_two_files(client, fake):
    data = SyntheticDataset(client, length=10, seed=7)
    fake.version = 2
    with pytest.raises(augmint.GeneratorNotFound, match="no version 1"):
        data[0]


def test_another_file_than_the_one_named_is_refused(client):
    with pytest.raises(augmint.DigestMismatch, match="fake version 1 is the file"):
        SyntheticDataset(client, length=10, digest="0" * 64)


def test_selection_needs_a_generator_with_a_score(client, fake):
    fake.scored = False
    with pytest.raises(augmint.InvalidRequest, match="does not give"):
        SyntheticDataset(client, length=10, keep=1, of=2)


def test_reading_beyond_the_end_is_an_index_error(client):
    data = SyntheticDataset(client, length=10)
    for index in (10, -11):
        with pytest.raises(IndexError, match="of a data set of 10 samples"):
            data[index]
    assert data.__getitems__([]) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "length is not given, and a generator has no end"),
        ({"length": 0}, "length is 0"),
        ({"length": 5, "weights": [1, 2]}, "one number above 0 per label: 4"),
        ({"length": 5, "weights": [1, 2, 3, 0]}, "one number above 0 per label: 4"),
        ({"length": 5, "keep": 3, "of": 2}, "keep is 3"),
        ({"length": 1.5}, "length is 1.5"),
        ({"length": 5, "start_index": 2**48 - 4}, r"length is 5; .* \[1, 4\]"),
        ({"length": 5, "start_index": 2**48}, "start_index is"),
        ({"length": 5, "labels": ["shoe"]}, "no label 'shoe'"),
        ({"length": 5, "labels": []}, "classes has the shape"),
        ({"length": 5, "seed": -1}, "seed is -1"),
        ({"length": 5, "truncation": 3}, "truncation is 3"),
    ],
)
def test_a_wrong_data_set_is_refused_when_it_is_made(client, arguments, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        SyntheticDataset(client, **arguments)


def test_a_client_handed_in_stays_open(client):
    SyntheticDataset(client, length=5).close()
    assert client.describe().name == "fake"


def test_the_length_does_not_cost_memory(client):
    data = SyntheticDataset(client, length=2**48, seed=7)
    assert len(data) == 2**48
    assert data[2**48 - 1][1] == 3
    assert len(pickle.dumps(data.description)) < 10_000


@pytest.mark.parametrize("options", [{}, {"labels": ["3", "bag"]}, {"labels": ["3", "bag"], "weights": [3, 1]}])
def test_targets_are_the_labels_and_cost_no_sample(client, fake, options):
    data = SyntheticDataset(client, length=40, seed=7, start_index=5, **options)
    targets = data.targets
    assert fake.requests == []
    assert targets.tolist() == data.get_labels().tolist() == [label for _, label in data]
    with pytest.raises(ValueError, match="read-only"):
        targets[0] = 1  # would change no label


def test_classes_are_told_as_torchvision_tells_them(client):
    data = SyntheticDataset(client, length=40)
    assert data.classes == ("ankle boot", "bag", "coat", "3")
    assert data.class_to_idx == {"ankle boot": 0, "bag": 1, "coat": 2, "3": 3}


def test_targets_of_too_many_samples_are_refused(client):
    with pytest.raises(augmint.InvalidRequest, match="targets of 281474976710656 samples at once"):
        _ = SyntheticDataset(client, length=2**48, seed=7).targets


def test_targets_do_not_travel_to_workers(client):
    data = SyntheticDataset(client, length=100_000)
    before = len(pickle.dumps(data.__getstate__()["_targets"]))
    _ = data.targets
    assert len(pickle.dumps(data.__getstate__()["_targets"])) == before


def test_a_slice_is_a_view_that_reads_nothing_yet(client, fake):
    data = SyntheticDataset(client, length=40, seed=7)
    part = data[-10:36:2]
    assert (len(part), fake.requests) == (3, [])
    assert [label for _, label in part] == [2, 0, 2]
    assert torch.equal(part[1][0], data[32][0])
    assert len(data[5:5]) == 0
    fake.requests.clear()
    next(iter(DataLoader(data[:32], batch_size=32)))
    assert len(fake.requests) == 1


@pytest.mark.parametrize("index", [np.int64(6), np.uint8(6), torch.tensor(6), -34, np.int32(-34)])
def test_whole_numbers_of_any_type_are_an_index(client, index):
    data = SyntheticDataset(client, length=40, seed=7)
    assert torch.equal(data[index][0], data[6][0])


@pytest.mark.parametrize("index", [[1, 2], np.array([1, 2]), torch.tensor([1, 2]), 1.0, True, "3", None, (1, 2)])
def test_what_is_no_index_says_how_to_read_several(client, index):
    with pytest.raises(
        TypeError, match=r"a whole number or a slice, not .*torch.utils.data.Subset\(dataset, indices\)"
    ):
        SyntheticDataset(client, length=40, seed=7)[index]


def test_samplers_and_splits_by_class_work_on_it(client):
    model_selection = pytest.importorskip("sklearn.model_selection")
    data = SyntheticDataset(client, length=80, seed=7, labels=["3", "bag", "bag", "bag"])
    train, test = model_selection.train_test_split(np.arange(len(data)), stratify=data.targets, test_size=0.25)
    labels = [label for _, label in Subset(data, test)]
    assert np.bincount(labels).tolist() == [0, 15, 0, 5]
    assert sorted([*train, *test]) == list(range(80))
    weights = 1 / np.bincount(data.targets)[data.targets]
    sampler = WeightedRandomSampler(weights.tolist(), 400, generator=torch.Generator().manual_seed(0))
    drawn = torch.cat([labels for _, labels in DataLoader(data, 64, sampler=sampler)])
    assert abs((drawn == 3).sum().item() - 200) < 50
