"""Classes that are too small, too much alike or not named: all said at once, with the way out."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from tests.training.kinds.image.drawn import asked, fill, put, read
from training.data import DataError
from training.data.wording import listed, lookalikes, shown
from training.kinds import load
from training.source import SourceOptions


def make(root: Path, counts: dict[str, int]) -> None:
    for name, count in counts.items():
        fill(root / name, count)


def test_all_scarce_classes_are_named_at_once_with_the_option(tmp_path: Path) -> None:
    make(tmp_path, {"healthy": 12, "rust": 9, "mildew": 3, "blight": 5})
    with pytest.raises(
        DataError,
        match="2 classes have too few samples: 'blight' has 5, 'mildew' has 3; at least 8 are needed; "
        "--drop-scarce leaves them out",
    ):
        load(str(tmp_path))


def test_scarce_classes_may_be_left_out(tmp_path: Path) -> None:
    make(tmp_path, {"healthy": 12, "rust": 9, "mildew": 3, "blight": 5})
    data, found = read(tmp_path, drop_scarce=True)
    assert found == {"healthy": 12, "rust": 9}
    assert sorted(set(data.labels.tolist())) == [0, 1]
    assert data.reading.skipped == {"samples of 2 scarce classes": 8}
    assert "left out as scarce: 2 classes have too few samples: 'blight' has 5, 'mildew' has 3" in data.notes[-1]
    assert data.digest == load(str(make_again(tmp_path))).digest


def make_again(root: Path) -> Path:
    """The folder without its scarce classes."""
    for name in ("mildew", "blight"):
        for path in (root / name).iterdir():
            path.unlink()
        (root / name).rmdir()
    return root


def test_classes_that_are_scarce_in_the_test_split_only_are_left_out_too(tmp_path: Path) -> None:
    make(tmp_path / "train", {"a": 8, "b": 8, "c": 9})
    make(tmp_path / "test", {"a": 3, "b": 1, "c": 4})
    with pytest.raises(
        DataError, match="class 'b' has 1 samples in the test split; at least 2 are needed; --drop-scarce"
    ):
        load(str(tmp_path))
    data, found = read(tmp_path, drop_scarce=True)
    assert found == {"a": 11, "c": 13}
    assert data.counts(data.official_test).tolist() == [3, 4]
    assert data.official_test.tolist() == list(range(17, 24))


def test_scarce_classes_of_arrays_are_left_out_too(tmp_path: Path) -> None:
    labels = np.repeat([0, 1, 2], [10, 2, 9])
    images = np.random.default_rng(0).integers(0, 256, (21, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", images=images, labels=labels, class_names=np.array(["a", "b", "c"]))
    data, found = read(tmp_path / "x.npz", drop_scarce=True)
    assert found == {"a": 10, "c": 9}
    assert np.array_equal(data.samples[..., 0], images[labels != 1])


def test_nothing_is_dropped_where_nothing_is_scarce(tmp_path: Path) -> None:
    make(tmp_path, {"a": 8, "b": 8})
    assert load(str(tmp_path), SourceOptions(drop_scarce=True)).notes == ()


def test_all_classes_being_scarce_is_refused_in_any_case(tmp_path: Path) -> None:
    make(tmp_path, {"a": 3, "b": 4})
    with pytest.raises(DataError, match=r"'a' has 3, 'b' has 4; at least 8 are needed$"):
        load(str(tmp_path))
    with pytest.raises(DataError, match="no class is left without the scarce ones"):
        load(str(tmp_path), SourceOptions(drop_scarce=True))


def test_many_scarce_classes_are_counted(tmp_path: Path) -> None:
    make(tmp_path, {"large": 8, **{f"{number:02}": 1 for number in range(20)}})
    with pytest.raises(DataError, match=r"20 classes have too few samples: '00' has 1, .* and 12 more have fewer"):
        load(str(tmp_path))


def test_the_same_pictures_under_two_labels_are_counted_by_pair(tmp_path: Path) -> None:
    make(tmp_path, {"cat": 10, "dog": 10, "eel": 10})
    for number in range(4):
        put(tmp_path / "dog" / f"copy{number}.png", str(tmp_path / "cat" / f"{number:03}.png"))
    put(tmp_path / "eel" / "copy.png", str(tmp_path / "cat" / "009.png"))
    put(tmp_path / "eel" / "again.png", str(tmp_path / "eel" / "001.png"))
    data, _ = read(tmp_path)
    assert "5 samples have more than one label: 'cat' and 'dog' (4), 'cat' and 'eel' (1)." in asked(data)
    assert any(note.startswith("6 samples are exact copies") for note in data.notes)


def test_copies_within_a_class_are_no_question(tmp_path: Path) -> None:
    make(tmp_path, {"cat": 10, "dog": 10})
    put(tmp_path / "cat" / "copy.png", str(tmp_path / "cat" / "001.png"))
    assert load(str(tmp_path)).questions == ()


def test_test_pictures_that_are_in_training_too_are_counted(tmp_path: Path) -> None:
    for part in ("train", "test"):
        make(tmp_path / part, {"a": 8, "b": 8})
    put(tmp_path / "test" / "a" / "copy.png", str(tmp_path / "train" / "a" / "001.png"))
    assert "1 samples are exact copies of others; of the test split's, 1 are in the training part, too" in (
        load(str(tmp_path)).notes
    )


def test_names_that_differ_in_case_or_blanks_are_asked_about(tmp_path: Path) -> None:
    make(tmp_path, {"Cat": 8, "cat": 8, "sea lion": 8, "sea_lion": 8, "dog": 8})
    words = asked(load(str(tmp_path)))
    assert "The names of the classes 'Cat' and 'cat' differ in case, blanks or dashes only." in words
    assert "'sea lion' and 'sea_lion'" in words
    assert "dog" not in words


@pytest.mark.parametrize(("first", "second"), [("cafe\u0301", "caf\u00e9"), ("cat ", "cat")])
def test_names_that_look_the_same_are_refused(tmp_path: Path, first: str, second: str) -> None:
    make(tmp_path, {first: 8, second: 8})
    name = unicodedata.normalize("NFC", second)
    with pytest.raises(DataError, match=f"class name '{name}' is used for more than one class .*names must differ"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["a"], "'a'"),
        (["a", "b"], "'a' and 'b'"),
        (["a", "b", "c"], "'a', 'b' and 'c'"),
        (["a", "b", "c", "d"], "'a', 'b', 'c' and 1 more"),
        (["\udcc6"], "'\\xc6'"),
    ],
)
def test_names_are_listed(names: list[str], wanted: str) -> None:
    assert listed(names, 3) == wanted


@pytest.mark.parametrize("text", ["\udcc6\xbb", "\ud800", "苹果", "a\udfffb"])
def test_what_is_shown_can_be_written_as_utf8(text: str) -> None:
    shown(text).encode()


def test_alike_is_what_an_eye_takes_for_one() -> None:
    assert lookalikes(["ＡＢ", "ab", "a b", "A-B", "abc", "-", "_"]) == [["ＡＢ", "ab", "a b", "A-B"]]


def test_arrays_on_disk_cannot_lose_a_class(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (21, 8, 8), dtype=np.uint8))
    np.save(tmp_path / "labels.npy", np.repeat([0, 1, 2], [10, 2, 9]))
    with pytest.raises(DataError, match="class '1' has 2 samples; at least 8 are needed; samples on disk are used as"):
        load(str(tmp_path / "images.npy"), SourceOptions(drop_scarce=True))
