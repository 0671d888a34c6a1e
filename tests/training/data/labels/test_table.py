"""Tables of text in the forms that spreadsheets and people write them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training.data import DataError
from training.data.labels import table

# No control characters; what is trimmed at the ends anyway is not put there.
CELLS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12).map(table.clean)
SAME_FOLDER = [HealthCheck.function_scoped_fixture]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@settings(max_examples=150, suppress_health_check=SAME_FOLDER)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS).filter(any), min_size=1, max_size=6),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ending=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_every_way_of_writing_a_table_is_read_alike(tmp_path, rows, separator, quoting, ending, encoding):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=ending)
    writer.writerows([("file", "class", "size"), *rows])
    found = table.read(write(tmp_path / "t.csv", text.getvalue(), encoding))
    assert found.columns == ("file", "class", "size")
    assert found.rows == rows


@settings(max_examples=60, suppress_health_check=SAME_FOLDER)
@given(content=st.binary(max_size=200))
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "dataset.json"])
def test_any_bytes_are_a_table_or_a_sentence(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    reader = table.read_stylegan if name == "dataset.json" else table.read
    try:
        found = reader(path)
    except DataError:
        return
    assert found is None or all(len(row) == len(found.columns) for row in found.rows)


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("id,label\n1,a\n\n2,b\n\n", ("id", "label"), [("1", "a"), ("2", "b")]),
        ("sep=;\nid;label\n1;a\n", ("id", "label"), [("1", "a")]),
        (" id , label \n 1 , a \n", ("id", "label"), [("1", "a")]),
        ("id,label,\n1,a,\n2,b,\n", ("id", "label"), [("1", "a"), ("2", "b")]),
        ('id,label\n1,"a, or b"\n', ("id", "label"), [("1", "a, or b")]),
        ("id\n1\n", ("id",), [("1",)]),
        ("id;label\n1,5;a\n2,5;b\n", ("id", "label"), [("1,5", "a"), ("2,5", "b")]),
    ],
)
def test_usual_oddities_are_read(tmp_path, text, columns, rows):
    found = table.read(write(tmp_path / "t.csv", text))
    assert (found.columns, found.rows) == (columns, rows)


def test_accents_are_one_however_they_are_written(tmp_path):
    found = table.read(write(tmp_path / "t.csv", "id,label\n1,cafe\u0301\n2,caf\u00e9\n"))
    assert set(found.column(1)) == {"caf\u00e9"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,label\n1,caf\xe9\n", "is not UTF-8 text; save it as UTF-8"),
        (b"id,label\n1,a\n2,b,c\n", "line 3 has 3 cells, the head has 2; put quotes around"),
        (b"id,label\n1,a\n2\n", "line 3 has 1 cells, the head has 2"),
        (b'id,label\n1,"a\n2,b\n', "quotes around cells must be closed"),
        (b"\n\n", "is empty"),
        (b"id,label\n1,a\0\n", "NUL"),
    ],
)
def test_damaged_tables_are_named_with_the_line(tmp_path, content, message):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        table.read(path)


def test_json_lines_keep_what_is_no_list(tmp_path):
    lines = [{"file_name": "1.png", "label": 3, "boxes": [1, 2]}, {"file_name": "2.png", "label": 4.0, "boxes": []}]
    found = table.read(write(tmp_path / "t.jsonl", "\r\n".join(map(json.dumps, lines)) + "\r\n"))
    assert (found.columns, found.rows) == (("file_name", "label"), [("1.png", "3"), ("2.png", "4")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"file_name": "1.png"\n', "line 1 is not JSON"),
        ('{"a": 1}\n[1]\n', "line 2 is .*; wanted an object such as"),
        ("", "no rows"),
    ],
)
def test_damaged_json_lines_are_named(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        table.read(write(tmp_path / "t.jsonl", text))


@pytest.mark.parametrize(
    ("labels", "rows"),
    [
        ([["a/1.png", 3]], [("a/1.png", "3")]),
        ({"a/1.png": 3}, [("a/1.png", "3")]),
        ([["1.png", [0, 0, 1]]], [("1.png", "2")]),
        ([["1.png", "cat"]], [("1.png", "cat")]),
    ],
)
def test_stylegans_labels_are_read(tmp_path, labels, rows):
    path = write(tmp_path / "dataset.json", json.dumps({"labels": labels}))
    assert table.read_stylegan(path).rows == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"labels": None}, "its labels are null"),
        ({"labels": [["1.png", None]]}, "1.png has the label None"),
        ({"labels": [["1.png", [0.2, 0.8]]]}, "a vector with a single 1"),
        ({"labels": [[1, 2]]}, r"entry 0 of labels is \[1, 2\]"),
        ({"labels": 5}, "entry 0 of labels is None"),
    ],
)
def test_stylegans_labels_that_are_no_classes_are_refused(tmp_path, content, message):
    path = write(tmp_path / "dataset.json", json.dumps(content))
    with pytest.raises(DataError, match=message):
        table.read_stylegan(path)


def test_another_dataset_json_is_none_of_stylegans(tmp_path):
    assert table.read_stylegan(write(tmp_path / "dataset.json", '{"title": "x"}')) is None
