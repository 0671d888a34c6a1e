"""Which column names the pictures, which one their classes, and which picture a row means; what is open is refused."""

from __future__ import annotations

import csv
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.training.kinds.image.drawn import LABELS, alternate, asked, fill, label_of, pictures, put, read, write
from training.data import DataError
from training.data.folders.tree import Tree
from training.data.labels import table
from training.data.labels.index import Index
from training.data.labels.join import join
from training.data.labels.table import Table, clean
from training.kinds.image import load
from training.kinds.image.picture import PICTURES


def test_columns_of_which_one_is_1_are_classes(tmp_path):
    names = pictures(tmp_path)
    write(
        tmp_path / "t.csv",
        "image,MEL,NV",
        [f"{name},{number % 2}.0,{1 - number % 2}.0" for number, name in enumerate(names)],
    )
    data, found = read(tmp_path)
    assert found == {"MEL": 10, "NV": 10}
    assert label_of(data, tmp_path / names[0]) == "NV"


def test_several_labels_of_a_picture_are_refused(tmp_path):
    names = pictures(tmp_path)
    write(tmp_path / "t.csv", "image,rust,scab", [f"{name},1,{number % 2}" for number, name in enumerate(names)])
    with pytest.raises(DataError, match="has not exactly one 1; each picture needs one class"):
        load(str(tmp_path))
    assert read(tmp_path, label="scab")[1] == {"0": 10, "1": 10}


def test_numbers_and_names_of_the_same_classes_are_one_column(tmp_path):
    names = pictures(tmp_path)
    rows = [f"{name},{number % 2},{LABELS[number % 2]}" for number, name in enumerate(names)]
    write(tmp_path / "t.csv", "file,label,class_name", rows)
    assert read(tmp_path)[1] == {"cat": 10, "dog": 10}


def test_whole_numbers_are_ordered_as_such(tmp_path):
    names = pictures(tmp_path, 96)
    write(tmp_path / "t.csv", "file,label", [f"{name},{number % 12}" for number, name in enumerate(names)])
    assert list(read(tmp_path)[1]) == [str(number) for number in range(12)]


def test_labels_that_are_also_names_of_pictures_are_no_names(tmp_path):
    names = [put(tmp_path / f"{number}.png").name for number in range(20)]
    write(tmp_path / "t.csv", "label,id", [f"{number % 2},{name[:-4]}" for number, name in enumerate(names)])
    data, found = read(tmp_path)
    assert found == {"0": 10, "1": 10}
    assert label_of(data, tmp_path / "7.png") == "1"


def test_a_table_without_a_head_is_read(tmp_path):
    names = pictures(tmp_path)
    (tmp_path / "t.csv").write_text("\n".join(alternate(names)))
    assert read(tmp_path)[1] == {"cat": 10, "dog": 10}


@pytest.mark.parametrize(
    ("head", "row", "message"),
    [
        ("file,colour,size", "{name},{label},{size}", "could be in the columns 'colour', 'size'; say which by --label"),
        ("file,note", "{name},{name}-{label}", "'note' has 20 different values in 20 rows, which are no classes"),
        ("file,label", "x{name},{label}", None),
        ("colour,label", "{label},{label}", None),
    ],
)
def test_tables_that_are_not_clear_are_refused_or_asked_about(tmp_path, head, row, message):
    names = pictures(tmp_path / "set")
    rows = [row.format(name=name, label=LABELS[n % 2], size="sml"[n % 3]) for n, name in enumerate(names)]
    write(tmp_path / "set" / "t.csv", head, rows)
    if message:
        with pytest.raises(DataError, match=message):
            load(str(tmp_path))
    else:
        data, found = read(tmp_path)
        assert found == {"set": 20}
        assert "t.csv was not read: it names none of the pictures" in asked(data)


def test_columns_may_be_named(tmp_path):
    names = pictures(tmp_path)
    rows = [f"{n},{name},{LABELS[n % 2]},{'sml'[n % 2]}" for n, name in enumerate(names)]
    write(tmp_path / "t.csv", "number,Where,colour,size", rows)
    assert read(tmp_path, label="size", file="where")[1] == {"m": 10, "s": 10}
    with pytest.raises(DataError, match="has no column"):
        load(str(tmp_path / "t.csv"), label="weight")
    with pytest.raises(DataError, match=r"no table .* has such a column"):
        load(str(tmp_path), label="weight")
    with pytest.raises(DataError, match="the column 'colour' names no picture"):
        load(str(tmp_path), file="colour", label="size")


def test_options_of_tables_are_refused_where_there_is_none(tmp_path):
    fill(tmp_path / "a")
    np.savez(tmp_path / "x.npz", images=np.zeros((8, 8, 8)), labels=np.zeros(8, int))
    with pytest.raises(DataError, match="--label kind: no table"):
        load(str(tmp_path), label="kind")
    with pytest.raises(DataError, match="--label and --file name columns of a table, and this source has none"):
        load(str(tmp_path / "x.npz"), label="kind")


