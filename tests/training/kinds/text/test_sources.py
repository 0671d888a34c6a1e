"""Texts whose files do not end in .txt, and lines that say their class themselves."""

import bz2
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.kinds.text.made import read, texts, words
from training.data import DataError
from training.kinds import load

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
