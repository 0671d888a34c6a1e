"""From a source of rows to a data set, and again for a generator of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from training.data import DataError, Dataset
from training.kinds import load, load_again
from training.kinds.table import reader, rows
from training.kinds.table.columns import Column, Unit, sample_spec
from training.source import SourceOptions

COUNT = 60


def frame(count: int = COUNT, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": np.arange(1000, 1000 + count),
            "age": random.integers(18, 90, count),
            "city": random.choice(["Bern", "Oslo", "Rom"], count),
            "note": [" ".join(random.choice(list("abcdefgh"), 12)) * 2 for _ in range(count)],
            "since": pd.to_datetime("2020-01-01") + pd.to_timedelta(random.integers(0, 900, count), unit="D"),
            "income": np.where(random.random(count) < 0.5, "low", "high"),
        }
    )


def write(path: Path, table: pd.DataFrame) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)
    return path


def read(path: Path, **options: object) -> Dataset:
    return load(str(path), SourceOptions(label="income", **options))  # type: ignore[arg-type]


def refused(path: Path, **options: object) -> str:
    with pytest.raises(DataError) as error:
        read(path, **options)
    return str(error.value)


def test_rows_become_samples_with_labels(tmp_path: Path) -> None:
    table = frame()
    found = read(write(tmp_path / "rows.csv", table))
    assert (found.samples.dtype, found.samples.shape) == (np.float32, (COUNT, 3))
    assert found.class_names == ("high", "low")
    np.testing.assert_array_equal(found.labels, (table["income"] == "low").astype(int))
    np.testing.assert_array_equal(found.samples[:, 0], table["age"].astype(np.float32))
    assert found.kind.spec == sample_spec(
        [
            Column("age", whole=True),
            Column("city", ("Bern", "Oslo", "Rom")),
            Column("since", whole=True, unit=Unit.DAYS),
        ],
        "income",
    )


def test_it_is_said_what_was_read_and_what_was_left_out(tmp_path: Path) -> None:
    table = frame()
    table.loc[:3, "city"] = None
    table.loc[5, "income"] = None
    found = read(write(tmp_path / "rows.csv", table))
    assert found.reading is not None
    assert found.reading.sentences() == [
        "read as a table of rows (cells separated by comma, UTF-8), the labels in the column 'income'; no split of its "
        "own",
        "left out: 1 rows without a label, 2 columns",
    ]
    assert [(part.name, part.type) for part in found.reading.parts] == [
        *(("id", "left out"), ("age", "whole number"), ("city", "category")),
        *(("note", "left out"), ("since", "date")),
    ]
    assert found.reading.parts[2].reason == "words, 3 different; 4 missing"
    assert found.notes[:2] == (
        "columns left out: 'id' (an identifier: whole numbers, no two alike), 'note' (free text); `training columns` "
        "writes a file in which they can be kept",
        "missing values: 'city' 4",
    )
    assert len(found.labels) == COUNT - 1


def test_a_generators_rows_are_read_again_in_its_order(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", frame())
    found = read(path)
    again = load_again(found.kind.spec, str(path))
    assert (again.digest, again.class_names) == (found.digest, found.class_names)
    spec = sample_spec([Column("city", ("Rom", "Oslo", "Bern")), Column("age", whole=True, offset=5.0)], "income")
    other = load_again(spec, str(path))
    assert other.kind.spec == spec
    np.testing.assert_array_equal(other.samples[:, 0], 2 - found.samples[:, 1])
    np.testing.assert_array_equal(other.samples[:, 1], found.samples[:, 0] - 5)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ([Column("height")], "has no column 'height', which the generator has"),
        ([Column("ages", whole=True)], "has no column 'ages', which the generator has; did you mean 'age'?"),
        ([Column("city", ("Bern", "Rom"))], "column 'city': has the category 'Oslo', which is none of the generator"),
        ([Column("city")], "column 'city': the generator says 'number', but its values, such as 'Bern'"),
    ],
)
def test_data_that_are_not_a_generators_are_refused(columns: list[Column], sentence: str, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", frame().sort_values("city"))
    with pytest.raises(DataError) as error:
        load_again(sample_spec(columns, "income"), str(path))
    assert sentence in str(error.value)


def test_a_test_with_labels_is_the_official_one(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", frame())
    write(tmp_path / "test.csv", frame(30, 1)[["income", "since", "note", "city", "age", "id"]])
    found = read(tmp_path)
    assert found.official_test is not None
    assert found.official_test.tolist() == list(range(60, 90))
    assert found.reading is not None
    assert found.reading.splits == "'train.csv' is for training, 'test.csv' is the test split"


def test_a_test_without_labels_is_left_out_and_said(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", frame())
    write(tmp_path / "test.csv", frame(30, 1).drop(columns="income"))
    found = read(tmp_path)
    assert (found.official_test, len(found.labels)) == (None, 60)
    assert found.notes[0] == "test.csv was left out: it has no labels (column 'income'), as a competition's test"


def test_the_one_column_that_a_competition_leaves_out_of_its_test_is_the_label(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", frame())
    write(tmp_path / "test.csv", frame(30, 1).drop(columns="income"))
    found = load(str(tmp_path), SourceOptions())
    assert found.class_names == ("high", "low")
    assert "'income'" in found.notes[0]
    # Where a name says which it is, a column that the test lacks is a fault of the test.
    write(tmp_path / "train.csv", frame().rename(columns={"income": "label"}))
    write(tmp_path / "test.csv", frame(30, 1).rename(columns={"income": "label"}).drop(columns="age"))
    with pytest.raises(DataError, match=r"test\.csv: has no column 'age', which train.csv has"):
        load(str(tmp_path), SourceOptions())


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        (frame(30, 1).drop(columns="age"), "test.csv: has no column 'age', which train.csv has"),
        (frame(30, 1).assign(more=1), "test.csv: has the column 'more', which train.csv has not"),
    ],
)
def test_a_test_of_other_columns_is_refused(test: pd.DataFrame, sentence: str, tmp_path: Path) -> None:
    write(tmp_path / "train.csv", frame())
    write(tmp_path / "test.csv", test)
    assert sentence in refused(tmp_path)


def test_a_fault_in_one_of_several_files_is_told_with_its_line(tmp_path: Path) -> None:
    tables = [frame(seed=seed) for seed in range(2)]
    tables[1]["age"] = tables[1]["age"].astype(str)
    tables[1].loc[7, "age"] = "old"
    for number, each in enumerate(tables):
        write(tmp_path / f"part-{number}.csv", each)
    assert "the first is 'old' in line 9 of part-1.csv; correct them" in refused(tmp_path)


def test_a_class_that_occurs_once_is_refused_or_dropped(tmp_path: Path) -> None:
    table = frame()
    table.loc[3, "income"] = "unheard-of"
    path = write(tmp_path / "rows.csv", table)
    sentence = "class 'unheard-of' has 1 samples; at least 8 are needed; --drop-scarce leaves it out"
    assert sentence in refused(path)
    found = read(path, drop_scarce=True)
    assert (found.class_names, len(found.labels)) == (("high", "low"), COUNT - 1)
    np.testing.assert_array_equal(found.samples[:, 0], table["age"].drop(index=3).astype(np.float32))


def test_rows_on_disk_can_lose_a_scarce_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "IN_MEMORY", 10)
    table = frame()
    table.loc[3, "income"] = "unheard-of"
    found = read(write(tmp_path / "rows.csv", table), drop_scarce=True)
    assert (found.on_disk, len(found.samples)) == (True, COUNT - 1)


def test_one_class_is_taken(tmp_path: Path) -> None:
    assert read(write(tmp_path / "rows.csv", frame().assign(income="all"))).class_names == ("all",)


def test_rows_that_repeat_are_counted(tmp_path: Path) -> None:
    table = frame()
    first = table.iloc[:1]
    table = pd.concat([table, table.iloc[:5], first.assign(income="low"), first.assign(income="high")])
    found = read(write(tmp_path / "rows.csv", table.assign(id=0)))
    assert "7 samples are exact copies of others; a copy may be in both training and test" in found.notes
    assert "1 sample has more than one label: 'high' and 'low' (1)." in found.notes
    assert "constant columns are kept as they are: 'id'" in found.notes


def test_rows_that_are_all_alike_are_refused(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1] * 20, "b": ["x"] * 20, "income": ["low", "high"] * 10})
    assert "all 20 rows are equal but for their labels; there is nothing to learn" in refused(
        write(tmp_path / "rows.csv", table)
    )


def test_a_table_without_a_column_to_learn_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", frame()[["id", "income"]])
    assert "no column is left to learn beside the labels of 'income'" in refused(path)


def test_what_is_too_wide_is_said_before_rows_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "WIDEST", 20)
    monkeypatch.setattr(reader.raw_rows, "fill", None)
    assert "a row takes 27 values in a network, at most 20 can be had" in refused(write(tmp_path / "rows.csv", frame()))


def test_the_digest_is_of_values_and_not_of_how_they_are_written(tmp_path: Path) -> None:
    table = frame()
    digests = {read(write(tmp_path / "a.csv", table)).digest}
    table.to_csv(tmp_path / "b.csv.gz", index=False, sep=";")
    table.to_parquet(tmp_path / "c.parquet")
    digests |= {read(tmp_path / name).digest for name in ("b.csv.gz", "c.parquet")}
    assert len(digests) == 1
    assert read(write(tmp_path / "d.csv", table.assign(age=table["age"] + 1))).digest not in digests


def test_columns_that_were_said_are_read_so_again(tmp_path: Path) -> None:
    table = frame().assign(age=[*map(str, range(COUNT - 1)), "unknown"])
    path = write(tmp_path / "rows.csv", table)
    (tmp_path / "columns.toml").write_text(
        "label = 'income'\n[[column]]\nname = 'age'\ntype = 'whole number'\nmissing = ['unknown']\n"
        + "".join(f"[[column]]\nname = '{name}'\ntype = 'left out'\n" for name in ("id", "city", "note", "since"))
    )
    options = SourceOptions(columns=str(tmp_path / "columns.toml"))
    found = load(str(path), options)
    assert found.kind.spec.table.columns[0].missing
    assert load_again(found.kind.spec, str(path), options).digest == found.digest
    with pytest.raises(DataError, match="'unknown' in line 61 is none"):
        load_again(found.kind.spec, str(path))


def test_ranges_do_not_change_how_data_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", frame())
    found = read(path)
    columns = [replace(Column.from_message(each), minimum=0.0, maximum=1.0) for each in found.kind.spec.table.columns]
    assert load_again(sample_spec(columns, "income"), str(path)).digest == found.digest
