"""client/augmint/huggingface.py, with the real library."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import augmint
from augmint.huggingface import SHARD, dataset, iterable_dataset
from tests.client.fakes import LABELS, FakeService

datasets = pytest.importorskip("datasets")


@pytest.fixture
def fake():
    return FakeService(max_samples=2048, preferred=512)


def expected(fake, n):
    return fake.expected(7, np.arange(n), np.arange(n) % 4)


def test_examples_are_images_with_class_labels(target, fake):
    data = iterable_dataset(target, length=20, seed=7)
    assert data.features["label"].names == list(LABELS)
    examples = list(data)
    assert np.array_equal(np.stack([np.asarray(one["image"]) for one in examples]), expected(fake, 20))
    assert [one["label"] for one in examples] == [index % 4 for index in range(20)]


def test_it_is_made_of_shards_that_nodes_divide(target, fake):
    from datasets.distributed import split_dataset_by_node

    n = 2 * SHARD
    data = iterable_dataset(target, length=n, seed=7)
    assert data.num_shards == 2
    parts = [split_dataset_by_node(data, rank=rank, world_size=2) for rank in range(2)]
    images = [np.stack([np.asarray(one["image"]) for one in part]) for part in parts]
    assert np.array_equal(np.concatenate(images), expected(fake, n))


def test_it_goes_on_from_a_state(target, fake):
    data = iterable_dataset(target, length=50, seed=7)
    for number, _ in enumerate(data):
        if number == 19:
            state = data.state_dict()
            break
    again = iterable_dataset(target, length=50, seed=7)
    again.load_state_dict(state)
    images = np.stack([np.asarray(one["image"]) for one in again])
    assert np.array_equal(images, expected(fake, 50)[20:])


def test_a_torch_loader_takes_it(target, fake):
    def tensors(example):
        return {"pixels": torch.from_numpy(np.array(example["image"])), "label": example["label"]}

    data = iterable_dataset(target, length=32, seed=7).map(tensors, remove_columns=["image"])
    batches = list(torch.utils.data.DataLoader(data.with_format("torch"), batch_size=8))
    assert np.array_equal(torch.cat([one["pixels"] for one in batches]).numpy(), expected(fake, 32))


def test_a_data_set_is_written_once_and_has_random_access(target, fake, tmp_path):
    data = dataset(target, length=30, seed=7, cache_dir=str(tmp_path))
    calls = len(fake.requests)
    assert np.array_equal(np.asarray(data[17]["image"]), expected(fake, 30)[17])
    again = dataset(target, length=30, seed=7, cache_dir=str(tmp_path))
    assert len(again) == 30
    assert len(fake.requests) == calls
    other = dataset(target, length=30, seed=8, cache_dir=str(tmp_path))
    assert not np.array_equal(np.asarray(other[17]["image"]), np.asarray(data[17]["image"]))


def test_a_data_set_without_a_seed_is_refused_before_it_fills_the_cache(target, fake, tmp_path):
    with pytest.raises(augmint.InvalidRequest, match="seed is not given"):
        dataset(target, length=8, cache_dir=str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_what_is_no_image_comes_as_nested_lists_of_its_shape(target, fake):
    fake.sample.ClearField("kind")
    data = iterable_dataset(target, length=4, seed=7)
    assert np.array_equal(np.array([one["sample"] for one in data]), expected(fake, 4))


def test_the_plug_in_names_its_extra_when_the_library_is_missing():
    code = "import sys; sys.modules['datasets'] = None; import augmint.huggingface as h; h.dataset('a:1', length=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "MissingExtra: this needs Hugging Face's datasets: pip install 'augmint[huggingface]'" in done.stderr
