"""Lists of names that say which samples are to be tested on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.kinds.image.drawn import fill, label_of, read, write
from training.data import Dataset


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Food-101: images/CLASS/NUMBER.png, and the lists in meta/ without endings."""
    for name in ("pie", "waffle"):
        fill(tmp_path / "images" / name, 20)
    listed(tmp_path / "meta" / "train.txt", range(14))
    listed(tmp_path / "meta" / "test.txt", range(14, 20))
    return tmp_path


def listed(path: Path, numbers: range, ending: str = "") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{name}/{number:03}{ending}\n" for name in ("pie", "waffle") for number in numbers))
    return path


def held_out(data: Dataset) -> int:
    return 0 if data.official_test is None else len(data.official_test)


def test_what_a_list_of_the_test_split_names_is_tested_on(root: Path) -> None:
    data, found = read(root)
    assert found == {"pie": 20, "waffle": 20}
    assert data.reading.splits == "'train.txt' is for training, 'test.txt' is the test split"
    assert data.labels[data.official_test].tolist() == [0] * 6 + [1] * 6
    assert label_of(data, root / "images" / "waffle" / "019.png") == "waffle"
    position = data.samples[data.official_test[-1], ..., 0]
    assert (position == data.samples[-1, ..., 0]).all()


@pytest.mark.parametrize("ending", ["", ".png"])
def test_what_no_list_names_is_for_training(root: Path, ending: str) -> None:
    (root / "meta" / "train.txt").unlink()
    listed(root / "meta" / "test.txt", range(4), ending)
    assert held_out(read(root)[0]) == 8


def test_a_list_for_validation_alone_is_the_test_split(root: Path) -> None:
    (root / "meta" / "test.txt").rename(root / "val_list.txt")
    data, _ = read(root)
    assert held_out(data) == 12
    assert "'val_list.txt' is the test split" in data.reading.splits


def test_nothing_is_both_trained_and_tested_on(root: Path) -> None:
    listed(root / "meta" / "train.txt", range(16))
    data, _ = read(root)
    assert held_out(data) == 12
    assert "4 samples in two lists of splits; to be tested on goes before" in data.notes


def test_a_list_of_what_to_train_on_says_nothing(root: Path) -> None:
    (root / "meta" / "test.txt").unlink()
    assert held_out(read(root)[0]) == 0


def test_lists_that_leave_nothing_to_train_on_are_not_used(root: Path) -> None:
    (root / "meta" / "train.txt").unlink()
    listed(root / "meta" / "test.txt", range(20))
    data, _ = read(root)
    assert held_out(data) == 0
    assert "'test.txt' leave nothing to train on: not used" in data.notes


def test_of_two_lists_of_one_split_neither_is_used(root: Path) -> None:
    listed(root / "testing_list.txt", range(3))
    data, _ = read(root)
    assert held_out(data) == 0
    assert any("both name samples of the test split, and neither was used" in note for note in data.notes)


@pytest.mark.parametrize("content", [b"", b"This is a test.\nIt names nothing.\n", b"\xff\xfe\xff", b"pie/\0\n"])
def test_a_text_about_something_else_is_no_list(root: Path, content: bytes) -> None:
    (root / "meta" / "test.txt").write_bytes(content)
    assert held_out(read(root)[0]) == 0


def test_a_list_in_the_folder_of_a_class_is_about_the_class(root: Path) -> None:
    (root / "meta" / "test.txt").rename(root / "images" / "pie" / "test.txt")
    assert held_out(read(root)[0]) == 0


def test_folders_that_are_splits_go_before(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for name in ("pie", "waffle"):
            fill(tmp_path / part / name, 10, first=10 * (part == "test"))
    (tmp_path / "test.txt").write_text("pie/000\nwaffle/000\n")
    data, _ = read(tmp_path)
    assert held_out(data) == 20


def test_samples_with_labels_of_a_table_are_listed_too(tmp_path: Path) -> None:
    names = [path.name for path in fill(tmp_path / "all", 40)]
    write(tmp_path / "labels.csv", "file,label", [f"{name},{('pie', 'waffle')[n % 2]}" for n, name in enumerate(names)])
    (tmp_path / "test.txt").write_text("\n".join(names[:10]))
    data, found = read(tmp_path)
    assert found == {"pie": 20, "waffle": 20}
    assert held_out(data) == 10