def test_rows_without_pictures_and_pictures_without_rows_are_counted_and_named(tmp_path):
    names = pictures(tmp_path)
    rows = [*alternate(names[:-2]), "lost.png,cat", "gone.png,dog", f"{names[0]},cat", f"{names[-1]},"]
    write(tmp_path / "labels.csv", "file_name,label", rows)
    data, found = read(tmp_path)
    assert found == {"cat": 9, "dog": 9}
    assert data.reading.skipped == {"pictures without a label": 2}
    assert data.notes == (
        "2 rows of labels.csv without a picture, as 'lost.png' and 'gone.png'",
        f"1 row of labels.csv without a label, as '{names[-1]}'",
        "1 row of labels.csv repeat a picture and its label",
    )


def test_a_picture_with_two_labels_is_refused(tmp_path):
    names = pictures(tmp_path)
    write(tmp_path / "labels.csv", "file_name,label", [*alternate(names), f"{names[0]},dog"])
    with pytest.raises(DataError, match=r"1 picture with two labels or more, 000\.png for one: 'cat' and 'dog'"):
        load(str(tmp_path))


def test_tables_that_contradict_each_other_are_refused(tmp_path):
    names = pictures(tmp_path)
    write(tmp_path / "a.csv", "file_name,label", alternate(names))
    write(tmp_path / "b.csv", "file_name,label", alternate(names[1:]))
    with pytest.raises(DataError, match=r"both have labels of .*; give the one to be used as DATA"):
        load(str(tmp_path))
    assert read(tmp_path / "b.csv")[1] == {"cat": 10, "dog": 9}


def test_a_row_that_could_be_two_pictures_is_refused(tmp_path):
    for folder in ("left", "right"):
        fill(tmp_path / folder, 8)
    write(tmp_path / "labels.csv", "file_name,label", alternate([f"{number:03}.png" for number in range(8)]))
    with pytest.raises(DataError, match="could be several pictures"):
        load(str(tmp_path / "labels.csv"))
    paths = [f"{folder}/{number:03}.png" for folder in ("left", "right") for number in range(8)]
    write(tmp_path / "labels.csv", "file_name,label", alternate(paths))
    data, _ = read(tmp_path)
    assert label_of(data, tmp_path / "right" / "003.png") == "dog"


def test_a_row_of_a_lost_picture_is_not_given_to_its_namesake(tmp_path):
    for name in ("a/1.png", "a/2.png", "b/2.png"):
        put(tmp_path / name)
    tree = Tree(tmp_path, PICTURES, [("a", "1.png"), ("a", "2.png"), ("b", "2.png")])
    rows = [("a/1.png", "x"), ("b/1.png", "y"), ("a/2.png", "x"), ("b/2.png", "y")]
    joined = join(Table(tmp_path / "t.csv", ("file", "label"), rows), tree, Index(tree), (), None, None, None)
    assert joined.labels == {("a", "1.png"): "x", ("a", "2.png"): "x", ("b", "2.png"): "y"}


def test_pictures_in_another_format_than_the_table_says_are_found_and_said(tmp_path):
    names = pictures(tmp_path)
    write(tmp_path / "labels.csv", "image,label", alternate([name.replace("png", "jpg") for name in names]))
    data, found = read(tmp_path)
    assert found == {"cat": 10, "dog": 10}
    assert data.notes == ("20 rows of labels.csv with another ending than the picture's",)


# Names that file systems, spreadsheets and people all take, however odd.
NAMES = st.text(
    st.characters(exclude_characters="/\\\0", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=8
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stems=st.lists(NAMES, min_size=4, max_size=12, unique_by=lambda name: name.strip().casefold()),
    with_suffix=st.booleans(),
    folder=st.sampled_from([(), ("train",), ("deep", "er")]),
    with_folder=st.booleans(),
    shuffle=st.integers(0, 9),
    separator=st.sampled_from([",", ";", "\t"]),
)
def test_each_picture_gets_the_label_of_its_row(tmp_path, stems, with_suffix, folder, with_folder, shuffle, separator):
    stems = [f"{number}{stem}" for number, stem in enumerate(stems)]
    assume(len({clean(stem) for stem in stems}) == len(stems))
    tree = Tree(tmp_path, PICTURES, sorted((*folder, f"{stem}.png") for stem in stems))
    labels = {stem: LABELS[number % 2] for number, stem in enumerate(stems)}
    shown = {
        stem: "/".join([*(folder if with_folder else ()), stem + (".png" if with_suffix else "")]) for stem in stems
    }
    random.Random(shuffle).shuffle(stems)
    path = tmp_path / "t.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerows([("id", "label"), *((shown[stem], labels[stem]) for stem in stems)])
    joined = join(table.read(path), tree, Index(tree), (), None, None, None)
    assert joined.labels == {(*folder, f"{stem}.png"): labels[stem] for stem in stems}
