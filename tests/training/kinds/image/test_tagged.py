"""Labels of pictures from tables: which table, which columns, which picture; what is open is asked."""

from __future__ import annotations

import json

import pytest

from tests.training.kinds.image.drawn import LABELS, alternate, asked, fill, label_of, pictures, put, read, write
from training.data import DataError
from training.kinds.image import load


@pytest.mark.parametrize(
    ("table", "head"),
    [
        ("train.csv", "id,label"),
        ("labels.csv", "filename,class"),
        ("anything.csv", "image_id,breed"),
        ("x.csv", "path,target"),
        ("x.csv", "Image Name,Finding"),
        ("x.tsv", "file\tcategory"),
    ],
)
@pytest.mark.parametrize("suffix", [True, False])
def test_labels_lie_in_a_table_beside_the_pictures(tmp_path, table, head, suffix):
    names = pictures(tmp_path)
    rows = alternate([name if suffix else name.removesuffix(".png") for name in names])
    separator = "\t" if table.endswith("tsv") else ","
    write(tmp_path / table, head, [row.replace(",", separator) for row in rows])
    data, found = read(tmp_path)
    assert found == {"cat": 10, "dog": 10}
    assert label_of(data, tmp_path / names[3]) == "dog"
    assert f"{table}, column '{head.split(separator)[1]}'" in data.reading.sentences()[0]
    assert data.questions == ()


@pytest.mark.parametrize("given_as", ["", "train", "train.csv"])
@pytest.mark.parametrize("prefix", ["", "train/", "/kaggle/input/pets/train/", "train\\"])
def test_labels_lie_in_a_table_above_the_pictures(tmp_path, given_as, prefix):
    names = pictures(tmp_path / "train")
    write(tmp_path / "train.csv", "id,label", alternate([prefix + name for name in names]))
    data, found = read(tmp_path / given_as)
    assert found == {"cat": 10, "dog": 10}
    assert label_of(data, tmp_path / "train" / names[3]) == "dog"


def test_a_test_split_without_labels_is_left_out_and_said(tmp_path):
    names = pictures(tmp_path / "train")
    fill(tmp_path / "test", 5, first=100)
    write(tmp_path / "train.csv", "id,label", alternate(names))
    write(tmp_path / "test.csv", "id", [f"{number}.png" for number in range(100, 105)])
    write(tmp_path / "sample_submission.csv", "id,label", [f"{number}.png,cat" for number in range(100, 105)])
    data, found = read(tmp_path)
    assert found == {"cat": 10, "dog": 10}
    assert data.official_test is None
    assert data.reading.skipped == {"pictures in 'test' without a label": 5, ".csv files": 2}
    assert "test.csv was not read: it has no column of labels" in data.notes
    assert "sample_submission.csv was not read: its labels are placeholders" in data.notes


def test_tables_of_splits_are_splits(tmp_path):
    for part, first in (("train", 0), ("test", 100)):
        names = [path.name for path in fill(tmp_path / "images", 20, first)]
        write(tmp_path / f"{part}.csv", "file_name,label", alternate(names))
    data, found = read(tmp_path)
    assert found == {"cat": 20, "dog": 20}
    assert data.official_test.tolist() == list(range(20, 40))
    assert "is the test split" in data.reading.splits


def test_the_same_name_in_two_splits_is_the_one_of_the_tables_split(tmp_path):
    for part, turn in (("train", 0), ("test", 1)):
        names = pictures(tmp_path / part)
        write(tmp_path / f"{part}.csv", "id,label", alternate(names[turn:] + names[:turn]))
    data, _ = read(tmp_path)
    assert label_of(data, tmp_path / "train" / "000.png") == "cat"
    assert label_of(data, tmp_path / "test" / "000.png") == "dog"


def test_a_column_says_the_split(tmp_path):
    names = pictures(tmp_path)
    rows = [f"{row},{'test' if number >= 16 else 'train'}" for number, row in enumerate(alternate(names))]
    write(tmp_path / "labels.csv", "file,label,split", rows)
    data, _ = read(tmp_path)
    assert data.official_test.tolist() == [16, 17, 18, 19]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_hugging_faces_metadata_is_read_in_each_split(tmp_path, kind):
    for part, turn in (("train", 0), ("validation", 1)):
        names = pictures(tmp_path / part)
        rows = alternate(names[turn:] + names[:turn])
        if kind == "csv":
            write(tmp_path / part / "metadata.csv", "file_name,label", rows)
        else:
            lines = [json.dumps(dict(zip(["file_name", "label"], row.split(","), strict=True))) for row in rows]
            (tmp_path / part / "metadata.jsonl").write_text("\n".join(lines))
    data, found = read(tmp_path)
    assert found == {"cat": 20, "dog": 20}
    assert label_of(data, tmp_path / "validation" / "000.png") == "dog"
    assert data.official_test.tolist() == list(range(20, 40))


