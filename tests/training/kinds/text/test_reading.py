"""What is read of files of texts, and what a person is told."""

import gzip
import json

import numpy as np
import pytest

from augmint.v1 import generator_pb2 as pb
from service.artifact import kinds as rules
from tests.training.kinds.text.made import folder, learned, read, texts, words
from training import kinds
from training.data import DataError
from training.kinds import load_again
from training.source import SourceOptions

VOWELS, CONSONANTS = words(40, "aeiou"), words(40, "kmnrt", 1)


@pytest.fixture
def two(tmp_path):
    return folder(tmp_path / "two", vowels=VOWELS, consonants=CONSONANTS)


def test_a_file_of_lines_is_a_class(two):
    dataset = read(two)
    assert dataset.class_names == ("consonants", "vowels")
    assert texts(dataset) == CONSONANTS + VOWELS
    assert dataset.samples.dtype == np.int32
    assert dataset.reading.layout == "one file of lines per class (2 files)"
    assert rules.fault(dataset.kind.spec) == ""


def test_a_folder_of_files_is_a_class_and_each_file_a_text(tmp_path):
    for name, own in (("b", VOWELS), ("a", CONSONANTS)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number, word in enumerate(own):
            (tmp_path / "data" / name / f"{number}.txt").write_text(f"{word}\nand\t{word}\n")
    (tmp_path / "data" / "README.txt").write_text("about")
    dataset = read(tmp_path / "data")
    assert dataset.class_names == ("a", "b")
    assert texts(dataset)[0] == f"{CONSONANTS[0]} and {CONSONANTS[0]}"[: dataset.kind.length]
    assert "'README.txt' beside the folders of the classes was not read" in dataset.notes[0]


def test_folders_called_train_and_test_are_splits(tmp_path):
    folder(tmp_path / "train", a=VOWELS, b=CONSONANTS)
    folder(tmp_path / "test", a=VOWELS[:5], b=CONSONANTS[:5])
    dataset = read(tmp_path)
    assert dataset.official_test.tolist() == list(range(80, 90))
    assert dataset.reading.splits == "'train' is for training, 'test' is the test split"
    folder(tmp_path / "test", c=VOWELS[:5])
    with pytest.raises(DataError, match=r"c.txt: its class 'c' is not in the training part, which has"):
        read(tmp_path)


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "csv.gz"])
def test_columns_of_a_table_are_texts_and_labels(tmp_path, ending):
    rows = [(f'say "{word}", then', kind) for kind, own in (("v", VOWELS), ("c", CONSONANTS)) for word in own]
    path = tmp_path / f"intents.{ending}"
    if ending == "jsonl":
        content = "".join(json.dumps({"utterance": text, "intent": label, "id": 1}) + "\n" for text, label in rows)
    else:
        mark = "\t" if ending == "tsv" else ","
        quoted = (text.replace('"', '""') for text, _ in rows)
        content = f"utterance{mark}intent{mark}id\n" + "".join(
            f'"{text}"{mark}{label}{mark}1\n' for text, (_, label) in zip(quoted, rows, strict=True)
        )
    path.write_bytes(gzip.compress(content.encode()) if ending.endswith("gz") else content.encode())
    dataset = read(path, text="utterance", label="intent")
    assert dataset.class_names == ("v", "c")
    assert texts(dataset) == [text for text, _ in rows]
    with pytest.raises(DataError, match=r"has no column 'uterance'; did you mean 'utterance'\?"):
        read(path, text="uterance", label="intent")


def test_a_table_stays_a_table_where_nobody_asks_for_texts(tmp_path, two):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"{word},{word[0] < 'i'}\n" for word in VOWELS + CONSONANTS))
    assert kinds._kind_of(str(path), SourceOptions()).NAME == "table"
    assert kinds._kind_of(str(path), SourceOptions(text="text")).NAME == "text"
    assert kinds._kind_of(str(two), SourceOptions()).NAME == "text"
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").touch()
    folder(tmp_path / "pictures", a=VOWELS, b=VOWELS)
    assert kinds._kind_of(str(tmp_path / "pictures"), SourceOptions()).NAME == "image"


def test_what_the_length_is_and_how_many_are_cut_is_said(tmp_path):
    long = "a very long line that nobody expects here"
    dataset = read(folder(tmp_path / "d", a=[*VOWELS * 3, long], b=CONSONANTS * 3))
    assert dataset.kind.length == 8
    assert (
        "a text has up to 8 characters: 1 text is longer (0.4%), at most 41, and was cut, as "
        f"{long!r} ({tmp_path / 'd' / 'a.txt'}: line 121)" in dataset.notes
    )
    assert texts(dataset)[120] == long[:8]


