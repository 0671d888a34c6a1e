"""Rows of a table in the loaders of other libraries, in the commands and in notebooks."""

import json

import numpy as np
import pandas as pd
import pytest

import augmint
from augmint.__main__ import main
from augmint.arrays import ArrayStream
from augmint.dali import ExternalSource
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService, served
from tests.client.tables import CATEGORIES, LABELS, SPEC


@pytest.fixture
def frame(client):
    """Twelve rows of seed 7, labels in turn."""
    return client.generate(classes=[0, 1] * 6, seed=7).to_frame()


def test_array_streams_and_dali_give_raw_rows(client):
    raw = client.generate(classes=[0, 1] * 6, seed=7).array
    with ArrayStream(client, batch_size=12, length=12, seed=7) as stream:
        ((rows, labels),) = stream
    assert rows.dtype == np.float32
    assert np.array_equal(rows, raw, equal_nan=True)
    assert labels.tolist() == [0, 1] * 6
    arrays, classes = ExternalSource(client, batch_size=12, length=12, seed=7)(0)
    assert np.array_equal(np.stack(arrays), raw, equal_nan=True)
    assert np.concatenate(classes).tolist() == [0, 1] * 6


def test_hugging_face_has_a_typed_column_for_each(target, frame, tmp_path):
    datasets = pytest.importorskip("datasets")
    from augmint.huggingface import dataset, iterable_dataset

    data = dataset(target, length=12, seed=7, cache_dir=str(tmp_path))
    assert list(data.features) == list(frame)
    assert data.features["job"].names == list(CATEGORIES)
    assert data.features["income"].names == list(LABELS)
    found = {name: getattr(feature, "dtype", None) for name, feature in data.features.items()}
    assert {name: found[name] for name in ("age", "amount", "owner", "since", "seen")} == {
        "age": "int64",
        "amount": "float64",
        "owner": "bool",
        "since": "date32",
        "seen": "timestamp[ms]",
    }
    table = data.to_pandas()
    assert table["age"].tolist() == frame["age"].tolist()
    assert table["amount"].tolist() == frame["amount"].tolist()
    assert table["job"].fillna(-1).tolist() == frame["job"].cat.codes.tolist()
    assert pd.to_datetime(table["since"]).equals(frame["since"].astype(pd.to_datetime(table["since"]).dtype))
    assert pd.to_datetime(table["seen"]).astype("datetime64[us]").equals(frame["seen"])
    examples = list(iterable_dataset(target, length=12, seed=7))
    assert [one["children"] for one in examples] == [None if pd.isna(one) else one for one in frame["children"]]
    assert isinstance(data.features["job"], datasets.ClassLabel)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_generate_writes_typed_rows(target, client, tmp_path, capsys, monkeypatch, suffix):
    monkeypatch.setattr("augmint.commands._PIECE", 7)
    out = tmp_path / f"rows.{suffix.upper()}"
    assert main(["generate", "-n", "10", "--seed", "7", "--out", str(out), "--target", target]) == 0
    assert "20 samples of fake/1, seed 7" in capsys.readouterr().out
    read = {
        "csv": pd.read_csv,
        "tsv": lambda path: pd.read_csv(path, sep="\t"),
        "jsonl": lambda path: pd.read_json(path, lines=True),
        "parquet": pd.read_parquet,
    }
    found = read[suffix](out)
    wanted = client.generate(classes=[0] * 10 + [1] * 10, seed=7).to_frame()
    assert list(found) == list(wanted)
    for name in ("age", "amount", "account", "owner", "income"):
        assert found[name].tolist() == wanted[name].tolist()
    assert found["children"].isna().tolist() == wanted["children"].isna().tolist()


def test_generate_without_a_file_prints_rows(target, client, capsys):
    assert main(["generate", "--seed", "7", "--target", target]) == 0
    header, *rows, blank, end = capsys.readouterr().out.splitlines()
    assert header.split() == [*(column.name for column in SPEC.columns), "income"]
    assert len(rows) == 10
    assert (blank, end) == ("", "10 samples of fake/1, seed 7")
    frame = client.generate(classes=[0] * 5 + [1] * 5, seed=7).to_frame()
    start = header.index("age")
    assert [int(row[start : start + 3]) for row in rows] == frame["age"].tolist()
    assert [row.endswith(">50K") for row in rows] == [False] * 5 + [True] * 5


