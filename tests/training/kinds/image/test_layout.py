"""What folders mean: classes, splits, a folder too many, chunks; nothing is taken for another without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.kinds.image.drawn import asked, classes, fill, put, read
from training.data import DataError
from training.kinds.image import load


def test_the_only_folder_with_pictures_is_entered_and_said(tmp_path: Path) -> None:
    for name in ("Cat", "Dog"):
        fill(tmp_path / "PetImages" / name)
    (tmp_path / "readme.txt").write_text("unpacked")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("no picture")
    data, found = read(tmp_path)
    assert found == {"Cat": 8, "Dog": 8}
    assert "in 'PetImages', the only one that has pictures" in data.reading.sentences()[0]
    assert data.questions == ()


def test_folders_are_entered_at_any_depth_and_splits_found_there(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for name in ("a", "b"):
            fill(tmp_path / "unpacked" / "set" / part / name)
    data, found = read(tmp_path)
    assert found == {"a": 16, "b": 16}
    assert len(data.official_test) == 16


def test_a_logo_beside_the_only_folder_does_not_hide_its_classes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / "set" / name, 20)
    put(tmp_path / "logo.png")
    data, found = read(tmp_path)
    assert found == {"a": 20, "b": 20}
    assert f"Left out: 1 picture in {tmp_path} itself, beside the folders of classes." in asked(data)


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "valid", "test"),
        ("Train", "VALIDATION", "Test"),
        ("training", "val", "testing"),
        ("TRAIN", "dev", "test"),
        ("Training Set", "Validation-Set", "test_set"),
    ],
)
def test_splits_have_their_usual_names(tmp_path: Path, train: str, validation: str, test: str) -> None:
    for part, count in ((train, 8), (validation, 3), (test, 2)):
        for name in ("a", "b"):
            fill(tmp_path / part / name, count)
    data, found = read(tmp_path)
    assert found == {"a": 13, "b": 13}
    assert data.official_test.tolist() == [22, 23, 24, 25]
    assert data.reading.splits == (
        f"'{train}' is for training, '{validation}' joins the training part, '{test}' is the test split"
    )


def test_splits_may_have_the_name_of_the_set_in_theirs(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for name in ("glacier", "sea"):
            fill(tmp_path / f"seg_{part}" / f"seg_{part}" / name)
    data, found = read(tmp_path)
    assert found == {"glacier": 16, "sea": 16}
    assert len(data.official_test) == 16
    fill(tmp_path / "seg_pred" / "seg_pred", 5)
    data, found = read(tmp_path)
    assert found == {"glacier": 16, "sea": 16}
    assert data.reading.skipped == {"pictures in 'seg_pred'": 5}
    assert "5 pictures in 'seg_pred' beside them were left out" in asked(data)


def test_names_of_classes_may_hold_the_word_of_a_split(tmp_path: Path) -> None:
    for name in ("test tube", "train station"):
        fill(tmp_path / name)
    assert read(tmp_path)[1] == {"test tube": 8, "train station": 8}


def test_validation_without_test_is_the_test_split_and_said(tmp_path: Path) -> None:
    for part in ("train", "val"):
        for name in ("a", "b"):
            fill(tmp_path / part / name)
    data, _ = read(tmp_path)
    assert data.reading.splits == "'train' is for training, 'val' is the test split"
    assert data.official_test.tolist() == list(range(16, 32))


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("name", ["train", "Test", "valid"])
def test_a_class_may_have_the_name_of_a_split(tmp_path: Path, name: str, nested: bool) -> None:
    fill(tmp_path / "bus")
    fill(tmp_path / "car")
    for part in ("freight", "passenger") if nested else ("",):
        fill(tmp_path / name / part)
    data, found = read(tmp_path)
    assert found == {"bus": 8, "car": 8, name: 16 if nested else 8}
    assert f"'{name}' was taken for a class, as 'bus' and 'car' beside it are no splits." in asked(data)
    assert any("lie in its folders 'freight' and 'passenger'" in note for note in data.notes) == nested


def test_valid_and_invalid_are_classes(tmp_path: Path) -> None:
    for name in ("valid", "invalid"):
        fill(tmp_path / name)
    assert read(tmp_path)[1] == {"invalid": 8, "valid": 8}


def test_what_lies_beside_real_splits_is_left_out_and_asked_about(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for name in ("a", "b"):
            fill(tmp_path / part / name)
    fill(tmp_path / "unlabeled", 5)
    data, found = read(tmp_path)
    assert found == {"a": 16, "b": 16}
    assert data.reading.skipped == {"pictures in 'unlabeled'": 5}
    assert "5 pictures in 'unlabeled' beside them were left out" in asked(data)


@pytest.mark.parametrize("inside", ["", "unknown", "test"])
def test_a_test_folder_without_classes_is_left_out_and_counted(tmp_path: Path, inside: str) -> None:
    for name in ("a", "b"):
        fill(tmp_path / "train" / name)
    fill(tmp_path / "test" / inside, 5)
    data, found = read(tmp_path)
    assert found == {"a": 8, "b": 8}
    assert data.official_test is None
    assert data.reading.skipped == {"pictures without a class in 'test'": 5}


def test_splits_without_classes_are_one_class(tmp_path: Path) -> None:
    fill(tmp_path / "set" / "train")
    fill(tmp_path / "set" / "test", 3)
    data, found = read(tmp_path / "set")
    assert found == {"set": 11}
    assert data.official_test.tolist() == [8, 9, 10]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("val", "test"), "no folder of pictures to train on"),
        (("train", "Train", "test"), "'Train' and 'train' both look like the train split"),
    ],
)
def test_splits_that_make_no_sense_are_refused(tmp_path: Path, parts: tuple[str, ...], message: str) -> None:
    for part in parts:
        for name in ("a", "b"):
            fill(tmp_path / part / name)
    with pytest.raises(DataError, match=message):
        load(str(tmp_path))


def test_a_class_of_the_test_split_in_another_case_is_named_beside_its_like(tmp_path: Path) -> None:
    for part, names in (("train", "AB"), ("test", "ab")):
        for name in names:
            fill(tmp_path / part / name)
    with pytest.raises(
        DataError, match=r"a: this class is not in .*train; the classes of both must agree \(it has 'A'\)"
    ):
        load(str(tmp_path))


def test_pictures_beside_class_folders_are_left_out_and_asked_about(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / name)
    fill(tmp_path, 4)
    data, found = read(tmp_path)
    assert found == {"a": 8, "b": 8}
    assert data.reading.skipped == {"pictures beside the folders of classes": 4}
    assert "4 pictures in" in asked(data)


def test_an_empty_class_folder_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / name)
    (tmp_path / "c").mkdir()
    with pytest.raises(DataError, match="class 'c' has 0 samples; at least 8 are needed; --drop-scarce leaves it out"):
        load(str(tmp_path))
    assert read(tmp_path, drop_scarce=True)[1] == {"a": 8, "b": 8}


def test_folders_of_other_files_are_no_classes_and_are_counted(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / name)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "1.xml").write_text("<x/>")
    data, found = read(tmp_path)
    assert found == {"a": 8, "b": 8}
    assert data.reading.skipped == {".xml files in 'annotations'": 1}


@pytest.mark.parametrize("names", [("00000", "00001"), ("part1", "part2"), ("chunk-1", "chunk-2")])
def test_folders_that_look_like_chunks_are_asked_about(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        fill(tmp_path / name)
    data, found = read(tmp_path)
    assert set(found) == set(names)
    assert "if they are mere chunks, give the labels in a labels.csv" in asked(data)


def test_folders_with_the_same_folders_inside_are_asked_about(tmp_path: Path) -> None:
    for site in ("berlin", "paris"):
        for name in ("sick", "well"):
            fill(tmp_path / site / name)
    data, found = read(tmp_path)
    assert found == {"berlin": 16, "paris": 16}
    assert "'berlin' and 'paris', of which several have the folders 'sick' and 'well', were taken" in asked(data)


def test_pictures_beside_their_masks_are_asked_about(tmp_path: Path) -> None:
    for name in ("images", "masks"):
        fill(tmp_path / name)
    assert "If one holds the masks or the labels" in asked(read(tmp_path)[0])


def test_classes_in_the_names_of_files_are_asked_about(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for number in range(8):
            put(tmp_path / "all" / f"{name}.{number}.png")
    data, found = read(tmp_path / "all")
    assert found == {"all": 16}
    assert "the names of the files begin with 'cat' and 'dog'" in asked(data)
    (tmp_path / "all").rename(tmp_path / "train")
    fill(tmp_path / "test1")  # Kaggle's Dogs vs. Cats
    data, found = read(tmp_path)
    assert list(found.values()) == [24]
    assert data.reading.splits == "'train' is for training, 'test1' is the test split"
    assert "the names of the files begin with 'cat' and 'dog'" in asked(data)


def test_a_thousand_classes_are_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.folders.doubts._MOST_CLASSES", 2)
    for name in "abc":
        fill(tmp_path / name)
    assert "There are 3 classes" in asked(read(tmp_path)[0])


def test_plain_classes_raise_no_question(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        fill(tmp_path / name)
    data = load(str(tmp_path))
    assert classes(data) == {"cat": 8, "dog": 8}
    assert (data.notes, data.questions) == ((), ())
    assert data.reading.sentences() == [
        f"read as one folder per class; no split of its own; levels {data.samples.min()} to {data.samples.max()}"
    ]


def test_splits_may_lie_inside_of_the_classes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / name / "train")
        fill(tmp_path / name / "test", 3)
    data, found = read(tmp_path)
    assert found == {"a": 11, "b": 11}
    assert data.official_test.tolist() == list(range(16, 22))
    assert data.reading.splits == "in each class 'train' is for training, 'test' is the test split"


def test_a_class_of_thumbs_is_a_class(tmp_path: Path) -> None:
    for name in ("fingers", "thumbs"):
        fill(tmp_path / "train" / name)
        fill(tmp_path / "test" / name, 2)
    assert read(tmp_path)[1] == {"fingers": 10, "thumbs": 10}
