"""client/augmint/kinds/table/files.py: read back by the libraries that the files are for."""

import hashlib
import io
import json
import tarfile

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings

import augmint
from augmint import kinds
from augmint.export import export
from augmint.kinds.table import files
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService
from tests.client.tables import CATEGORIES, LABELS, SPEC, tables

FORMATS = ("csv", "tsv", "jsonl", "parquet")


def written(samples, suffix, pieces=1):
    file = io.BytesIO()
    encoder = kinds.of(samples.description).many[suffix](file, samples.description)
    for part in np.array_split(np.arange(len(samples)), pieces):
        encoder.add(samples[part])
    encoder.finish()
    encoder.finish()
    return file.getvalue()


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def separated(content, like, separator=","):
    """A DataFrame of CSV, read with the dtypes of another one; nothing is missing but what is empty."""
    dates = [name for name in like if like[name].dtype.kind == "M"]
    dtypes = {name: dtype for name, dtype in like.dtypes.items() if name not in dates}
    found = pd.read_csv(io.BytesIO(content), sep=separator, dtype=dtypes, keep_default_na=False, na_values=[""])
    for name in dates:
        found[name] = pd.to_datetime(found[name], format="ISO8601").astype("datetime64[us]")
    return found


@settings(max_examples=50)
@given(tables())
def test_csv_and_tsv_round_trip(samples_of, drawn):
    samples = samples_of(*drawn)
    frame = samples.to_frame()
    for suffix, separator in (("csv", ","), ("tsv", "\t")):
        found = separated(written(samples, suffix), frame, separator)
        for name in frame:
            if isinstance(frame[name].dtype, pd.CategoricalDtype):
                frame[name], found[name] = frame[name].astype(object), found[name].astype(object)
        pd.testing.assert_frame_equal(found, frame, check_exact=True)


@settings(max_examples=50)
@given(tables())
def test_parquet_round_trips_with_its_types(samples_of, drawn):
    samples = samples_of(*drawn)
    frame = samples.to_frame()
    found = pd.read_parquet(io.BytesIO(written(samples, "parquet", 3)))
    for name in frame:
        if frame[name].dtype.kind == "M":
            found[name] = pd.to_datetime(found[name]).astype("datetime64[us]")
    pd.testing.assert_frame_equal(found, frame, check_exact=True)


@given(tables())
def test_lines_of_json_are_the_rows(samples_of, drawn):
    samples = samples_of(*drawn)
    lines = written(samples, "jsonl", 2).decode().split("\n")
    assert lines.pop() == ""
    found = [json.loads(line) for line in lines]
    label = files.label_name(samples.description)
    assert [row.pop(label) for row in found] == samples.labels
    wanted = [json.loads(json.dumps(row, default=lambda date: date.isoformat())) for row in files.rows(samples)]
    assert found == wanted


def test_a_csv_looks_as_people_write_them(samples_of):
    rows = [[2, -20, 3, 0.1, 7, 0, 0.25, 1, 0], [np.nan, 0, np.nan, -5, 0, 1, np.nan, 0, np.nan]]
    assert written(samples_of(SPEC, rows), "csv").decode().splitlines() == [
        "job,age,children,amount,account,since,seen,owner,insured,income",
        '"Self-emp, inc",20,3,0.1,1099511627784,2019-04-14,2016-07-18 18:00:00,True,False,<=50K',
        ",40,,-5.0,1099511627777,2019-04-15,,False,,>50K",
    ]


def test_parquet_has_a_type_for_every_column(client):
    content = written(client.generate(classes=[0, 1] * 50, seed=7), "parquet")
    schema = parquet.read_schema(io.BytesIO(content))
    assert {field.name: str(field.type).partition("<")[0] for field in schema} == {
        "job": "dictionary",
        "age": "int64",
        "children": "int64",
        "amount": "double",
        "account": "int64",
        "since": "date32[day]",
        "seen": "timestamp[ms]",
        "owner": "bool",
        "insured": "bool",
        "income": "dictionary",
    }
    frame = pd.read_parquet(io.BytesIO(content))
    assert frame["job"].cat.categories.tolist() == list(CATEGORIES)
    assert str(frame["children"].dtype) == "Int64"


@pytest.mark.parametrize("suffix", FORMATS)
def test_pieces_make_no_difference(client, monkeypatch, suffix):
    monkeypatch.setattr(files, "_GROUP_ROWS", 16)
    samples = client.generate(classes=[0, 1] * 50, seed=7)
    assert written(samples, suffix) == written(samples, suffix, 7) == written(samples, suffix, 100)
    if suffix == "parquet":
        meta = parquet.ParquetFile(io.BytesIO(written(samples, suffix))).metadata
        assert [meta.row_group(number).num_rows for number in range(meta.num_row_groups)] == [16] * 6 + [4]