def test_chunks_have_their_labels_in_dataset_json(tmp_path):
    labels = []
    for number in range(24):
        name = f"{number // 12:05}/img{number:08}.png"
        put(tmp_path / name)
        labels.append([name, number % 3])
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    data, found = read(tmp_path)
    assert found == {"0": 8, "1": 8, "2": 8}
    assert label_of(data, tmp_path / "00001" / "img00000013.png") == "1"


def test_class_folders_win_over_a_table_that_is_not_about_classes(tmp_path):
    for name in LABELS:
        fill(tmp_path / name)
    write(tmp_path / "log.csv", "epoch,loss", [f"{number:03},{number % 2}" for number in range(8)])
    data, found = read(tmp_path)
    assert found == {"cat": 8, "dog": 8}
    assert any(note.startswith("log.csv was not read") for note in data.notes)


def test_class_folders_and_a_table_that_say_the_same_are_no_question(tmp_path):
    rows = []
    for name in LABELS:
        rows += [f"{name}/{path.name},{name}" for path in fill(tmp_path / name)]
    write(tmp_path / "labels.csv", "file_name,label", rows)
    data, found = read(tmp_path)
    assert found == {"cat": 8, "dog": 8}
    assert (data.questions, data.reading.layout) == ((), "one folder per class")


def test_a_table_that_says_other_than_the_folders_is_asked_about(tmp_path):
    rows = []
    for folder in ("first", "second"):
        rows += [f"{folder}/{path.name}" for path in fill(tmp_path / folder)]
    write(tmp_path / "labels.csv", "file_name,label", alternate(rows))
    data, found = read(tmp_path)
    assert found == {"cat": 8, "dog": 8}
    assert "The labels are those of labels.csv, column 'label'; the folders 'first' and 'second' say" in asked(data)


def test_a_broken_table_stops_only_where_it_is_needed(tmp_path):
    fill(tmp_path / "one" / "a")
    fill(tmp_path / "one" / "b")
    fill(tmp_path / "two")
    for folder in ("one", "two"):
        (tmp_path / folder / "labels.csv").write_bytes(b"id,label\n1,caf\xe9\n")
    assert read(tmp_path / "one")[1] == {"a": 8, "b": 8}
    with pytest.raises(DataError, match="not UTF-8"):
        load(str(tmp_path / "two"))


def test_several_labels_in_one_cell_are_asked_about(tmp_path):
    names = pictures(tmp_path)
    write(tmp_path / "t.csv", "file,label", [f"{name},{['a|b', 'a'][n % 2]}" for n, name in enumerate(names)])
    assert "labels look like several in one, as 'a|b'" in asked(read(tmp_path)[0])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.txt", lambda rows: "\n".join(f"{name} {label}" for name, label in rows)),
        ("train.txt", lambda rows: "\n".join(f"set/{name}\t{label}" for name, label in rows)),
        ("labels.txt", lambda rows: "file,label\n" + "\n".join(f"{name},{label}" for name, label in rows)),
        ("labels.json", lambda rows: json.dumps(dict(rows))),
        ("labels.json", lambda rows: json.dumps({name: {"label": label, "boxes": []} for name, label in rows})),
        ("x.json", lambda rows: json.dumps([{"file_name": name, "label": label} for name, label in rows])),
    ],
)
def test_labels_in_text_and_json_are_read_where_there_is_nothing_else(tmp_path, name, content):
    rows = [(picture, LABELS[n % 2]) for n, picture in enumerate(pictures(tmp_path / "set"))]
    (tmp_path / "readme.txt").write_text("two words")
    (tmp_path / name).write_text(content(rows))
    data, found = read(tmp_path)
    assert found == {"cat": 10, "dog": 10}
    assert label_of(data, tmp_path / "set" / rows[3][0]) == "dog"
    assert name in data.reading.layout
    assert data.reading.skipped == {".txt files": 1}


@pytest.mark.parametrize("name", ["labels.xlsx", "notes.txt", "coco.json"])
def test_what_may_hold_labels_and_is_not_read_is_asked_about(tmp_path, name):
    pictures(tmp_path / "set")
    (tmp_path / name).write_text('{"images": [], "annotations": []}')
    data, found = read(tmp_path)
    assert found == {"set": 20}
    assert f"'{name}' beside them was not read. If it holds the labels, write them as a .csv" in asked(data)


def test_strange_tables_above_are_not_spoken_of(tmp_path):
    pictures(tmp_path / "set")
    write(tmp_path / "accounts.csv", "name,sum", ["a,1", "b,2"])
    (tmp_path / "broken.csv").write_bytes(b"caf\xe9")
    data, found = read(tmp_path / "set")
    assert found == {"set": 20}
    assert (data.questions, data.notes) == ((), ())


def test_many_files_of_boxes_do_not_hide_the_table_of_labels(tmp_path):
    names = pictures(tmp_path, 30)
    for name in names:
        (tmp_path / name).with_suffix(".txt").write_text("0 0.5 0.5 1 1")
    write(tmp_path / "labels.csv", "ImageId,Label", alternate(names))
    assert read(tmp_path)[1] == {"cat": 15, "dog": 15}