def test_a_length_is_at_most_128_characters_and_units_that_hold_more_are_named(tmp_path):
    dataset = read(folder(tmp_path / "d", a=["x" * 300] * 9, b=["xy" * 200] * 9))
    assert dataset.kind.length == 128
    assert dataset.notes[0].endswith("b.txt: line 1); --units bpe:512 holds more of each")


def test_empty_lines_are_counted_and_line_ends_may_be_mixed(tmp_path):
    content = "\ufeff" + "\r\n".join(VOWELS[:20]) + "\r\n\r\n   \n" + "\n".join(VOWELS[20:]) + "\r" + "end"
    dataset = read(folder(tmp_path / "d", a=content, b=CONSONANTS))
    assert texts(dataset)[: len(VOWELS) + 1] == [*VOWELS, "end"]
    assert "left out: 2 empty lines" in dataset.reading.sentences()


def test_a_file_in_another_encoding_is_read_and_told_of(tmp_path):
    names = [f"{word}é" for word in VOWELS]
    dataset = read(folder(tmp_path / "d", a="\n".join(names).encode("cp1252"), b=CONSONANTS))
    assert texts(dataset)[:40] == names
    assert any("a.txt is not UTF-8 and was read as cp1252" in note for note in dataset.notes)
    dataset = read(folder(tmp_path / "e", a="\n".join(names).encode("utf-16"), b=CONSONANTS))
    assert texts(dataset)[:40] == names


def test_a_file_that_is_no_text_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a.txt: holds NUL characters; it is no text"):
        read(folder(tmp_path / "d", a=b"PNG\0" + b"x\0\0\0y" * 50, b=CONSONANTS))


def test_texts_from_right_to_left_and_with_accents_are_kept_in_composed_form(tmp_path):
    hebrew = [f"שלום {word}" for word in words(20, "אבגד")]
    decomposed = [f"{word}e\u0301" for word in words(20, "aou")]
    dataset = read(folder(tmp_path / "d", hebrew=hebrew, accents=decomposed))
    assert texts(dataset) == [each.replace("e\u0301", "é") for each in decomposed] + hebrew


def test_a_class_with_one_text_repeated_is_asked_about(tmp_path):
    dataset = read(folder(tmp_path / "d", a=["yes"] * 30, b=CONSONANTS))
    assert "Class 'a' has one text, 30 times." in [each.text for each in dataset.questions]
    with pytest.raises(DataError, match="all 60 texts are equal; there is nothing to learn"):
        read(folder(tmp_path / "e", a=["yes"] * 30, b=["yes"] * 30))


def test_half_of_a_character_in_json_is_named(tmp_path):
    path = tmp_path / "d.jsonl"
    rows = [json.dumps({"text": word, "label": word[0] in "aeiou"}) for word in VOWELS + CONSONANTS]
    path.write_text("\n".join([*rows, '{"text": "\\ud83d", "label": true}']))
    with pytest.raises(DataError, match="line 81 holds half of a character, as of an emoji cut in two; take it out"):
        read(path, text="text", label="label")


def test_an_empty_source_is_told_of(tmp_path):
    with pytest.raises(DataError, match=r"holds no texts, only 4 empty lines"):
        read(folder(tmp_path / "d", a="\n\n", b=" \n\n"))


def test_units_that_nobody_knows_are_refused(two):
    with pytest.raises(DataError, match="--units 'words' is neither 'characters' nor 'bpe:N'"):
        read(two, units="words")
    with pytest.raises(DataError, match=r"has 10 different characters.*ask for more, e.g. bpe:266"):
        read(two, units="bpe:8")


def test_units_of_several_characters_shorten_texts(tmp_path):
    lines = [f"please {word} the kitchen light" for word in ("switch on", "switch off", "dim") * 20]
    dataset = read(folder(tmp_path / "d", a=lines, b=[f"play {word} music" for word in CONSONANTS]), units="bpe:60")
    assert set(texts(dataset)) == {*lines, *(f"play {word} music" for word in CONSONANTS)}
    assert len(dataset.kind.units) == 61
    assert dataset.kind.length < 30


def test_data_are_read_again_in_the_units_of_a_generator(two, tmp_path):
    dataset = read(two, units="bpe:20")
    again = load_again(dataset.kind.spec, str(two))
    assert again.digest == dataset.digest
    other = load_again(
        dataset.kind.spec, str(folder(tmp_path / "other", vowels=[*VOWELS, "xyz"], consonants=CONSONANTS))
    )
    assert any("1 text with one of 3 rare characters was left out ('xyz')" in note for note in other.notes)


def test_a_specification_holds_what_a_client_needs(two):
    spec = read(two).kind.spec
    assert spec.text == pb.TextSpec(vocabulary=["", *"aeikmnortu"], end_id=0)
    assert (list(spec.shape), spec.dtype) == ([8], pb.DATA_TYPE_INT32)