@pytest.mark.parametrize("format", FORMATS)
def test_every_shard_is_the_same_file_made_alone_or_again(client, tmp_path, monkeypatch, format):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    done = export(client, whole, n=500, shards=3, format=format, seed=7)
    monkeypatch.setattr("augmint.export._CHUNK_SAMPLES", 64)
    for shard in (2, 0, 1):
        export(client, parts, n=500, shards=3, only=[shard], format=format, seed=7)
    assert hashes(whole) == hashes(parts)
    assert done.files == tuple(f"fake-0000{shard}-of-00003.{format}" for shard in range(3))
    again = export(client, whole, n=500, shards=3, format=format, seed=7)
    assert (again.made, again.skipped) == ((), (0, 1, 2))


def test_an_export_is_the_rows_of_the_stream(client, tmp_path):
    done = export(client, tmp_path, n=501, shards=2, format="csv", seed=7)
    classes = np.arange(501) % 2
    frame = client.generate(classes=classes, seed=7).to_frame()
    found = pd.concat([separated((tmp_path / name).read_bytes(), frame) for name in done.files], ignore_index=True)
    assert found.astype(str).equals(frame.astype(str))


@pytest.mark.parametrize("format", FORMATS)
def test_a_service_that_fails_half_way_leaves_no_half_file(client, fake, tmp_path, monkeypatch, format):
    monkeypatch.setattr("augmint.export._CHUNK_SAMPLES", 64)
    client.describe()
    fake.faults = [None, None, augmint.ServiceFault("broken")]
    with pytest.raises(augmint.ServiceFault, match="broken"):
        export(client, tmp_path, n=5000, format=format, seed=7)
    assert {path.name for path in tmp_path.iterdir()} == {"manifest.json"}
    export(client, tmp_path, n=5000, format=format, seed=7)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl"])
def test_a_kind_without_rows_has_no_such_files(tmp_path, format):
    with augmint.Client(transport=FakeService()) as client:
        whose = " and ".join(kinds.MANY[format])
        named = (
            f"format '{format}' is for {whose}; generator 'fake' makes image: one of webdataset, parquet, npz, folder"
        )
        with pytest.raises(augmint.InvalidRequest, match=named):
            export(client, tmp_path / "out", n=5, format=format)
    assert not (tmp_path / "out").exists()


def test_webdataset_and_npz_hold_rows_and_raw_rows(client, tmp_path):
    export(client, tmp_path / "w", n=3, seed=7)
    export(client, tmp_path / "n", n=3, seed=7, format="npz")
    frame = client.generate(classes=[0, 1, 0], seed=7)
    with tarfile.open(next((tmp_path / "w").glob("*.tar"))) as tar:
        assert tar.getnames()[:3] == [f"000000000000000.{suffix}" for suffix in ("row.json", "cls", "json")]
        row = json.loads(tar.extractfile(tar.getnames()[0]).read())
    assert list(row) == [column.name for column in SPEC.columns]
    assert row["age"] == frame.to_frame()["age"][0]
    with np.load(next((tmp_path / "n").glob("*.npz"))) as file:
        assert np.array_equal(file["array"], frame.array, equal_nan=True)


def test_webdataset_reads_rows_back(client, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    done = export(client, tmp_path, n=20, seed=7)
    data = webdataset.WebDataset(str(tmp_path / done.files[0]), shardshuffle=False, empty_check=False).decode()
    found = list(data.to_tuple("row.json", "cls"))
    frame = client.generate(classes=np.arange(20) % 2, seed=7).to_frame()
    assert [row["account"] for row, _ in found] == frame["account"].tolist()
    assert [label for _, label in found] == [0, 1] * 10


def test_hugging_face_reads_the_parquet_file(client, tmp_path):
    datasets = pytest.importorskip("datasets")
    done = export(client, tmp_path, n=50, seed=7, format="parquet")
    data = datasets.Dataset.from_parquet(str(tmp_path / done.files[0]), cache_dir=str(tmp_path / "cache"))
    frame = client.generate(classes=np.arange(50) % 2, seed=7).to_frame()
    assert data["age"][:] == frame["age"].tolist()
    assert data["job"][:] == [name if isinstance(name, str) else None for name in frame["job"]]
    assert set(data["income"][:]) == set(LABELS)


def test_what_csv_readers_take_for_the_end_of_a_line_is_quoted(samples_of):
    table = pb.TableSpec(columns=[pb.ColumnSpec(name="a\rb", categories=['x\ry"', "z\n,"], missing=True)])
    samples = samples_of(table, [[0], [np.nan], [1]])
    found = pd.read_csv(io.BytesIO(written(samples, "csv")))
    assert list(found) == ["a\rb", "label"]
    assert found["a\rb"].isna().tolist() == [False, True, False]
    assert found["a\rb"].dropna().tolist() == ['x\ry"', "z\n,"]
