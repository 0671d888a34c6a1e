"""client/augmint/samples.py"""

import sys

import numpy as np
import pytest

import augmint
from tests.client.fakes import FakeService


def draw(n=10, **kind):
    with augmint.Client(transport=FakeService(**kind)) as client:
        return client.generate(classes=np.arange(n) % 4, seed=7, start_index=100)


def test_a_single_index_is_a_sample_with_its_own_address():
    samples = draw()
    sample = samples[-1]
    assert np.array_equal(sample.array, samples.array[9])
    assert (sample.label, sample.class_index) == ("bag", 1)
    assert (sample.address.start_index, sample.address.class_indices) == (109, (1,))


def test_a_slice_keeps_labels_and_address():
    part = draw()[3:6]
    assert part.labels == ["3", "ankle boot", "bag"]
    assert part.address.start_index == 103
    assert part.address.class_indices == (3, 0, 1)


@pytest.mark.parametrize("key", [slice(None, None, 3), [0, 3, 6, 9], np.arange(10) % 3 == 0])
def test_scattered_samples_have_an_address_each(key):
    part = draw()[key]
    assert [address.start_index for address in part.addresses] == [100, 103, 106, 109]
    with pytest.raises(augmint.InvalidRequest, match="4 separate runs"):
        _ = part.address


def test_reversed_samples_are_not_taken_for_a_run():
    assert [address.start_index for address in draw(3)[::-1].addresses] == [102, 101, 100]


def test_addresses_of_parts_cover_the_runs():
    part = draw()[[0, 1, 2, 5, 6, 9]]
    assert [(address.start_index, address.n) for address in part.addresses] == [(100, 3), (105, 2), (109, 1)]


def test_no_samples_have_no_address():
    assert draw()[:0].addresses == []


def test_iteration_gives_every_sample_once():
    samples = draw()
    assert [sample.address.start_index for sample in samples] == list(range(100, 110))


@pytest.mark.parametrize("key", ["bag", 1.0, [[0]], [0.5], 10])
def test_a_wrong_index_is_an_index_error(key):
    with pytest.raises(IndexError):
        draw()[key]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_images_have_the_pixels_of_the_array(channels, mode):
    samples = draw(channels=channels)
    images = samples.to_images()
    assert [image.mode for image in images] == [mode] * 10
    assert images[4].size == (5, 4)
    assert np.array_equal(np.asarray(images[4]).reshape(4, 5, channels), samples.array[4])


def test_other_kinds_are_not_images():
    with pytest.raises(augmint.InvalidRequest, match="makes array, not images"):
        draw(kind="array").to_images()


def test_missing_pillow_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(augmint.MissingExtra, match=r"needs Pillow: pip install 'augmint\[images\]'"):
        draw().to_images()


def test_repr_is_one_short_line():
    assert repr(draw()) == "<Samples uint8 [10, 4, 5, 3] of fake/1, seed 7>"