def test_a_narrow_terminal_gets_columns_in_blocks(target, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert main(["generate", "-n", "1", "--label", ">50K", "--seed", "7", "--target", target]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    words = [word for line in lines for word in line.split()]
    assert {column.name for column in SPEC.columns} <= {*words}


def test_generate_without_a_file_prints_json(target, client, capsys):
    assert main(["generate", "-n", "2", "--seed", "7", "--json", "--target", target]) == 0
    told = json.loads(capsys.readouterr().out)
    frame = client.generate(classes=[0, 0, 1, 1], seed=7).to_frame()
    assert [row["age"] for row in told["samples"]] == frame["age"].tolist()
    assert [row["income"] for row in told["samples"]] == frame["income"].tolist()
    assert client.replay(told["addresses"][0]).to_frame().equals(frame)


@pytest.mark.parametrize(
    ("out", "named"),
    [
        (["--out", "a.png"], "makes table: use --out FILE.npz"),
        (
            ["--out", "a.xlsx"],
            "must end in .npz, .png, .jpg, .jpeg, .webp, .wav, .mid, .csv, .tsv, .jsonl, .parquet, .txt",
        ),
        (["--out", "a.csv", "--font", "x.ttf"], "--font is for pictures"),
        (["--font", "x.ttf"], "--font is for pictures"),
    ],
)
def test_what_is_no_file_of_rows_is_one_sentence(target, tmp_path, monkeypatch, capsys, out, named):
    monkeypatch.chdir(tmp_path)
    assert main(["generate", *out, "--target", target]) == 2
    assert named in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["generate", "--out", "a.csv"], ".csv is for table; generator 'fake' makes image: use --out FILE.npz"),
        (["generate"], "--out is not given, and image is nothing to print: say where to, FILE.npz"),
        (
            ["export", "--n", "4", "--out", "f", "--format", "csv"],
            "format 'csv' is for table; generator 'fake' makes image",
        ),
    ],
)
def test_a_kind_without_rows_is_one_sentence(tmp_path, monkeypatch, capsys, arguments, named):
    monkeypatch.chdir(tmp_path)
    with served(FakeService()) as target:
        assert main([*arguments, "--target", target]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_export_writes_typed_shards(target, frame, tmp_path, capsys):
    arguments = ["--n", "12", "--shards", "2", "--seed", "7", "--format", "parquet", "--out", str(tmp_path)]
    assert main(["export", *arguments, "--target", target]) == 0
    assert "2 of 2 shards written" in capsys.readouterr().out
    found = pd.concat([pd.read_parquet(path) for path in sorted(tmp_path.glob("*.parquet"))], ignore_index=True)
    for name in ("job", "age", "children", "amount", "owner", "insured", "income"):
        pd.testing.assert_series_equal(found[name], frame[name])


def test_a_notebook_shows_rows(client):
    samples = client.generate(classes=[0, 1] * 30, seed=7)
    html = samples._repr_html_()
    assert html.count("<tr>") == 21
    assert "<th>job</th>" in html
    assert "&lt;=50K" in html
    assert "20 of 60" in html


def test_images_have_no_place_in_a_table(client):
    with pytest.raises(augmint.InvalidRequest, match="makes table, not images"):
        client.generate("<=50K").to_images()


def test_show_tells_of_every_column_and_what_is_measured_of_tables(target, fake, capsys):
    fake.quality = pb.QualityCard(
        measurements=[
            pb.Measurement(name="distance of a column, worst", value=0.0213, real=0.0064, detail="amount"),
            pb.Measurement(name="values out of range", value=0),
        ],
        membership_inference=pb.MembershipInference(auc=0.507, low=0.494, high=0.519),
    )
    assert main(["show", "--target", target]) == 0
    lines = capsys.readouterr().out.splitlines()
    for line in (
        "  job       Private, State-gov, Self-emp, inc; may be missing",
        "  age       whole numbers from 20 to 90",
        "  children  whole numbers from 0 to 9; may be missing",
        "  amount    numbers from -1000.0 to 1000.0",
        "  since     dates from 2008-05-01 to 2030-03-27",
        "  seen      dates with a time from 2016-07-18 12:00:00 to 2024-10-04 12:00:00; may be missing",
        "  owner     true or false",
        "  distance of a column, worst    0.0213 (amount), real 0.0064",
        "  values out of range            0",
        "  membership inference           AUC 0.51 (0.49 to 0.52), by chance 0.5",
    ):
        assert line in lines
    assert main(["show", "--json", "--target", target]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [column["name"] for column in told["sample"]["table"]["columns"]] == [one.name for one in SPEC.columns]
