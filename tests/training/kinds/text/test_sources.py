"""Texts whose files do not end in .txt, and lines that say their class themselves."""

import bz2
import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.kinds.text.made import read, texts, words
from training.data import DataError
from training.kinds import load
from training.kinds.text import pairs

VOWELS, CONSONANTS = words(40, "aeiou"), words(40, "kmnrt", 1)


def marked(vowels: int = 0, most: int = 40) -> str:
    pairs = zip(VOWELS[vowels:most], CONSONANTS[vowels:most], strict=True)
    return "".join(f"__label__vowels {one}\n__label__consonants\t{other}\n" for one, other in pairs)


def corpus(path: Path, *names: str) -> Path:
    """A folder of files for each class, called by what `names` are made of."""
    for label, own in (("alt.vowels", VOWELS), ("sci.consonants", CONSONANTS)):
        (path / label).mkdir(parents=True)
        for number, text in enumerate(own):
            (path / label / names[number % len(names)].format(49960 + number)).write_bytes(
                f"{text}\n\xe9".encode("latin-1")
            )
    return path


def test_lines_that_begin_with_their_class_are_fasttexts(tmp_path):
    path = tmp_path / "cooking.train"
    path.write_text("\ufeff" + marked() + "\n__label__vowels __label__consonants both\n")
    dataset = read(path)
    assert dataset.class_names == ("vowels", "consonants")
    assert texts(dataset)[:3] == [VOWELS[0], CONSONANTS[0], VOWELS[1]]
    assert dataset.labels.tolist() == [0, 1] * 40
    assert dataset.reading.layout == "lines that begin with their class"
    assert dataset.reading.skipped == {"empty lines": 1, "texts of several classes": 1}


@pytest.mark.parametrize("ending", ["train valid test", "ft.txt.bz2"])
def test_names_of_such_files_say_the_split(tmp_path, ending):
    if ending == "ft.txt.bz2":
        (tmp_path / "train.ft.txt.bz2").write_bytes(bz2.compress(marked(8).encode()))
        (tmp_path / "test.ft.txt.bz2").write_bytes(bz2.compress(marked(0, 8).encode()))
    else:
        (tmp_path / "cooking.train").write_text(marked(8))
        (tmp_path / "cooking.valid").write_text(marked(0, 8))
        (tmp_path / "cooking.stackexchange.txt").write_text(marked())
    dataset = read(tmp_path)
    assert len(dataset.labels) == 80
    assert set(np.array(texts(dataset))[dataset.official_test]) == {*VOWELS[:8], *CONSONANTS[:8]}
    if ending != "ft.txt.bz2":
        assert "'cooking.stackexchange.txt' beside the splits was not read" in dataset.notes


def test_a_line_without_a_class_among_such_is_named(tmp_path):
    (tmp_path / "a.txt").write_text(marked() + "a text\n")
    with pytest.raises(DataError, match=r"a.txt: line 81: has no class, as lines before it; wanted __label__CLASS"):
        read(tmp_path / "a.txt")


@pytest.mark.parametrize("name", ["{}", "0{}.7c53336b37003a9286aba55d2945844c", "{}.1999"])
def test_files_without_an_ending_in_folders_of_classes_are_texts(tmp_path, name):
    dataset = read(corpus(tmp_path / "data", name))
    assert dataset.class_names == ("alt.vowels", "sci.consonants")
    assert texts(dataset)[0] == f"{VOWELS[0]} é"
    assert dataset.reading.layout == "one folder per class, each file a text (80 files)"


def test_a_split_may_stand_in_the_name_of_its_folder(tmp_path):
    for part in ("train", "test"):
        corpus(tmp_path / f"20news-bydate-{part}", "{}")
    dataset = read(tmp_path)
    assert dataset.class_names == ("alt.vowels", "sci.consonants")
    assert dataset.official_test.tolist() == list(range(80, 160))


