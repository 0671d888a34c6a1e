import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data import DataError
from training.kinds.image import load

SAMPLES = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
LABELS = np.tile(np.arange(4, dtype=np.uint8), 10)


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(folder: Path, prefix: str, samples: np.ndarray, labels: np.ndarray, compress: bool = False) -> Path:
    ending, pack = (".gz", gzip.compress) if compress else ("", bytes)
    images = folder / f"{prefix}-images-idx3-ubyte{ending}"
    images.write_bytes(pack(idx(samples)))
    (folder / f"{prefix}-labels-idx1-ubyte{ending}").write_bytes(pack(idx(labels)))
    return images


@pytest.mark.parametrize("compress", [False, True])
def test_a_folder_gives_both_parts_and_keeps_its_test_split(tmp_path, compress):
    write(tmp_path, "train", SAMPLES, LABELS, compress)
    write(tmp_path, "t10k", SAMPLES[:8], LABELS[:8], compress)
    data = load(str(tmp_path))
    assert np.array_equal(data.samples[..., 0], np.concatenate([SAMPLES, SAMPLES[:8]]))
    assert np.array_equal(data.labels, np.concatenate([LABELS, LABELS[:8]]))
    assert data.official_test.tolist() == list(range(40, 48))
    assert data.class_names == ("0", "1", "2", "3")
    assert "8 samples are exact copies" in data.notes[0]


def test_one_images_file_finds_its_labels(tmp_path):
    data = load(str(write(tmp_path, "train", SAMPLES, LABELS)))
    assert data.samples.shape == (40, 8, 8, 1)
    assert data.official_test is None


def test_labels_may_be_compressed_when_images_are_not(tmp_path):
    images = write(tmp_path, "train", SAMPLES, LABELS)
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.with_name(labels.name + ".gz").write_bytes(gzip.compress(labels.read_bytes(), mtime=0))
    labels.unlink()
    assert np.array_equal(load(str(images)).labels, LABELS)


def test_label_values_that_leave_numbers_out_become_class_indices(tmp_path):
    data = load(str(write(tmp_path, "train", SAMPLES, LABELS * 3 + 1)))
    assert data.class_names == ("1", "4", "7", "10")
    assert np.array_equal(data.labels, LABELS)


def test_class_names_come_from_a_file_beside(tmp_path):
    images = write(tmp_path, "train", SAMPLES, LABELS)
    (tmp_path / "classes.txt").write_text("bag\nboot\ncoat\nshirt\n")
    assert load(str(images)).class_names == ("bag", "boot", "coat", "shirt")
    (tmp_path / "classes.txt").write_text("bag\nboot\n")
    with pytest.raises(DataError, match=r"classes\.txt: 2 class names, but the labels have 4 values"):
        load(str(images))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (b"", "starts with nothing"),
        (b"\x89PNG....", "starts with 89504e47"),
        (idx(SAMPLES, kind=13), "element type 0x0d"),
        (idx(LABELS), "array with 1 dimensions"),
        (idx(SAMPLES)[:10], "ends inside the IDX header"),
        (idx(SAMPLES)[:-1], "promises 2560 bytes of data, the file has fewer; it is truncated"),
        (idx(SAMPLES) + b"x", "has more data"),
        (idx(SAMPLES[:39]), "39 images, but train-labels-idx1-ubyte has 40 labels"),
        (idx(SAMPLES[:0]), r"declares the shape \[0, 8, 8\]"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "declares the shape"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 60000, 100, 1000), "it is truncated"),
        (
            gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 60000, 100, 1000), mtime=0),
            "the file has 0; it is truncated",
        ),
        (gzip.compress(idx(SAMPLES), mtime=0)[:-20], "gzip"),
        (gzip.compress(idx(SAMPLES), mtime=0)[:60] + b"\xff" * 40, "gzip"),
        (idx(SAMPLES[..., None].repeat(2, 3)), "2 channels"),
    ],
)
def test_a_bad_images_file_is_named_with_its_fault(tmp_path, images, message):
    path = write(tmp_path, "train", SAMPLES, LABELS)
    path.write_bytes(images)
    with pytest.raises(DataError, match=message) as caught:
        load(str(path))
    assert "train-images-idx3-ubyte" in str(caught.value)


def test_missing_labels_name_the_files_that_would_do(tmp_path):
    images = write(tmp_path, "train", SAMPLES, LABELS)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"wanted train-labels-idx1-ubyte or train-labels-idx1-ubyte\.gz"):
        load(str(images))


def test_several_sets_in_one_folder_are_not_guessed_between(tmp_path):
    write(tmp_path, "letters-train", SAMPLES, LABELS)
    write(tmp_path, "digits-train", SAMPLES, LABELS)
    with pytest.raises(DataError, match="several training images files"):
        load(str(tmp_path))


