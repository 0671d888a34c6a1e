"""Which files a source is, and that pictures and pixels stay images."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image

from training import kinds
from training.data.errors import DataError
from training.data.parts import TEST, TRAIN, VALIDATION
from training.kinds import image, table
from training.kinds.table import sources
from training.source import SourceOptions

ROWS = "age,label\n" + "1,a\n2,b\n" * 10


def kind_of(source: Path, **options: object) -> str:
    return kinds._kind_of(str(source), SourceOptions(**options)).NAME  # type: ignore[arg-type]


def draw(path: Path, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), shade).save(path)


def files(source: Path, label: str = "label") -> list[tuple[str, str]]:
    return [(file.path.name, part) for file, part in sources.find(source).files]


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.csv.gz", "rows.jsonl", "rows.txt", "rows.parquet"])
def test_files_of_rows_are_tables(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    content = '{"age": 1, "label": "a"}\n' if name.endswith("l") else ROWS
    if name.endswith(".parquet"):
        pa.parquet.write_table(pa.table({"age": [1], "label": ["a"]}), path)
    else:
        path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    assert (kind_of(path), kind_of(path, label="label")) == ("table", "table")
    (tmp_path / "more").mkdir()
    path.rename(tmp_path / "more" / name)
    assert kind_of(tmp_path / "more") == ("table" if name != "rows.txt" else "text")


def test_a_table_of_pictures_is_images(tmp_path: Path) -> None:
    for number in range(4):
        draw(tmp_path / "pictures" / f"{number}.png")
    (tmp_path / "labels.csv").write_text("file,label\n" + "".join(f"{number}.png,a\n" for number in range(4)))
    (tmp_path / "stems.csv").write_text("id,label\n" + "".join(f"{number},a\n" for number in range(4)))
    (tmp_path / "paths.jsonl").write_text('{"file_name": "pictures/1.png", "label": "a"}\n' * 3)
    for source in ("labels.csv", "stems.csv", "paths.jsonl", "."):
        assert kind_of(tmp_path / source) == "image", source
    assert kind_of(tmp_path / "labels.csv", columns="columns.toml") == "table"


def test_a_table_of_rows_beside_pictures_that_it_does_not_name_is_a_table(tmp_path: Path) -> None:
    draw(tmp_path / "screenshot.png")
    (tmp_path / "rows.csv").write_text(ROWS)
    assert kind_of(tmp_path / "rows.csv") == "table"
    assert kind_of(tmp_path / "rows.csv", file="age") == "image"


def test_a_column_of_few_numbers_names_no_pictures(tmp_path: Path) -> None:
    for number in range(2):
        draw(tmp_path / "pictures" / f"{number}.png")
    (tmp_path / "rows.csv").write_text("age,label\n" + "".join(f"{20 + row},{row % 2}\n" for row in range(60)))
    assert kind_of(tmp_path / "rows.csv") == "table"


def test_a_table_of_pixels_is_images(tmp_path: Path) -> None:
    head = ",".join(["label", *(f"pixel{number}" for number in range(64))])
    (tmp_path / "digits.csv").write_text(f"{head}\n" + ",".join(["1"] * 65))
    assert kind_of(tmp_path / "digits.csv") == "image"
    (tmp_path / "rows.csv").write_text(head.replace("pixel9,", "height,") + "\n" + ",".join(["1"] * 65))
    assert kind_of(tmp_path / "rows.csv") == "table"


def test_a_column_of_encoded_pictures_is_images(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"image": [b"x"], "label": ["a"]}), tmp_path / "train-0.parquet")
    assert (kind_of(tmp_path / "train-0.parquet"), kind_of(tmp_path)) == ("image", "image")


@pytest.mark.parametrize("name", ["digits", "nowhere.csv", "data.npz"])
def test_what_is_no_table_stays_with_images(name: str, tmp_path: Path) -> None:
    (tmp_path / "data.npz").write_bytes(b"")
    assert kind_of(Path(name) if name == "digits" else tmp_path / name) == "image"


def test_what_is_not_there_is_told_as_before(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv: no such file or folder"):
        kinds.load(str(tmp_path / "nowhere.csv"))


def test_options_of_another_kind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    with pytest.raises(DataError, match="is read as table, which does not take --size"):
        kinds._taken(table, "rows.csv", SourceOptions(size=8))
    with pytest.raises(DataError, match="is read as image, whose samples have no columns"):
        kinds.described("digits")


def write(folder: Path, *names: str, content: str = ROWS) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def test_parts_of_a_table_are_read_in_natural_order(tmp_path: Path) -> None:
    write(tmp_path, "part-10.csv", "part-9.csv", ".hidden.csv", "_SUCCESS")
    assert files(tmp_path) == [("part-9.csv", TRAIN), ("part-10.csv", TRAIN)]


def test_splits_are_known_by_names_of_files_and_folders(tmp_path: Path) -> None:
    write(tmp_path, "test.csv", "train.csv", "valid.csv", "sample_submission.csv", "notes.txt")
    found = sources.find(tmp_path)
    assert [(file.path.name, part) for file, part in found.files] == [
        ("train.csv", TRAIN),
        ("valid.csv", VALIDATION),
        ("test.csv", TEST),
    ]
    assert found.notes == ["sample_submission.csv was not read: its labels are placeholders"]
    assert "'test.csv' is the test split" in found.splits
    write(tmp_path / "deep", "data/train/a.csv", "data/test/a.csv")
    assert [part for _, part in files(tmp_path / "deep")] == [TRAIN, TEST]


def test_a_test_beside_a_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, "test.csv", "train.csv")
    assert sources.find(tmp_path / "train.csv").notes == [
        "'test.csv' beside it was left out; name the folder to test on it"
    ]


@pytest.mark.parametrize(
    ("names", "other", "sentence"),
    [
        (["a.csv"], "b.csv", "holds several tables: b.csv has other columns than a.csv ('age' and 'height'); name one"),
        (["a.csv", "a.tsv"], None, "has 'a.csv' and 'a.tsv', which may be the same rows twice; keep one kind"),
        (["test.csv"], None, "has 'test', but nothing to train on"),
        (["test.csv", "rows.csv"], None, "of which none is for training by its name; name the file to learn from"),
        (["README.md"], None, "holds no table; wanted .csv, .tsv, .jsonl, .json, .parquet or .feather files"),
    ],
)
def test_folders_that_make_no_sense_are_refused(
    names: list[str], other: str | None, sentence: str, tmp_path: Path
) -> None:
    write(tmp_path, *names)
    if other:
        write(tmp_path, other, content=ROWS.replace("age", "height"))
    with pytest.raises(DataError) as error:
        sources.find(tmp_path)
    assert str(error.value).startswith(str(tmp_path))
    assert sentence in str(error.value)


def test_claims_do_not_raise(tmp_path: Path) -> None:
    for source in ("nul\0.csv", str(tmp_path), str(tmp_path / "x" / "y.csv"), "digits"):
        assert image.reads(source) > table.reads(source)