def test_what_only_lies_beside_other_data_makes_no_texts_of_it(tmp_path):
    random = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for number in range(10):
            pixels = random.integers(0, 255, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{number}.png")
        for name in ("README", "LICENSE", "CITATION", "cmds"):
            (tmp_path / label / name).write_text("about")
    assert load(str(tmp_path)).samples.shape == (20, 8, 8, 1)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("x_train.txt", "y_train.txt", "x_test.txt", "y_test.txt"), ("0", "1")),
        (("train_text.txt", "train_labels.txt", "test_text.txt", "test_labels.txt"), ("consonants", "vowels")),
    ],
)
def test_texts_and_labels_may_be_lines_of_two_files(tmp_path, names, told):
    both = [text for pair in zip(CONSONANTS, VOWELS, strict=True) for text in pair]
    for number, own in enumerate((both[16:], both[:16])):
        (tmp_path / names[2 * number]).write_text("\n".join(own) + "\n")
        (tmp_path / names[2 * number + 1]).write_text("0\n1\n" * (len(own) // 2))
    if "0" not in told:
        (tmp_path / "mapping.txt").write_text("0\tconsonants\n1\tvowels\n2\tnothing\n")
    (tmp_path / "labels.csv").write_text("label,language\n0,German\n1,English\n")
    dataset = read(tmp_path)
    assert dataset.class_names == told
    assert set(np.array(texts(dataset))[dataset.labels == 1]) == set(VOWELS)
    assert set(np.array(texts(dataset))[dataset.official_test]) == set(both[:16])
    assert dataset.reading.layout == "lines of texts, their labels in the lines of another file (2 files)"


def test_fewer_labels_than_texts_are_refused(tmp_path):
    (tmp_path / "x_train.txt").write_text("\n".join(VOWELS))
    (tmp_path / "y_train.txt").write_text("1\n" * 39)
    with pytest.raises(DataError, match=r"y_train.txt: has 39 lines and x_train.txt 40; wanted a label for each text"):
        read(tmp_path)


def test_numbers_with_labels_beside_are_no_texts(tmp_path):
    (tmp_path / "X_train.txt").write_text("  2.5e-01 -0.3\n" * 40)
    (tmp_path / "y_train.txt").write_text("1\n2\n" * 20)
    assert pairs.find(tmp_path.iterdir()) == {}
    (tmp_path / "X_train.txt").write_text("2 words\n" * 40)
    assert pairs.find(tmp_path.iterdir()) == {"train": (tmp_path / "X_train.txt", tmp_path / "y_train.txt")}


def test_classes_may_be_called_x_and_y(tmp_path):
    (tmp_path / "x.txt").write_text("\n".join(VOWELS))
    (tmp_path / "y.txt").write_text("\n".join(CONSONANTS))
    assert read(tmp_path).class_names == ("x", "y")


def test_what_lies_in_a_folder_of_a_split_is_of_that_split(tmp_path):
    for part, own in (("train", slice(8, 40)), ("test", slice(8))):
        (tmp_path / "marked" / part).mkdir(parents=True)
        (tmp_path / "marked" / part / "reviews.txt").write_text(marked(own.start or 0, own.stop))
        (tmp_path / "beside" / part).mkdir(parents=True)
        (tmp_path / "beside" / part / f"x_{part}.txt").write_text("\n".join(VOWELS[own] + CONSONANTS[own]))
        (tmp_path / "beside" / part / f"y_{part}.txt").write_text("\n".join([c for c in "vc" for _ in VOWELS[own]]))
    for layout in ("marked", "beside"):
        dataset = read(tmp_path / layout)
        assert len(dataset.class_names) == 2
        assert set(np.array(texts(dataset))[dataset.official_test]) == {*VOWELS[:8], *CONSONANTS[:8]}


def test_classes_that_are_called_like_splits_are_classes(tmp_path):
    for label, own in (("test rides", VOWELS), ("train rides", CONSONANTS)):
        (tmp_path / label).mkdir()
        for number, text in enumerate(own):
            (tmp_path / label / f"{number}.txt").write_text(text)
    assert read(tmp_path).class_names == ("test rides", "train rides")


@pytest.mark.parametrize("damage", ["cut", "changed"])
@pytest.mark.parametrize("name", ["train.ft.txt.gz", "x_train.txt.gz"])
def test_damaged_files_are_named(tmp_path, name, damage):
    content = bytearray(gzip.compress(marked().encode()))
    content[20:] = content[20:40] if damage == "cut" else bytes(len(content) - 20)
    (tmp_path / name).write_bytes(content)
    (tmp_path / "y_train.txt").write_text("1\n2\n" * 20)
    with pytest.raises(DataError, match=name):
        load(str(tmp_path))


def test_a_label_that_is_empty_is_refused(tmp_path):
    (tmp_path / "x_train.txt").write_text("\n".join(VOWELS))
    (tmp_path / "y_train.txt").write_text("\n" * 20 + "1\n" * 20)
    with pytest.raises(DataError, match=r"y_train.txt: line 1 has no label"):
        read(tmp_path)
