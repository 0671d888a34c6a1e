"""What samples look like on a page."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from augmint import kinds
from augmint.generators import Description
from augmint.samples import Samples
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService
from tests.client.kinds.test_audio import samples_of as sounds_of


def images_of(array):
    fake = FakeService(channels=array.shape[-1])
    fake.sample.shape[:] = array.shape[1:]
    description = Description.read(fake.get_generator(pb.GetGeneratorRequest(), 1))
    n = len(array)
    return Samples(array, np.zeros(n, np.int64), np.arange(n, dtype=np.uint64), description, 7, 1.0)


def pictures(samples):
    return list(kinds.of(samples.description).face.pictures(samples))


@pytest.mark.parametrize(
    ("height", "width", "shown", "crisp"),
    [(28, 28, (84, 84), True), (8, 8, (80, 80), True), (84, 21, (21, 84), True), (512, 256, (96, 192), False)],
)
def test_a_picture_is_the_image_and_small_ones_are_enlarged_by_whole_factors(height, width, shown, crisp):
    array = np.random.default_rng(0).integers(0, 256, (2, height, width, 1), np.uint8)
    for found, image in zip(pictures(images_of(array)), array, strict=True):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(found.content))), image[..., 0])
        assert (found.media_type, (found.width, found.height), found.crisp) == ("image/png", shown, crisp)


@pytest.mark.parametrize("shape", [(1, 1), (1, 95), (1, 5000), (1, 5000, 2)])
def test_a_sound_is_drawn_as_high_as_its_loudest_frame(shape):
    array = np.random.default_rng(0).integers(-900, 900, shape, np.int16)
    (found,) = pictures(sounds_of(array))
    ends = [float(end) for end in re.findall(r"[V ](-?\d+\.\d)", found.content.decode())]
    assert found.media_type == "image/svg+xml"
    assert 0 <= min(ends) <= max(ends) <= found.height + 1
    assert min(ends) < 1 or max(ends) > found.height - 1


def test_silence_is_a_line_in_the_middle():
    (found,) = pictures(sounds_of(np.zeros((1, 1000), np.int16)))
    assert set(re.findall(r"M\d+ (\S+)V", found.content.decode())) == {"28.0"}