def test_a_table_of_pixels_in_a_folder_is_named(tmp_path):
    path = write(tmp_path / "train.csv", ",".join(["label", *(f"pixel{n}" for n in range(64))]), ["1" + ",7" * 64])
    with pytest.raises(DataError, match=rf"to read train\.csv, name the file itself: {path}$"):
        load(str(tmp_path))


def test_tables_about_other_things_do_not_stand_in_the_way_of_the_labels(tmp_path):
    names = pictures(tmp_path / "images")
    write(tmp_path / "labels.csv", "image,label", alternate(names))
    write(tmp_path / "about.csv", "image,age,sex", [f"{name},{n % 5},{'mf'[n % 2]}" for n, name in enumerate(names)])
    write(tmp_path / "classes.csv", "number,name", ["0,cat", "1,dog"])
    (tmp_path / "broken.csv").write_bytes(b"caf\xe9")
    data, found = read(tmp_path)
    assert found == {"cat": 10, "dog": 10}
    assert data.questions == ()
    assert any("about.csv: the labels could be in the columns" in note for note in data.notes)
    assert any("broken.csv" in note and "not UTF-8" in note for note in data.notes)
    assert any(note.startswith("classes.csv was not read: it names none of the pictures") for note in data.notes)


@pytest.mark.parametrize("folders", [("train_1", "train_2"), ("val", "test"), ("a", "b")])
def test_folders_that_are_no_splits_do_not_matter_where_a_table_has_the_labels(tmp_path, folders):
    rows = [f"{folder}/{name}" for folder in folders for name in pictures(tmp_path / folder)]
    write(tmp_path / "labels.csv", "image,label", alternate(rows))
    data, found = read(tmp_path)
    assert found == {"cat": 20, "dog": 20}
    assert (data.official_test is not None) == ("test" in folders)


@pytest.mark.parametrize("partition", [("0", "2"), ("train", "test")])
def test_a_table_of_splits_alone_is_no_table_of_labels(tmp_path, partition):
    """CelebA: list_attr_celeba.csv has 40 attributes, list_eval_partition.csv is 0, 1 or 2."""
    names = pictures(tmp_path / "img_align_celeba")
    rows = [f"{name},{(-1, 1)[n % 2]},{(-1, 1)[n // 2 % 2]}" for n, name in enumerate(names)]
    write(tmp_path / "list_attr_celeba.csv", "image_id,Smiling,Male", rows)
    splits = [f"{name},{partition[n >= 16]}" for n, name in enumerate(names)]
    write(tmp_path / "list_eval_partition.csv", "image_id,partition", splits)
    with pytest.raises(DataError, match="the labels could be in the columns 'Smiling', 'Male'; say which by --label"):
        load(str(tmp_path))
    data, found = read(tmp_path, label="Smiling")
    assert found == {"-1": 10, "1": 10}
    assert len(data.official_test) == 4
    assert "list_eval_partition.csv says the splits" in data.notes
    assert not data.reading.skipped


def test_tables_of_both_splits_have_the_classes_where_folders_are_splits_and_others(tmp_path):
    """GTSRB: Train/0, Train/1, a flat Test, Meta with a picture of each class, and Train.csv, Test.csv."""
    for part, folders in (("Train", ("0", "1")), ("Test", ("",))):
        files = [file for folder in folders for file in fill(tmp_path / part / folder, 10)]
        rows = [f"30,30,{n * 2 // len(files)},{file.relative_to(tmp_path).as_posix()}" for n, file in enumerate(files)]
        write(tmp_path / f"{part}.csv", "Width,Height,ClassId,Path", rows)
    fill(tmp_path / "Meta", 2)
    data, found = read(tmp_path)
    assert found == {"0": 15, "1": 15}
    assert len(data.official_test) == 10
    assert data.reading.skipped == {"pictures in 'Meta' without a label": 2}


@pytest.mark.parametrize("head", ["image,split", "image,split,label"])
def test_a_table_divides_classes_that_are_folders(tmp_path, head):
    """What it says of the classes, if anything, the folders say as well."""
    rows = []
    for name in LABELS:
        files = fill(tmp_path / name, 12, first=12 * LABELS.index(name))
        rows += [f"{file.name},{('train', 'test')[n > 8]},{name}" for n, file in enumerate(files)]
    write(tmp_path / "t.csv", head, [",".join(row.split(",")[: head.count(",") + 1]) for row in rows])
    data, found = read(tmp_path)
    assert found == {"cat": 12, "dog": 12}
    assert len(data.official_test) == 6
    assert data.reading.splits == "'t.csv' is for training, 't.csv' is the test split"
    assert not data.questions
    for name in LABELS:
        (tmp_path / name).rename(tmp_path / f"{name}s")
        (tmp_path / "train").mkdir(exist_ok=True)
        (tmp_path / f"{name}s").rename(tmp_path / "train" / name)
        fill(tmp_path / "test" / name, 3, first=50 + 10 * LABELS.index(name))
    data, found = read(tmp_path)
    assert len(data.official_test) == 6
    assert "the splits of t.csv were not used: the folders have some" in data.notes
