"""Which columns are texts and labels: of tables, of rows without a head, and of what competitions hand out."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pytest

from tests.training.kinds.table.test_chunks import of_datasets, write
from tests.training.kinds.text.made import read, texts, words
from training.data import DataError

VOWELS, CONSONANTS = words(40, "aeiou"), words(40, "kmnrt", 1)


@pytest.mark.parametrize("name", ["sms.tsv", "sms.tsv.gz", "sms.csv"])
def test_rows_without_a_head_are_read_by_the_numbers_of_their_columns(tmp_path, name):
    mark = "," if "csv" in name else "\t"
    rows = [(label, text) for label, own in (("ham", VOWELS), ("spam", CONSONANTS)) for text in own]
    content = "".join(f"{label}{mark}{text}\n" for label, text in rows).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    dataset = read(tmp_path / name, text="2", label="1")
    assert (dataset.class_names, texts(dataset)) == (("ham", "spam"), VOWELS + CONSONANTS)
    assert f"the first row 'ham' {VOWELS[0]!r}" in dataset.reading.layout
    with pytest.raises(DataError, match="has 2 columns in its first line, so that --text 3 is none; they count from 1"):
        read(tmp_path / name, text="3", label="1")
    with pytest.raises(DataError, match="columns go by their numbers: --text 2 --label 1"):
        read(tmp_path / name, text="text", label="label")


def test_quotes_of_rows_without_a_head_are_characters_unless_they_enclose_cells(tmp_path):
    lines = [f"{label}\t{text}" for label, own in (("a", VOWELS), ("b", CONSONANTS)) for text in own]
    path = tmp_path / "plain.tsv"
    path.write_text("\n".join([*lines, 'a\t"yes" he said', 'a\t"open', "b\t3 o'clock"]))
    assert texts(read(path, text="2", label="1"))[-3:] == ['"yes" he said', '"open', "3 o'clock"]
    path.write_text("\n".join([*lines, 'a\t"tab\there, ""quoted"""']))
    assert texts(read(path, text="2", label="1"))[-1] == 'tab\there, "quoted"'
    path.write_text("\n".join([*lines, "a\tb\tc"]))
    with pytest.raises(DataError, match="line 81 has 3 cells, the first line has 2"):
        read(path, text="2", label="1")


def test_columns_that_are_called_by_numbers_are_taken_by_their_names(tmp_path):
    path = tmp_path / "named.csv"
    rows = [f"{text},{number % 2}" for number, text in enumerate(VOWELS)]
    path.write_text("\n".join(["1,2", *rows]))
    dataset = read(path, text="1", label="2")
    assert texts(dataset) == VOWELS
    assert dataset.class_names == ("0", "1")


def test_a_folder_of_rows_without_a_head_has_its_splits(tmp_path):
    """AG News: train.csv and test.csv of a class, a title and a text, no head."""
    for name, own in (("train", VOWELS), ("test", VOWELS[:10])):
        rows = [f'"{number % 2 + 1}","{text}","more of {text}"' for number, text in enumerate(own)]
        (tmp_path / f"{name}.csv").write_text("\n".join(rows))
    dataset = read(tmp_path, text="3", label="1")
    assert texts(dataset) == [f"more of {text}" for text in VOWELS + VOWELS[:10]]
    assert dataset.class_names == ("1", "2")
    assert dataset.official_test.tolist() == list(range(len(VOWELS), len(VOWELS) + 10))
    assert dataset.reading.splits == "'train.csv' is for training, 'test.csv' is the test split"


def competition(folder, rows, test=(), head="id,keyword,text,target"):
    """train.csv, test.csv without the target, and a submission full of placeholders."""
    (folder / "train.csv").write_text("\n".join([head, *rows]))
    (folder / "test.csv").write_text("\n".join([head.removesuffix(",target"), *test]))
    (folder / "sample_submission.csv").write_text("\n".join(["id,target", *(f"{n},0" for n in range(len(test)))]))
    return folder


def test_of_a_competition_the_labels_are_what_its_test_lacks(tmp_path):
    rows = [f"{n},fire,{text},{n % 2}" for n, text in enumerate(VOWELS)]
    competition(tmp_path, rows, [f"{n},,{text}" for n, text in enumerate(CONSONANTS)])
    dataset = read(tmp_path, text="text")
    assert (texts(dataset), dataset.class_names, dataset.official_test) == (VOWELS, ("0", "1"), None)
    assert "test.csv was left out: it has no labels (column 'target'), as a competition's test" in dataset.notes
    (tmp_path / "test.csv").write_text("id,target\n1,0\n")
    with pytest.raises(DataError, match=r"test\.csv: has no column 'text'; did you mean 'target'"):
        read(tmp_path, text="text")


def test_the_labels_are_the_only_other_column_or_the_one_that_is_called_so(tmp_path):
    path = tmp_path / "intents.json"
    path.write_text(json.dumps([{"words": text, "kind": n % 2} for n, text in enumerate(VOWELS)]))
    assert read(path, text="words").class_names == ("0", "1")
    path.write_text(json.dumps([{"text": text, "id": n, "intent": n % 2} for n, text in enumerate(VOWELS)]))
    assert read(path, text="text").class_names == ("0", "1")
    path.write_text(json.dumps([{"text": text, "id": n, "mood": n % 2} for n, text in enumerate(VOWELS)]))
    with pytest.raises(DataError, match="say by --label COLUMN which column holds the classes; it has 'id' and 'mood'"):
        read(path, text="text")


@pytest.mark.parametrize("kind", ["text", "table"])
def test_classes_of_hugging_face_have_their_names_and_numbers(tmp_path, kind):
    """What `save_to_disk` writes: train/data-00000-of-00001.arrow, its labels numbers with names."""
    names = ["top_up", "card_arrival"]
    for part, own in (("train", VOWELS), ("test", CONSONANTS)):
        labels = pa.array([number % 2 for number in range(len(own))], pa.int64())
        table = of_datasets(pa.table({"text": own, "n": [len(text) for text in own], "label": labels}), label=names)
        (tmp_path / part).mkdir()
        write(tmp_path / part / "data-00000-of-00001.arrow", table)
    dataset = read(tmp_path, **({"text": "text"} if kind == "text" else {}))
    assert dataset.class_names == tuple(names)
    assert dataset.labels.tolist() == [number % 2 for number in range(len(VOWELS) + len(CONSONANTS))]
    assert dataset.reading.splits == "'train' is for training, 'test' is the test split"
