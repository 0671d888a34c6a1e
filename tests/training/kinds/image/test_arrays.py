"""Arrays under the names and in the shapes in which people and libraries save them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from training.data import DataError, nearby
from training.kinds.image import load, names

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
LABELS = np.arange(60) % 3
TRAIN, TEST = slice(0, 42), slice(42, None)


def write(folder: Path, *positional: np.ndarray, **arrays: np.ndarray) -> str:
    np.savez(folder / "data.npz", *positional, **arrays)
    return str(folder / "data.npz")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("images", ((), "", False)),
        ("X_train", ((), "train", False)),
        ("xtrain", ((), "train", False)),
        ("trainX", ((), "train", False)),
        ("train_labels", ((), "train", True)),
        ("y_valid", ((), "validation", True)),
        ("Y_dev", ((), "validation", True)),
        ("x_data", ((), "", False)),
        ("target", ((), "", True)),
        ("target_names", None),
        ("feature_names", None),
        ("label_images", None),
        ("DESCR", None),
        ("k49-test-imgs", (("k49",), "test", False)),
        ("fine_labels", (("fine",), "", True)),
    ],
)
def test_names_say_part_and_role(name: str, role: tuple[tuple[str, ...], str, bool] | None) -> None:
    found = names.role(name)
    assert (found[:3] if found else None) == role


@pytest.mark.parametrize(
    "keys",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("trainX", "trainY", "testX", "testY"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("images_train", "labels_train", "images_test", "labels_test"),
        ("train_data", "train_target", "test_data", "test_target"),
        ("train_x", "train_y", "te_x", "te_y"),
        ("x", "y", "x_test", "y_test"),
    ],
)
def test_parts_are_found_under_the_names_of_many_libraries(tmp_path: Path, keys: tuple[str, ...]) -> None:
    arrays = (IMAGES[TRAIN], LABELS[TRAIN], IMAGES[TEST], LABELS[TEST])
    data = load(write(tmp_path, **dict(zip(keys, arrays, strict=True))))
    assert np.array_equal(data.samples[..., 0], IMAGES)
    assert np.array_equal(data.labels, LABELS)
    assert data.official_test is not None
    assert data.official_test.tolist() == list(range(42, 60))


def test_medmnist_joins_validation_to_training_and_says_so(tmp_path: Path) -> None:
    arrays = {}
    for part, rows in (("train", slice(0, 36)), ("val", slice(36, 45)), ("test", slice(45, 60))):
        arrays |= {f"{part}_images": IMAGES[rows], f"{part}_labels": LABELS[rows, None].astype(np.uint8)}
    data = load(write(tmp_path, **arrays))
    assert data.reading is not None
    assert data.reading.splits == "36 for training, 9 for validation joined to them, 15 kept for testing"
    assert data.reading.layout == (
        "arrays train_images with train_labels, val_images with val_labels, test_images with test_labels"
    )


def test_numbered_arrays_tell_themselves_apart(tmp_path: Path) -> None:
    assert np.array_equal(load(write(tmp_path, IMAGES, LABELS)).labels, LABELS)
    assert np.array_equal(load(write(tmp_path, LABELS, IMAGES)).labels, LABELS)
    for order in (
        (IMAGES[TRAIN], LABELS[TRAIN], IMAGES[TEST], LABELS[TEST]),  # Keras
        (IMAGES[TRAIN], IMAGES[TEST], LABELS[TRAIN], LABELS[TEST]),  # train_test_split
    ):
        data = load(write(tmp_path, *order))
        assert np.array_equal(data.samples[..., 0], IMAGES)
        assert data.official_test is not None
    with pytest.raises(DataError, match="has the arrays arr_0; wanted images and labels"):
        load(write(tmp_path, IMAGES))
    with pytest.raises(DataError, match="has the arrays arr_0, arr_1; wanted"):
        load(write(tmp_path, IMAGES, IMAGES))


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    data = load(write(tmp_path, images=IMAGES, labels=LABELS, data=IMAGES, test_images=IMAGES[:9]))
    assert "array data was left out" in data.notes
    assert "test_images has no labels (test_labels) and was left out" in data.notes
    assert data.reading is not None
    assert data.reading.skipped == {"images of test_images without labels": 9}
    both = load(write(tmp_path, x=IMAGES, y=LABELS, x_train=IMAGES[TRAIN], y_train=LABELS[TRAIN]))
    assert len(both.labels) == 42
    assert "x was left out: x_train is the training part" in both.notes


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x_test": IMAGES, "y_test": LABELS}, "has only x_test; wanted a training part too"),
        ({"x_train": IMAGES}, "has x_train but no y_train"),
        ({"images": IMAGES, "fine_labels": LABELS, "coarse_labels": LABELS}, "has images but no labels"),
    ],
)
def test_missing_parts_are_named(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(write(tmp_path, **arrays))


def test_rows_of_values_are_square_images(tmp_path: Path) -> None:
    data = load(write(tmp_path, images=IMAGES.reshape(60, 64), labels=LABELS))
    assert np.array_equal(data.samples[..., 0], IMAGES)
    assert "rows of 64 values were taken for images of 8 x 8" in data.notes


COLOR = np.random.default_rng(1).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (COLOR.reshape(60, 192), r"x\.reshape\(-1, 3, 8, 8\) if the channels come first.*x\.reshape\(-1, 8, 8, 3\)"),
        (np.zeros((60, 65)), "one column more than images of 8 x 8; save the labels apart"),
        (COLOR.transpose(1, 2, 3, 0), r"counted along the last axis; np\.moveaxis\(x, -1, 0\)"),
        (IMAGES.transpose(1, 2, 0), "counted along the last axis"),
        (np.zeros((60, 3, 8, 3), np.uint8), "both the second and the last axis could be channels"),
        (np.zeros((60, 2, 8, 8), np.uint8), r"shape \[60, 2, 8, 8\]; wanted"),
        (np.zeros((60, 2, 2), np.uint8), "images of 2 x 2 are too small"),
    ],
)
def test_shapes_that_leave_doubt_are_asked_about(tmp_path: Path, images: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(write(tmp_path, images=images, labels=LABELS))


@pytest.mark.parametrize("first", [False, True])
def test_transparency_is_laid_over_white(tmp_path: Path, first: bool) -> None:
    alpha = np.zeros((60, 8, 8, 1), np.uint8)
    alpha[:, 2:] = 255
    images = np.concatenate([COLOR, alpha], 3)
    data = load(write(tmp_path, images=images.transpose(0, 3, 1, 2) if first else images, labels=LABELS))
    assert np.array_equal(data.samples, np.where(alpha > 0, COLOR, 255))
    assert any("RGBA: transparency was laid over white" in note for note in data.notes)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("training.pt", r"it is a pickle, which may run code.*torch\.load"),
        ("data.pkl", "np.savez"),
        ("train_32x32.mat", r"scipy\.io\.loadmat.*moveaxis"),
        ("data.h5", "h5py"),
        ("data.tar.gz", "unpack it"),
        ("data_batch_1", "CIFAR's Python files are pickles"),
        ("data_batch_1.bin", r"reshape\(-1, 3073\)"),
        ("cat.jpg", "it is one image; name the folder"),
    ],
)
def test_foreign_files_are_refused_with_the_way_to_convert_them(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(pickle.dumps({}))
    with pytest.raises(DataError, match=words):
        load(str(tmp_path / name))


def test_a_folder_of_cifar_is_refused_with_the_way_to_convert_it(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"")
    with pytest.raises(DataError, match="CIFAR's Python files are pickles"):
        load(str(tmp_path))


def test_a_path_that_is_not_there_brings_to_mind_the_one_that_is(tmp_path: Path) -> None:
    (tmp_path / "Apples" / "train").mkdir(parents=True)
    with pytest.raises(DataError, match=rf"no such file or folder.*; did you mean {tmp_path}/Apples/train\?"):
        load(str(tmp_path / "aples" / "train"))
    assert nearby.hint(tmp_path / "nothing-like-it") == ""
    write(tmp_path, images=IMAGES)
    assert nearby.similar(tmp_path / "data") == [tmp_path / "data.npz"]


def test_the_built_in_set_says_that_a_folder_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load("digits").notes == ()
    (tmp_path / "digits").mkdir()
    assert "./digits names that one" in load("digits").notes[0]
