"""Files that say what their columns are, and records: the same rows, whatever they are written in."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

from training.data.errors import DataError
from training.data.reading import Claim
from training.kinds.table import chunks, sources

TABLE = pa.table(
    {"age": pa.array([3, None, 5], pa.int16()), "kind": pa.array(["a", "b", None]), "sure": [True, False, None]}
)


def write(path: Path, table: pa.Table) -> None:
    if path.suffix == ".parquet":
        pa.parquet.write_table(table, path)
    elif path.suffix == ".feather":
        pa.feather.write_feather(table, path)
    elif path.suffix == ".arrow":
        with pa.ipc.new_stream(path, table.schema) as stream:
            stream.write_table(table)
    else:
        path.write_text("\n".join(map(json.dumps, table.to_pylist())) + "\n\n")


@pytest.mark.parametrize("ending", [".parquet", ".feather", ".arrow"])
def test_typed_files_keep_their_types(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows{ending}"
    write(path, TABLE)
    file = chunks.open_file(path)
    assert (file.typed, file.names) == (True, ("age", "kind", "sure"))
    assert pa.Table.from_batches(file.chunks()).equals(TABLE)


def test_records_become_text_and_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1.50, "b": true}\n\n{"b": null, "c": "NA", "a": 12345678901234567890}\n')
    file = chunks.open_file(path)
    assert pa.Table.from_batches(file.chunks()).to_pylist() == [
        {"a": "1.50", "b": "true", "c": None},
        {"a": "12345678901234567890", "b": None, "c": "NA"},
    ]


def test_columns_of_lists_are_left_out_and_named(tmp_path: Path) -> None:
    table = TABLE.append_column("tags", pa.array([[1], [2], [3]]))
    for ending in (".parquet", ".jsonl"):
        write(tmp_path / f"rows{ending}", table)
        file = chunks.open_file(tmp_path / f"rows{ending}")
        assert file.names == ("age", "kind", "sure")
        assert file.notes[0].startswith(f"'tags' of rows{ending} hold lists or")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("rows.parquet", b"PAR1 and no more", "not a whole parquet file"),
        ("rows.feather", b"", "not a whole feather file"),
        ("rows.jsonl", b'{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        ("rows.jsonl", b"[1, 2]\n", "line 1 is [1, 2]; wanted an object"),
        (
            "rows.json",
            b'{"data": [{"a": 1}]}',
            "holds no records of single values; wanted an object a line, or an array",
        ),
        ("rows.json", b'{\n "a": 1\n}', "line 1 is not JSON"),
        ("rows.json", b'[{"a": 1}, {"a"', "is not JSON"),
        ("rows.json", b'[{"a": 1}, 2]', "element 2 is 2; wanted an object a line, or an array of them"),
        ("rows.json", b'[{"a": "\\ud83d"}]', "object 1 holds half of a character"),
        ("rows.json", b"[]", "holds no records of single values"),
        ("rows.json", b"", "holds no records of single values"),
        ("rows.csv.gz", b"\x1f\x8b\x08 broken", "not a whole csv file"),
        ("rows.csv", b"", "is empty"),
    ],
)
def test_damaged_files_are_told_by_name(name: str, content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        chunks.open_file(path)
    assert str(error.value).startswith(f"{path}: ")
    assert sentence in str(error.value)


def test_the_index_that_pandas_writes_is_no_column(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame({"a": [1, 2, 3]}, index=[5, 7, 9]).to_parquet(tmp_path / "rows.parquet")
    assert chunks.open_file(tmp_path / "rows.parquet").names == ("a",)


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_objects_is_what_the_same_objects_are_a_line_each(tmp_path: Path, indent: int | None) -> None:
    """As pandas writes it by df.to_json(path, orient="records"); numbers keep their digits."""
    rows = [{"age": 3, "income": 1.50, "kind": "a"}, {"age": None, "kind": "b", "more": [1]}]
    (tmp_path / "rows.json").write_text("\n " + json.dumps(rows, indent=indent).replace("1.5", "1.50"))
    (tmp_path / "lines.json").write_text("\n" + "\n".join(map(json.dumps, rows)).replace("1.5", "1.50"))
    array, lines = (chunks.open_file(tmp_path / f"{name}.json") for name in ("rows", "lines"))
    assert (array.words, lines.words) == ("an array of objects", "an object a line")
    assert array.names == lines.names == ("age", "income", "kind")
    assert pa.Table.from_batches(array.chunks()).equals(pa.Table.from_batches(lines.chunks()))
    assert pa.Table.from_batches(array.chunks())["income"].to_pylist() == ["1.50", None]


def test_a_folder_of_arrays_is_a_table_and_beside_others_they_are_not_read(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / f"{part}.json").write_text(json.dumps([{"a": n, "label": "xy"[n % 2]} for n in range(40)]))
    assert sources.reads(str(tmp_path)) == Claim.LIKELY
    assert [(file.path.name, part) for file, part in sources.find(tmp_path).files] == [
        ("train.json", "train"),
        ("test.json", "test"),
    ]
    (tmp_path / "rows.csv").write_text("a,label\n1,x\n")
    assert [file.path.name for file, _ in sources.find(tmp_path).files] == ["rows.csv"]


def of_datasets(table: pa.Table, **names: list[str]) -> pa.Table:
    """A table as Hugging Face's Datasets writes it, with ClassLabel columns."""
    features = {name: {"names": own, "_type": "ClassLabel"} for name, own in names.items()}
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".feather"])
def test_numbers_of_classes_become_their_names_in_the_order_of_the_numbers(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows{ending}"
    table = pa.table({"label": pa.array([1, 0, -1, None, 2], pa.int64()), "n": pa.array([1, 0, 1, 0, 1], pa.int64())})
    write(path, of_datasets(table, label=["zebra", "ape", "cat"]))
    (batch,) = chunks.open_file(path).chunks()
    label, other = batch.columns
    assert label.to_pylist() == ["ape", "zebra", None, None, "cat"]
    assert label.type.ordered
    assert label.dictionary.to_pylist() == ["zebra", "ape", "cat"]
    assert other.to_pylist() == [1, 0, 1, 0, 1]


def test_classes_of_one_name_stay_numbers(tmp_path: Path) -> None:
    write(tmp_path / "rows.parquet", of_datasets(pa.table({"label": [0, 1, 2]}), label=["a", "b", "a"]))
    assert next(chunks.open_file(tmp_path / "rows.parquet").chunks()).column(0).to_pylist() == [0, 1, 2]


def test_a_class_without_a_name_is_told_of(tmp_path: Path) -> None:
    write(tmp_path / "rows.parquet", of_datasets(pa.table({"label": [0, 2]}), label=["a", "b"]))
    with pytest.raises(DataError, match="column 'label' has the class 2, but names for 2 classes"):
        list(chunks.open_file(tmp_path / "rows.parquet").chunks())


@pytest.mark.parametrize(
    "written", [b"no JSON", b"[]", b'{"info": {"features": []}}', b'{"info": {"features": {"label": 1}}}']
)
def test_what_datasets_has_not_written_names_no_classes(written: bytes, tmp_path: Path) -> None:
    write(tmp_path / "rows.parquet", pa.table({"label": [0, 1]}).replace_schema_metadata({b"huggingface": written}))
    assert next(chunks.open_file(tmp_path / "rows.parquet").chunks()).column(0).to_pylist() == [0, 1]


def test_when_a_file_has_been_read_no_thread_has_it_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrow's threads read ahead; one that had the file when Python ended aborted the program, with status 134."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    open_csv, let_go = pa.csv.open_csv, threading.Event()

    def hold(file: IO[bytes]) -> None:
        time.sleep(0.2)
        let_go.set()

    def slow(file: IO[bytes], *how: object) -> object:
        let_go.clear()
        threading.Thread(target=hold, args=(file,)).start()
        return open_csv(file, *how)

    monkeypatch.setattr(pa.csv, "open_csv", slow)
    assert sum(batch.num_rows for batch in chunks.open_file(path).chunks()) == 2
    assert let_go.is_set()
    left = chunks.open_file(path).chunks()
    next(left)
    left.close()  # type: ignore[attr-defined]
    assert let_go.is_set()
