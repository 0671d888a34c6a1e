"""Rows as they are learned hold what was read: values, categories, missing ones, on disk as in memory."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training.data.errors import DataError
from training.kinds.table import rows
from training.kinds.table.columns import Column, Unit
from training.kinds.table.decision import Decision, Type
from training.kinds.table.reader import Surveyed, look

EPOCH = datetime.date(1970, 1, 1)


def filled(found: Surveyed) -> np.ndarray:
    return rows.fill(found.survey, found.decisions, np.arange(len(found.survey.codes))).samples


def meant(column: Column, raw: np.ndarray) -> list[Any]:
    """What a client makes of a column: None, names, dates, truth or numbers."""
    values: list[Any] = []
    for value in raw.astype(np.float64):
        if np.isnan(value):
            values.append(None)
        elif column.categories:
            values.append(column.categories[int(value)])
        elif column.unit is Unit.TRUTH:
            values.append(bool(value))
        elif column.unit is Unit.DAYS and column.whole:
            values.append(EPOCH + datetime.timedelta(days=int(value + column.offset)))
        elif column.unit is Unit.DAYS:
            minutes = round((value + column.offset) * 1440)
            values.append(datetime.datetime(1970, 1, 1) + datetime.timedelta(minutes=minutes))
        elif column.whole:
            values.append(round(value + column.offset))
        else:
            values.append(round(value + column.offset, 9 if column.decimals is None else column.decimals))
    return values


COUNT = 24
words = st.sampled_from(
    ["red", "dark green", "Blau", "żółty", 'say "x"', "a,b", "a;b", "line\nend", "10th", "9th", "=1"]
)
values = {
    "whole": st.integers(-(10**6), 10**6),
    "far": st.integers(10**12, 10**12 + 10**6),
    "money": st.integers(-(10**6), 10**6).map(lambda cents: cents / 100),
    "category": words,
    "truth": st.booleans(),
    "date": st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)),
    "moment": st.datetimes(datetime.datetime(2010, 1, 1), datetime.datetime(2030, 1, 1)).map(
        lambda moment: moment.replace(second=0, microsecond=0)
    ),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Tables with a few columns of any kind, some of their values missing; a label at the end."""
    chosen = draw(st.lists(st.sampled_from(sorted(values)), min_size=1, max_size=4))
    columns = {}
    for number, kind in enumerate(chosen):
        cells = draw(st.lists(values[kind], min_size=COUNT, max_size=COUNT))
        gaps = draw(st.sets(st.integers(0, COUNT - 1), max_size=COUNT // 2))
        columns[f"{kind} {number}"] = pd.Series(
            [None if row in gaps else cell for row, cell in enumerate(cells)], dtype=object
        )
    columns["label"] = pd.Series(["a", "b"] * (COUNT // 2), dtype=object)
    return pd.DataFrame(columns)


def expected(series: pd.Series, column: Column) -> list[Any]:
    """Of moments that are all at midnight only the days are kept."""
    there = [None if pd.isna(value) else value for value in series]
    if column.unit is Unit.DAYS and column.whole:
        return [value.date() if isinstance(value, datetime.datetime) else value for value in there]
    return there


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """With the types that its columns have in pandas."""
    kinds = {"whole": "Int64", "far": "Int64", "money": "Float64", "category": "string", "truth": "boolean"}
    return frame.astype({name: kinds[name.split()[0]] for name in frame if name.split()[0] in kinds})


# Whole numbers that differ from each other are identifiers where they are near each other.
kept = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@kept
@given(frames(), st.sampled_from([".csv", ".tsv", ".csv.gz", ".parquet", ".jsonl"]))
def test_what_pandas_writes_is_read_as_it_was(frame: pd.DataFrame, ending: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"rows{ending}")
        if ending == ".parquet":
            typed(frame).to_parquet(path, index=False)
        elif ending == ".jsonl":
            text = frame.map(lambda value: value.isoformat() if isinstance(value, datetime.date) else value)
            typed(text).to_json(path, orient="records", lines=True)
        else:
            frame.to_csv(path, index=False, sep="\t" if ending == ".tsv" else ",")
        found = look(str(path))
        raw = filled(found)
    learned = [each for each in found.decisions if each.column is not None]
    for number, decision in enumerate(learned):
        assert decision.column is not None
        assert meant(decision.column, raw[:, number]) == expected(frame[decision.name], decision.column), decision
        assert decision.column.missing == bool(np.isnan(raw[:, number]).any())
        assert decision.absent == np.isnan(raw[:, number]).sum()
    for decision in found.decisions:
        if decision.column is None:
            there = frame[decision.name].dropna()
            # Nothing, or whole numbers that are all different.
            assert len(there) == 0 or (there.nunique() == len(there) and decision.name.startswith(("whole", "far")))


def table(folder: Path, count: int = 1000) -> Path:
    path = folder / "rows.csv"
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "x": random.normal(size=count),
            "kind": random.choice(["a", "b"], count),
            "label": random.choice([0, 1], count),
        }
    )
    frame.loc[::7, "x"] = np.nan
    frame.to_csv(path, index=False)
    return path


def test_many_rows_lie_in_a_file_and_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(str(table(tmp_path)))
    positions = np.arange(0, 1000, 3)
    memory = rows.fill(found.survey, found.decisions, positions)
    monkeypatch.setattr(rows, "IN_MEMORY", 1000)
    monkeypatch.setattr("training.kinds.table.chunks._BLOCK", 4096)
    disk = rows.fill(found.survey, found.decisions, positions)
    assert (memory.on_disk, disk.on_disk) == (False, True)
    assert isinstance(disk.samples, np.memmap)
    assert "of rows lie in a file in" in disk.notes[0]
    np.testing.assert_array_equal(memory.samples, disk.samples)


def test_a_disk_that_is_full_is_told_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(str(table(tmp_path)))
    monkeypatch.setattr(rows, "IN_MEMORY", 1000)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 10})())
    with pytest.raises(DataError, match=r"1,000 rows of 2 columns take 8,000 bytes, and .* has 10 free; set TMPDIR"):
        filled(found)


def test_blocks_of_any_size_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path)
    whole = look(str(path))
    monkeypatch.setattr("training.kinds.table.chunks._BLOCK", 2048)
    pieces = look(str(path))
    assert [each.column for each in pieces.decisions] == [each.column for each in whole.decisions]
    assert [each.absent for each in pieces.decisions] == [each.absent for each in whole.decisions]
    np.testing.assert_array_equal(filled(pieces), filled(whole))


def test_a_source_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = table(tmp_path)
    found = look(str(path))
    path.write_text("\n".join(path.read_text().splitlines()[:-10]))
    with pytest.raises(DataError, match="has changed while it was read"):
        filled(found)


def test_zero_has_one_sign(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,label\n" + "-0.0,a\n0.0,b\n1.5,a\n" * 10)
    assert not np.signbit(filled(look(str(path)))).any()


def test_what_is_too_wide_is_told_with_its_worst_columns() -> None:
    wide = [
        Decision(f"c{n}", Type.CATEGORY, "", Column(f"c{n}", tuple(map(str, range(n * 10_000))))) for n in range(1, 5)
    ]
    with pytest.raises(DataError) as error:
        rows.refuse_wide("rows.csv", wide)
    assert str(error.value) == (
        "rows.csv: a row takes 100,000 values in a network, at most 64,512 can be had; most are of 'c4' 40,000, 'c3' "
        "30,000, 'c2' 20,000: leave columns out (--columns), group rare categories (--rare 20), or bin them"
    )
    rows.refuse_wide("rows.csv", wide[:3])
