import dataclasses
import hashlib
import struct

import numpy as np
import pytest

from training.data import splits as splits_of
from training.data.records import Records
from training.data.splits import split
from training.kinds.image.finish import finish


def dataset(counts, test=None):
    labels = np.repeat(np.arange(len(counts)), counts)
    samples = np.random.default_rng(0).integers(0, 256, (len(labels), 8, 8, 1), dtype=np.uint8)
    names = tuple(f"class {number}" for number in range(len(counts)))
    return finish("test data", Records(samples, labels, names, test), None)


@pytest.mark.parametrize("counts", [(8, 8), (8, 500, 30), (100,) * 10])
def test_every_sample_is_in_one_split_and_every_class_in_each(counts):
    data = dataset(counts)
    splits = split(data)
    everything = np.concatenate([splits.train, splits.validation, splits.test])
    assert np.array_equal(np.sort(everything), np.arange(sum(counts)))
    for part in (splits.train, splits.validation, splits.test):
        assert part.dtype == np.int64
        assert np.all(np.diff(part) > 0)
        assert data.counts(part).min() >= 2


def test_classes_are_divided_in_the_same_proportions():
    data = dataset((1000, 200))
    splits = split(data)
    assert data.counts(splits.test).tolist() == [150, 30]
    assert data.counts(splits.validation).tolist() == [150, 30]
    assert data.counts(splits.train).tolist() == [700, 140]


def grouped(*sizes):
    """One class of groups of these sizes, in an order of their own."""
    data = dataset((sum(sizes),))
    groups = np.random.default_rng(1).permutation(np.repeat(np.arange(len(sizes)), sizes))
    return dataclasses.replace(data, groups=groups)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sizes", [(1,) * 8, (2,) * 40, (7, 9, 3) * 10, (500, *(1,) * 9), (60, 80, *(2,) * 20)])
def test_no_group_is_in_two_splits(sizes, seed):
    data = grouped(*sizes)
    parts = split(data, seed)
    found = [set(data.groups[each].tolist()) for each in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, found)) == len(set.union(*found)) == len(sizes)
    assert min(len(parts.validation), len(parts.test)) >= 2
    assert len(parts.train) > max(len(parts.validation), len(parts.test))


def test_groups_are_divided_in_nearly_the_same_proportions():
    parts = split(grouped(*((7, 9, 3) * 20)))
    assert len(parts.test) == pytest.approx(57, abs=5)
    assert len(parts.validation) == pytest.approx(57, abs=5)


def test_no_more_is_held_out_than_measuring_takes(monkeypatch):
    monkeypatch.setattr(splits_of, "MOST_HELD_OUT", 100)
    data = dataset((1000, 200))
    splits = split(data)
    assert data.counts(splits.test).tolist() == [83, 17]
    assert data.counts(splits.validation).tolist() == [83, 17]
    assert data.counts(splits.train).tolist() == [834, 166]


def test_the_official_test_split_stays_as_it_is():
    test = np.arange(0, 200, 5)
    splits = split(dataset((100, 100), test), seed=3)
    assert np.array_equal(splits.test, test)
    assert len(splits.validation) == 16
    assert len(splits.train) == 144


def test_the_seed_decides():
    data = dataset((50, 50))
    assert np.array_equal(split(data, 1).test, split(data, 1).test)
    assert not np.array_equal(split(data, 1).test, split(data, 2).test)


def test_provenance_records_counts_and_digests():
    data = dataset((20, 40))
    splits = split(data)
    recorded = splits.counts(data)
    assert [each.split for each in recorded] == ["train", "validation", "test"]
    assert list(recorded[2].counts) == [3, 6]
    packed = struct.pack(f"<{len(splits.test)}Q", *splits.test)
    assert recorded[2].digest == hashlib.sha256(packed).hexdigest()
