"""Labels in every form in which people save them, and names of classes beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data import DataError, Dataset
from training.kinds.image import load

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
LABELS = np.arange(60) % 3
WORDS = np.array(["ant", "bee", "cat"])


def of(folder: Path, labels: np.ndarray, allow_pickle: bool = False, **more: np.ndarray) -> Dataset:
    np.savez(folder / "data.npz", images=IMAGES, labels=labels, **more)
    return load(str(folder / "data.npz"), allow_pickle=allow_pickle)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, bool])
def test_one_hot_rows_become_class_indices(tmp_path: Path, dtype: Any) -> None:
    data = of(tmp_path, np.eye(3)[LABELS].astype(dtype), class_names=WORDS)
    assert np.array_equal(data.labels, LABELS)
    assert data.class_names == ("ant", "bee", "cat")
    assert "one-hot labels became class indices" in data.notes


def test_a_column_that_no_image_has_is_no_class(tmp_path: Path) -> None:
    assert of(tmp_path, np.eye(5)[LABELS * 2]).class_names == ("0", "2", "4")


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (LABELS[:, None], ("0", "1", "2")),
        (LABELS[:, None, None].astype(np.uint8), ("0", "1", "2")),
        (LABELS.astype(np.float32), ("0", "1", "2")),
        (LABELS + 1, ("1", "2", "3")),
        (WORDS[LABELS], ("ant", "bee", "cat")),
        (WORDS[LABELS].astype("S"), ("ant", "bee", "cat")),
        (np.array(["gelé".encode(), b"ox"])[LABELS % 2], ("gelé", "ox")),
        (LABELS > 0, ("false", "true")),
        (np.where(LABELS > 0, 1, -1), ("-1", "1")),
        (np.uint64(2**63) + LABELS.astype(np.uint64), tuple(str(2**63 + label) for label in range(3))),
    ],
)
def test_labels_of_many_kinds_are_read(tmp_path: Path, labels: np.ndarray, names: tuple[str, ...]) -> None:
    data = of(tmp_path, labels)
    assert data.class_names == names
    assert np.array_equal(
        data.labels, np.minimum(LABELS, len(names) - 1) if labels.dtype == bool or -1 in labels else LABELS % len(names)
    )


@pytest.mark.parametrize("key", ["class_names", "classes", "target_names", "label_names", "Class_Names"])
def test_names_of_classes_are_found_under_their_usual_names(tmp_path: Path, key: str) -> None:
    assert of(tmp_path, LABELS, **{key: WORDS}).class_names == ("ant", "bee", "cat")
    assert of(tmp_path, LABELS, **{key: WORDS.astype("S")}).class_names == ("ant", "bee", "cat")


def test_labels_that_count_from_one_take_the_names_in_order(tmp_path: Path) -> None:
    data = of(tmp_path, LABELS + 1, class_names=WORDS)
    assert data.class_names == ("ant", "bee", "cat")
    assert np.array_equal(data.labels, LABELS)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.tile([[1, 1, 0], [0, 0, 1]], (30, 1)), r"multi-label: image 0 has 2 of the 3 classes, and 30 of 60"),
        (np.zeros((60, 14), np.uint8), "multi-label: image 0 has 0 of the 14 classes"),
        (np.full((60, 4), 0.25), r"soft labels, shares of 4 classes; wanted one class: labels\.argmax\(1\)"),
        (np.stack([LABELS, LABELS * 7], 1), r"2 columns that are not one-hot; .*labels\[:, 0\]"),
        (np.where(LABELS > 1, np.nan, LABELS), r"labels\[2\] is nan: the image has no label"),
        (np.where(LABELS > 1, np.nan, LABELS)[:, None] * np.ones((1, 2)), r"labels\[2, 0\] is nan"),
        (LABELS / 2, r"labels\[1\] is 0\.5, which is no class"),
        (np.array([b"\xe4", b"\xfc", b"a"])[LABELS], r"bytes that are not UTF-8 \(b'\\xe4'\); .*latin-1"),
        (LABELS.astype("datetime64[D]"), r"holds datetime64\[D\]"),
        (LABELS.reshape(2, 30), "not one-hot"),
    ],
)
def test_what_is_no_label_is_refused_by_its_name(tmp_path: Path, labels: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        of(tmp_path, labels)


def test_labels_below_zero_are_worth_a_word(tmp_path: Path) -> None:
    assert any("20 images have a label below 0" in note for note in of(tmp_path, LABELS - 1).notes)


@pytest.mark.parametrize("words", [WORDS.tolist(), [b"ant", b"bee", b"cat"], [np.str_(word) for word in WORDS]])
def test_pickled_text_is_read_only_when_asked_for(tmp_path: Path, words: list[Any]) -> None:
    labels = np.array([words[label] for label in LABELS], object)
    with pytest.raises(DataError, match=r"labels holds pickled objects, which may run code.*--allow-pickle"):
        of(tmp_path, labels)
    data = of(tmp_path, labels, allow_pickle=True)
    assert data.class_names == ("ant", "bee", "cat")
    assert np.array_equal(data.labels, LABELS)


def test_pickled_images_are_stacked_and_ragged_ones_refused(tmp_path: Path) -> None:
    images = np.empty(60, object)
    for number, image in enumerate(IMAGES):
        images[number] = image
    np.savez(tmp_path / "data.npz", images=images, labels=LABELS)
    assert np.array_equal(load(str(tmp_path / "data.npz"), allow_pickle=True).samples[..., 0], IMAGES)
    images[7] = IMAGES[0, :5]
    np.savez(tmp_path / "data.npz", images=images, labels=LABELS)
    with pytest.raises(DataError, match="images of different shapes; save them as PNG files"):
        load(str(tmp_path / "data.npz"), allow_pickle=True)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array(["ant", None, "bee"] * 20, object), r"labels\[1\] is None: the image has no label"),
        (np.array(["ant", 3, "bee"] * 20, object), "Python objects of the types int, str; wanted all text"),
        (np.array({"a": 1}, object), "one Python object of type dict"),
        (np.array([{"a": 1}] * 60, object), "types dict"),
    ],
)
def test_pickled_objects_of_other_kinds_are_refused(tmp_path: Path, labels: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        of(tmp_path, labels, allow_pickle=True)


def test_parts_that_label_in_different_ways_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES, y_test=WORDS[LABELS])
    with pytest.raises(DataError, match="label their images in different ways"):
        load(str(tmp_path / "data.npz"))