def test_parts_of_different_sizes_are_refused(tmp_path):
    write(tmp_path, "train", SAMPLES, LABELS)
    write(tmp_path, "t10k", SAMPLES[:, :7], LABELS)
    with pytest.raises(DataError, match="training images are 8x8x1 but test images are 7x8x1"):
        load(str(tmp_path))


@settings(max_examples=150)
@given(st.booleans(), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6), st.floats(0, 1))
def test_damaged_files_raise_only_data_errors(tmp_path, compress, changes, kept):
    path = write(tmp_path, "train", SAMPLES, LABELS, compress)
    content = bytearray(path.read_bytes())
    for place, value in changes:
        # Half of the changes hit the header, where they do the most.
        content[int(place * 16) if value % 2 else int(place * (len(content) - 1))] = value
    path.write_bytes(content[: int(len(content) * max(kept, 0.01))] if kept < 0.5 else content)
    # Some damage leaves a file readable; all other is refused by name.
    message = ""
    try:
        load(str(path))
    except DataError as error:
        message = str(error)
    assert not message or str(path) in message


def test_emnist_is_turned_upright_and_its_letters_are_named(tmp_path):
    turned = SAMPLES.transpose(0, 2, 1)
    write(tmp_path, "emnist-letters-train", turned, LABELS + 1)
    write(tmp_path, "emnist-letters-test", turned[:12], LABELS[:12] + 1)
    data = load(str(tmp_path))
    assert np.array_equal(data.samples[:40, ..., 0], SAMPLES)
    assert data.class_names == ("A", "B", "C", "D")
    assert "turned upright" in data.notes[0]
    assert data.reading.splits == "40 for training, 12 kept for testing"


@pytest.mark.parametrize(
    ("kind", "values", "names"),
    [
        ("balanced", [0, 10, 36, 46], ("0", "A", "a", "t")),
        ("bymerge", [9, 35, 37, 40], ("9", "Z", "b", "f")),
        ("byclass", [0, 10, 36, 61], ("0", "A", "a", "z")),
        ("digits", [0, 1, 2, 9], ("0", "1", "2", "9")),
        ("letters", [1, 2, 25, 26], ("A", "B", "Y", "Z")),
        ("letters", [0, 1, 2, 3], ("0", "1", "2", "3")),
        ("unheard-of", [1, 2, 3, 4], ("1", "2", "3", "4")),
    ],
)
def test_emnist_classes_have_the_names_of_their_set(tmp_path, kind, values, names):
    labels = np.array(values, np.uint8)[LABELS]
    assert load(str(write(tmp_path, f"emnist-{kind}-train", SAMPLES, labels))).class_names == names


def test_a_folder_called_emnist_with_other_names_is_worth_a_word(tmp_path):
    (tmp_path / "EMNIST").mkdir()
    data = load(str(write(tmp_path / "EMNIST", "train", SAMPLES, LABELS)))
    assert np.array_equal(data.samples[..., 0], SAMPLES)
    assert "look at the pictures" in data.notes[0]


def test_other_spellings_of_the_names_are_found(tmp_path):
    (tmp_path / "train-images.idx3-ubyte").write_bytes(idx(SAMPLES))
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(idx(LABELS))
    assert np.array_equal(load(str(tmp_path)).labels, LABELS)


def test_labels_of_qmnist_are_the_first_of_their_columns(tmp_path):
    columns = np.zeros((40, 8), ">i4")
    columns[:, 0] = LABELS
    columns[:, 1] = np.arange(40) + 70000
    (tmp_path / "qmnist-train-images-idx3-ubyte").write_bytes(idx(SAMPLES))
    (tmp_path / "qmnist-train-labels-idx2-int.gz").write_bytes(gzip.compress(idx(columns, kind=0x0C), mtime=0))
    data = load(str(tmp_path))
    assert np.array_equal(data.labels, LABELS)
    assert data.class_names == ("0", "1", "2", "3")


def test_a_test_file_beside_a_single_one_is_worth_a_word(tmp_path):
    write(tmp_path, "emnist-mnist-test", SAMPLES, LABELS)
    data = load(str(write(tmp_path, "emnist-mnist-train", SAMPLES, LABELS)))
    assert "emnist-mnist-test-images-idx3-ubyte beside it was left out" in data.notes[0]
    (tmp_path / "emnist-mnist-train-images-idx3-ubyte").unlink()
    with pytest.raises(DataError, match="has only the test files"):
        load(str(tmp_path))


def test_levels_that_fill_little_of_the_range_are_asked_about(tmp_path):
    images = write(tmp_path, "train", SAMPLES // 16, LABELS)
    with pytest.raises(DataError, match=r"values from 0 to 15, a small part of 0 to 255.*--levels 0\.\.15"):
        load(str(images))
    assert np.array_equal(load(str(images), levels=(0, 15)).samples[..., 0], SAMPLES // 16 * 17)
