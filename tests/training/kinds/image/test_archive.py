import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data import DataError
from training.kinds.image import load

SAMPLES = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
LABELS = np.tile(np.arange(4), 10)


def write(folder: Path, **arrays: np.ndarray) -> str:
    np.savez(folder / "data.npz", **arrays)
    return str(folder / "data.npz")


@pytest.mark.parametrize("names", [("images", "labels"), ("x", "y"), ("X", "Y"), ("data", "target")])
def test_the_usual_names_are_understood(tmp_path, names):
    data = load(write(tmp_path, **dict(zip(names, (SAMPLES, LABELS), strict=True))))
    assert np.array_equal(data.samples[..., 0], SAMPLES)
    assert np.array_equal(data.labels, LABELS)
    assert data.notes == ()


@pytest.mark.parametrize("style", ["x_{}/y_{}", "{}_images/{}_labels"])
def test_parts_are_joined_and_the_test_part_stays_apart(tmp_path, style):
    arrays = {}
    for part in ("train", "val", "test"):
        images, labels = style.format(part, part).split("/")
        # MedMNIST's labels have the shape [n, 1].
        arrays |= {images: SAMPLES, labels: LABELS[:, None]}
    data = load(write(tmp_path, **arrays))
    assert len(data.samples) == 120
    assert data.official_test.tolist() == list(range(80, 120))


def test_channels_first_become_channels_last(tmp_path):
    color = np.random.default_rng(1).integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
    data = load(write(tmp_path, images=color, labels=LABELS))
    assert np.array_equal(data.samples, color.transpose(0, 2, 3, 1))
    assert "channels came first" in data.notes[0]


@pytest.mark.parametrize(
    ("images", "wanted"),
    [
        (SAMPLES / 255.0, SAMPLES),
        ((SAMPLES / 255).astype(np.float32), SAMPLES),
        (SAMPLES.astype(np.float64), SAMPLES),
        (SAMPLES.astype(np.int64), SAMPLES),
        (SAMPLES > 128, (SAMPLES > 128) * np.uint8(255)),
        (np.asfortranarray(SAMPLES), SAMPLES),
    ],
)
def test_other_number_formats_become_levels(tmp_path, images, wanted):
    assert np.array_equal(load(write(tmp_path, images=images, labels=LABELS)).samples[..., 0], wanted)


def test_text_labels_and_class_names_name_the_classes(tmp_path):
    words = np.array(["cat", "dog", "eel", "fox"])
    assert load(write(tmp_path, images=SAMPLES, labels=words[LABELS])).class_names == tuple(words)
    data = load(write(tmp_path, images=SAMPLES, labels=LABELS[::-1], class_names=words))
    assert data.class_names == tuple(words)
    assert np.array_equal(data.labels, LABELS[::-1])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": SAMPLES}, "has the arrays pictures; wanted images and labels"),
        ({"images": SAMPLES}, "has images but no labels"),
        ({"images": SAMPLES, "labels": LABELS[:-1]}, "40 images but labels has 39 labels"),
        ({"images": SAMPLES.reshape(40, 64)[:, :63], "labels": LABELS}, r"shape \[40, 63\]"),
        ({"images": SAMPLES[..., None].repeat(5, 3), "labels": LABELS}, r"shape \[40, 8, 8, 5\]"),
        ({"images": SAMPLES[:0], "labels": LABELS[:0]}, r"shape \[0, 8, 8\]"),
        (
            {"images": SAMPLES / np.nan, "labels": LABELS},
            r"images\[0, 0, 0, 0\] is (nan|inf); every level must be a number",
        ),
        ({"images": SAMPLES / 127.5 - 3, "labels": LABELS}, "values from -3 to -1; wanted 0 to 255"),
        ({"images": SAMPLES * 2570.0, "labels": LABELS}, "wanted 0 to 255"),
        ({"images": SAMPLES.astype(complex), "labels": LABELS}, "holds complex128"),
        ({"images": SAMPLES.astype(object), "labels": LABELS}, "images holds pickled objects"),
        ({"images": SAMPLES, "labels": LABELS.astype(object)}, "labels holds pickled objects"),
        ({"images": SAMPLES, "labels": np.eye(4)[LABELS] * 3}, "one label per image"),
        ({"images": SAMPLES, "labels": LABELS / 3}, "wanted whole numbers or text"),
        ({"images": SAMPLES, "labels": LABELS, "class_names": np.array(["a", "b"])}, r"labels must be in \[0, 2\)"),
        ({"images": SAMPLES, "labels": LABELS, "class_names": LABELS}, "wanted text"),
        ({"images": SAMPLES, "labels": np.arange(40)}, "40 classes have too few samples: '0' has 1"),
        ({"images": SAMPLES, "labels": LABELS, "class_names": np.array(list("abcde"))}, "class 'e' has 0 samples"),
        ({"images": SAMPLES, "labels": LABELS, "class_names": np.array(list("abca"))}, "'a' is used for more than one"),
        ({"images": SAMPLES, "labels": LABELS, "class_names": np.array(["a", "b", "c", ""])}, "name '' is empty"),
        ({"images": SAMPLES * 0, "labels": LABELS}, "all 40 images are equal"),
        ({"x_train": SAMPLES, "y_train": LABELS, "x_test": SAMPLES[:, 1:], "y_test": LABELS}, "they must agree"),
        ({"x_train": SAMPLES, "y_train": LABELS, "x_test": SAMPLES[:3], "y_test": LABELS[:3]}, "in the test split"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
def test_bad_arrays_are_named_with_their_fault(tmp_path, arrays, message):
    with pytest.raises(DataError, match=message):
        load(write(tmp_path, **arrays))


def test_a_header_that_promises_more_than_the_archive_holds_allocates_nothing(tmp_path):
    path = tmp_path / "data.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2**40, 8, 8)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", header.getvalue())
        archive.writestr("labels.npy", header.getvalue())
    with pytest.raises(DataError, match="declares 70368744177664 bytes, the archive holds 128"):
        load(str(path))


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "data.npz").write_bytes(b"not a zip file")
    with pytest.raises(DataError, match=r"not an \.npz archive"):
        load(str(tmp_path / "data.npz"))


@settings(max_examples=200)
@given(
    st.booleans(), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6), st.floats(0, 1)
)
def test_damaged_files_raise_only_data_errors(tmp_path, compress, changes, kept):
    path = tmp_path / "data.npz"
    (np.savez_compressed if compress else np.savez)(path, images=SAMPLES[:32], labels=LABELS[:32])
    content = bytearray(path.read_bytes())
    for place, value in changes:
        # Headers and the directory at the end are where damage does the most.
        near = {0: int(place * 160), 1: len(content) - 1 - int(place * 200)}
        content[near.get(value % 3, int(place * (len(content) - 1)))] = value
    path.write_bytes(content[: int(len(content) * kept)] if kept < 0.3 else content)
    # Some damage leaves a file readable; all other is refused by name.
    message = ""
    try:
        load(str(path))
    except DataError as error:
        message = str(error)
    assert not message or str(path) in message
