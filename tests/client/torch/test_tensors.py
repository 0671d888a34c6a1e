"""client/augmint/torch/tensors.py: the form of samples that a transform gets"""

import numpy as np
import pytest
import torch
from PIL import Image

import augmint
from augmint.torch import SyntheticDataset, SyntheticStream
from tests.client.fakes import FakeService


@pytest.fixture
def fake():
    return FakeService(max_samples=64, preferred=32)


class ToTensor:
    """As torchvision's: from a PIL image or an array [height, width, channels], and nothing else, to floats."""

    def __call__(self, picture):
        if not isinstance(picture, Image.Image | np.ndarray):
            raise TypeError(f"pic should be PIL Image or ndarray. Got {type(picture)}")
        array = np.array(picture)
        array = array[..., None] if array.ndim == 2 else array
        return torch.from_numpy(array.transpose(2, 0, 1)).float() / 255


class Lenient:
    """As torchvision's newer ToTensor, which lets tensors pass as they are."""

    def __call__(self, picture):
        return picture if isinstance(picture, torch.Tensor) else ToTensor()(picture)


Lenient.__name__ = "ToTensor"


class Compose:
    def __init__(self, *transforms):
        self.transforms = transforms

    def __call__(self, picture):
        for transform in self.transforms:
            picture = transform(picture)
        return picture


class Flip:
    """Takes pictures and tensors alike."""

    def __call__(self, picture):
        return picture.flip(-1) if isinstance(picture, torch.Tensor) else picture.transpose(Image.FLIP_LEFT_RIGHT)


def brighter(picture):
    return torch.from_numpy(np.asarray(picture.point(lambda level: 255 - level)).copy())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transform_that_wants_pictures_gets_them(channels):
    with augmint.Client(transport=FakeService(channels=channels)) as client:
        plain = SyntheticDataset(client, length=10, seed=7)
        data = SyntheticDataset(client, length=10, seed=7, transform=ToTensor())
        for _ in range(2):
            assert torch.equal(data[3][0], plain[3][0])
        streamed = next(iter(SyntheticStream(client, batch_size=10, seed=7, transform=ToTensor())))[0]
        assert torch.equal(streamed, torch.stack([image for image, _ in plain]))


@pytest.mark.parametrize(
    "transform", [Lenient(), Compose(Flip(), Flip(), Lenient()), Compose(Flip(), Flip(), ToTensor())]
)
def test_a_to_tensor_anywhere_in_a_transform_gets_pictures(client, transform):
    plain = SyntheticDataset(client, length=10, seed=7)
    assert torch.equal(SyntheticDataset(client, length=10, seed=7, transform=transform)[3][0], plain[3][0])


def test_a_transform_with_methods_of_pictures_gets_them(client):
    plain = SyntheticDataset(client, length=10, seed=7, transform=None)
    assert torch.equal(
        SyntheticDataset(client, length=10, seed=7, transform=brighter)[3][0], 255 - plain[3][0].permute(1, 2, 0)
    )


def test_the_form_that_a_transform_gets_can_be_said(client, fake):
    want = fake.expected(7, np.array([6]), np.array([2]))[0]
    seen = {}
    for form in ("tensor", "pil", "array"):

        def transform(sample, form=form):
            seen[form] = sample
            return 0

        SyntheticDataset(client, length=10, seed=7, transform=transform, form=form)[6]
    assert torch.equal(seen["tensor"], torch.from_numpy(want).permute(2, 0, 1))
    assert (seen["pil"].mode, seen["pil"].size) == ("RGB", (5, 4))
    assert np.array_equal(np.asarray(seen["pil"]), want)
    assert np.array_equal(seen["array"], want)
    assert SyntheticDataset(client, length=10, form="pil")[0][0].mode == "RGB"
    assert SyntheticDataset(client, length=10, form="array")[0][0].dtype == np.uint8
    assert SyntheticDataset(client, length=10, form="tensor")[0][0].dtype == torch.float32


def test_a_transforms_own_error_is_raised_as_it_is(client):
    def wrong(sample):
        raise TypeError("my own")

    with pytest.raises(TypeError, match="my own"):
        SyntheticDataset(client, length=10, transform=wrong)[3]
    with pytest.raises(TypeError, match="should be PIL"):
        SyntheticDataset(client, length=10, transform=ToTensor(), form="tensor")[3]


def test_a_wrong_form_is_refused():
    with augmint.Client(transport=FakeService(kind="array")) as client:
        with pytest.raises(augmint.InvalidRequest, match=r'form is "pil", but generator .* makes array'):
            SyntheticDataset(client, length=10, form="pil")
        with pytest.raises(augmint.InvalidRequest, match="form is 'PIL'; it must be"):
            SyntheticDataset(client, length=10, form="PIL")
