import numpy as np
import pytest

from augmint.v1 import generator_pb2 as pb
from training.data import DataError
from training.kinds.image import load
from training.kinds.image.resize import fit


def test_digits_are_built_in():
    data = load("digits")
    assert data.samples.shape == (1797, 8, 8, 1)
    assert data.samples.dtype == np.uint8
    assert (data.samples.min(), data.samples.max()) == (0, 255)
    assert data.class_names == tuple("0123456789")
    assert data.counts().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert data.kind.spec == pb.SampleSpec(
        shape=[8, 8, 1], dtype=pb.DATA_TYPE_UINT8, image=pb.ImageSpec(color_space=pb.COLOR_SPACE_GRAY)
    )


def test_the_digest_follows_samples_and_labels(tmp_path):
    samples = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 3), dtype=np.uint8)
    labels = np.tile([0, 1], 16)

    def digest(samples, labels):
        np.savez(tmp_path / "data.npz", images=samples, labels=labels)
        return load(str(tmp_path / "data.npz")).digest

    first = digest(samples, labels)
    assert first == digest(samples, labels)
    changed = samples.copy()
    changed[3, 1, 1, 1] ^= 1
    assert len({first, digest(changed, labels), digest(samples, labels[::-1])}) == 3


def test_color_is_in_the_spec(tmp_path):
    samples = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", images=samples, labels=np.tile([0, 1], 16))
    spec = load(str(tmp_path / "data.npz")).kind.spec
    assert list(spec.shape) == [8, 8, 3]
    assert spec.image.color_space == pb.COLOR_SPACE_RGB


@pytest.mark.parametrize("size", [0, 4, 30, 260, -8])
def test_sizes_that_networks_cannot_take_are_refused(size):
    with pytest.raises(DataError, match=rf"size {size} is not a multiple of 4 in \[8, 256\]"):
        load("digits", size=size)


def test_a_size_that_was_asked_for_is_kept():
    data = load("digits", size=12)
    assert data.samples.shape == (1797, 12, 12, 1)
    assert data.notes[-1] == "images of 8x8 were padded to 12x12"
    assert np.array_equal(data.samples[:, 2:10, 2:10], load("digits").samples)


def test_a_missing_path_is_named():
    with pytest.raises(DataError, match=r"no/such/place: no such file or folder; `digits` is the built-in"):
        load("no/such/place")


def test_an_unknown_kind_of_file_lists_the_known_ones(tmp_path):
    (tmp_path / "data.xyz").write_text("a,b\n")
    with pytest.raises(DataError, match=r"data\.xyz: not a known kind of data; wanted \.npz"):
        load(str(tmp_path / "data.xyz"))


@pytest.mark.parametrize("source", ["a\0b", "x" * 5000])
def test_paths_that_no_system_takes_are_refused(source):
    with pytest.raises(DataError):
        load(source)


@pytest.mark.parametrize(("height", "width"), [(5, 9), (64, 20), (8, 8), (9, 72)])
def test_fitted_images_keep_their_aspect(height, width):
    image = np.full((height, width, 1), 9, np.uint8)
    image[1:-1, 1:-1] = 250  # most of the border is background
    fitted = fit(image, 16, enlarge=True)
    inside = fitted[..., 0] > 90
    shape = (np.ptp(np.flatnonzero(inside.any(1))) + 1, np.ptp(np.flatnonzero(inside.any(0))) + 1)
    scale = 16 / max(height, width)
    assert fitted.shape == (16, 16, 1)
    assert np.allclose(shape, ((height - 2) * scale, (width - 2) * scale), atol=1.5)
