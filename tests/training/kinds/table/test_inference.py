"""What a column is taken for, why, and what a person is told where that cannot be said."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from training.data.errors import DataError
from training.kinds.table.columns import Column, Unit
from training.kinds.table.decision import Decision, Type
from training.kinds.table.reader import look

ROWS = 60


def several(values: Sequence[str], rows: int = ROWS) -> list[str]:
    return [values[number % len(values)] for number in range(rows)]


def decided(folder: Path, cells: Sequence[str], name: str = "x", **options: object) -> Decision:
    """What a column of these cells is taken for, in a table with labels."""
    path = folder / "rows.csv"
    lines = [f'"{cell}";{"ab"[number % 2]}' for number, cell in enumerate(cells)]
    path.write_text("\n".join([f"{name};label", *lines]) + "\n")
    return look(str(path), **options).decisions[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cells", "type_", "column"),
    [
        (["1", "2", "30"], Type.WHOLE, Column("x", whole=True)),
        (["1.0", "2.0", ""], Type.WHOLE, Column("x", whole=True, missing=True)),
        (["0", "1"], Type.WHOLE, Column("x", whole=True)),
        (["1.25", "2.5", "-3"], Type.NUMBER, Column("x", decimals=2)),
        (["1e-3", ".5", "+2"], Type.NUMBER, Column("x", decimals=3)),
        (["0.12345678", "2.5"], Type.NUMBER, Column("x")),
        (["true", "False"], Type.TRUTH, Column("x", whole=True, unit=Unit.TRUTH)),
        (["yes", "no"], Type.CATEGORY, Column("x", ("no", "yes"))),
        (["2020-01-31", "2021-02-28"], Type.DATE, Column("x", whole=True, unit=Unit.DAYS)),
        (["31.01.2020", "28.02.2021"], Type.DATE, Column("x", whole=True, unit=Unit.DAYS)),
        (["20200131", "20210228"], Type.DATE, Column("x", whole=True, unit=Unit.DAYS)),
        (["Jan 31, 2020", "Feb 28, 2021"], Type.DATE, Column("x", whole=True, unit=Unit.DAYS)),
        (["2020-01-31 10:30", "2020-02-28 11:00"], Type.MOMENT, Column("x", offset=18292.0, unit=Unit.DAYS)),
        (["2020-01-31T10:30:00Z", "2020-02-28T11:00:00Z"], Type.MOMENT, Column("x", offset=18292.0, unit=Unit.DAYS)),
        (["b10", "b9", "B1"], Type.CATEGORY, Column("x", ("B1", "b9", "b10"))),
        (["00501", "10001"], Type.CATEGORY, Column("x", ("00501", "10001"))),
        (["0", "1", "2", "3+"], Type.CATEGORY, Column("x", ("0", "1", "2", "3+"))),
        (["same"], Type.CATEGORY, Column("x", ("same",))),
        (["7"], Type.WHOLE, Column("x", whole=True)),
        (["100000001", "100000002"], Type.WHOLE, Column("x", whole=True, offset=100000001.0)),
    ],
)
def test_columns_are_taken_for_what_people_mean(cells: list[str], type_: Type, column: Column, tmp_path: Path) -> None:
    found = decided(tmp_path, several(cells))
    assert (found.type, found.column) == (type_, column)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["1,5", "12,25"], "a comma before the digits"),
        (["1.234,5", "12,25"], "a comma before the digits"),
        (["12 %", "3.5 %"], "the sign %, which is not kept"),
        (["$1,200.50", "-$3"], "the sign $, which is not kept"),
        (["1 200,50 €", "3 €"], "a comma before the digits and the sign €, which is not kept"),
    ],
)
def test_signs_and_commas_of_numbers_are_read_and_said(cells: list[str], words: str, tmp_path: Path) -> None:
    found = decided(tmp_path, several(cells))
    assert found.type is Type.NUMBER
    assert found.notes == (f"'x' was read as numbers with {words}",)


@pytest.mark.parametrize(
    ("cells", "missing"),
    [
        (["3", "?", "4", "5"], 15),
        (["3", "-", "4", "NA"], 30),
        (["good", "?", "bad", ""], 30),
        (["+", "-", "?"], 0),
        (["high", "none", "low"], 0),
        (["2020-01-31", "-", "NULL"], 40),
        (["1", "#DIV/0!"], 30),
    ],
)
def test_words_that_mean_nothing_are_known_by_the_rest_of_the_column(
    cells: list[str], missing: int, tmp_path: Path
) -> None:
    found = decided(tmp_path, several(cells))
    assert found.column is not None
    assert (found.absent, found.column.missing) == (missing, missing > 0)


def names(count: int, words: int = 1, seed: int = 1) -> list[str]:
    letters = random.Random(seed)
    return [" ".join("".join(letters.choices("abcdefgh", k=9)) for _ in range(words)) for _ in range(count)]


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        ("x", [str(number) for number in range(500, 500 + ROWS)], "an identifier: whole numbers, no two alike"),
        ("customer_id", [str(number**2 % 997) for number in range(ROWS)], "an identifier: whole numbers, no two alike"),
        ("phone", [str(number**7 % 10**9) for number in range(90, 90 + ROWS)], "an identifier: whole numbers, no two"),
        ("seen", [str(1_600_000_000 + number**7 % 10**8) for number in range(90, 90 + ROWS)], "an identifier: whole"),
        ("order_id", several([str(5 * 10**8 * number) for number in range(30)]), "an identifier: its name, and whole"),
        ("x", names(ROWS), "an identifier: no two alike"),
        ("x", [*names(40), *names(20)], "an identifier: 40 different in 60 rows"),
        ("x", names(ROWS, words=6), "free text"),
        ("x", several(["", "NA"]), "it holds nothing"),
        ("x", several(["?"]), "it holds nothing"),
    ],
)
def test_what_is_nothing_to_learn_is_left_out_and_named(
    name: str, cells: list[str], reason: str, tmp_path: Path
) -> None:
    found = decided(tmp_path, cells, name)
    assert (found.type, found.column) == (Type.LEFT_OUT, None)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize("late", ["0017", "many words"])
def test_codes_that_begin_like_numbers_are_asked_about(
    late: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.kinds.table.chunks._BLOCK", 30_000)
    numbers = [str(number * 3 % 2003 + 1) for number in range(6000)]
    with pytest.raises(DataError) as error:
        decided(tmp_path, [*numbers, *([late] if late.isdigit() else [f"{late} {n % 40}" for n in range(7000)])])
    assert "column 'x': holds numbers first and other words or codes later; say by --columns" in str(error.value)
    cells = [f"{number * 3 % 2003:05}" for number in range(6000)]
    assert decided(tmp_path, cells).type is Type.CATEGORY


@pytest.mark.parametrize("power", [2, 9])
def test_whole_numbers_that_differ_by_chance_are_a_quantity(power: int, tmp_path: Path) -> None:
    found = decided(tmp_path, [str(number**power % 999_999_937) for number in range(1, ROWS)][::-1], "income")
    assert found.type is Type.WHOLE
    assert bool(found.notes) == (power == 9)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (
            [*map(str, range(0, 600, 7)), "unknown"],
            "column 'x': 1 of 87 values are no numbers, the first is 'unknown' in line 88; correct them, or say by "
            "--columns that it is a category, or missing = ['unknown']",
        ),
        (
            ["2020-01-31"] * 9 + ["31/01/2020"],
            "6 of 60 values are no dates, the first is '31/01/2020' in line 11; correct",
        ),
        (["03/04/2020", "05/06/2020"], "'03/04/2020' may be read by '%d/%m/%Y' and '%m/%d/%Y'; say which"),
        (["1,234", "5,678"], "'1,234' may be 1234 or 1.234; say which: --columns with decimal = '.' or ','"),
        ([*map(str, range(0, 600, 7)), "inf"], "the first is 'inf' in line 88"),
        (["1e300", "2.5"], "1e+300 is beyond what float32 holds; leave it out, or take its logarithm"),
        (
            ["9007199254740993", "9007199254740995"],
            "whole numbers such as 9007199254740996 cannot be told apart in float",
        ),
    ],
)
def test_what_cannot_be_known_is_asked_in_a_sentence(cells: list[str], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        decided(tmp_path, cells if len(cells) > 10 else several(cells))
    assert str(error.value).startswith(f"{tmp_path / 'rows.csv'}: column 'x': ")
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        (["1", "99999999"], "'x': float32 holds 24 bits, so that numbers up to 99,999,999 are kept to about 8"),
        (["0.01", "999999.99"], "'x': float32 holds 24 bits, so that numbers up to 999,999.99 are kept to about 0.062"),
        (["2020-01-31 10:30:15", "2020-02-28 11:00:00"], "'x': times of day are kept to the minute, as float32 allows"),
        (["1800-01-31 10:30:15", "2020-02-28 11:00:00"], "'x': times of day are kept to 7 minutes, as float32 allows"),
    ],
)
def test_what_float32_does_not_hold_is_said(cells: list[str], note: str, tmp_path: Path) -> None:
    assert decided(tmp_path, several(cells)).notes == (note,)


def test_money_is_held_to_the_cent_by_an_offset(tmp_path: Path) -> None:
    found = decided(tmp_path, several(["1000000.01", "1000000.02", "1000999.99"]))
    assert (found.column, found.notes) == (Column("x", decimals=2, offset=1000000.0), ())


def test_rare_categories_are_said_and_can_become_one(tmp_path: Path) -> None:
    cells = [*several(["a", "b"], 50), "c", "d", "e", "e"]
    assert decided(tmp_path, cells).notes == ("'x': 'c' and 'd' occur once; --rare groups what is rare",)
    found = decided(tmp_path, cells, rare=3)
    assert found.column is not None
    assert found.column.categories == ("a", "b", "(other)")
    assert found.notes == ("'x': 3 categories of fewer than 3 rows became '(other)'",)


@pytest.mark.parametrize(
    ("array", "type_", "column"),
    [
        (pa.array([1, None, 3] * 20, pa.int64()), Type.WHOLE, Column("x", whole=True, missing=True)),
        (pa.array([1.5, float("nan"), 3] * 20), Type.NUMBER, Column("x", decimals=1, missing=True)),
        (pa.array([True, None] * 30), Type.TRUTH, Column("x", whole=True, missing=True, unit=Unit.TRUTH)),
        (pa.array([18000, 18001] * 30, pa.date32()), Type.DATE, Column("x", whole=True, unit=Unit.DAYS)),
        (
            pa.array([18000 * 86400 + 60, 18001 * 86400] * 30, pa.timestamp("s")),
            Type.MOMENT,
            Column("x", offset=18000.0, unit=Unit.DAYS),
        ),
        (pa.array(["1.20", "2.35"] * 30).cast(pa.decimal128(5, 2)), Type.NUMBER, Column("x", decimals=2)),
        (pa.array(["NA", "b"] * 30), Type.CATEGORY, Column("x", ("b", "NA"))),
        (pa.array(["lo", "hi"] * 30).dictionary_encode(), Type.CATEGORY, Column("x", ("hi", "lo"))),
        (pa.array([1, 2] * 30, pa.duration("s")), Type.LEFT_OUT, None),
    ],
)
def test_types_of_files_are_believed(array: pa.Array, type_: Type, column: Column | None, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pa.parquet.write_table(pa.table({"x": array, "label": ["a", "b"] * 30}), path)
    found = look(str(path)).decisions[0]
    assert (found.type, found.column) == (type_, column)


def test_an_ordered_category_keeps_its_order(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    ordered = pandas.Categorical(["mid", "low", "high"] * 20, ["low", "mid", "high"], ordered=True)
    frame = pandas.DataFrame({"x": ordered, "label": ["a", "b", "a"] * 20})
    frame.to_parquet(tmp_path / "rows.parquet")
    column = look(str(tmp_path / "rows.parquet")).decisions[0].column
    assert column is not None
    assert column.categories == ("low", "mid", "high")


def test_moments_with_a_zone_are_in_utc(tmp_path: Path) -> None:
    moments = pa.array([1_577_880_000, 1_580_000_000] * 30, pa.timestamp("s", "Europe/Berlin"))
    pa.parquet.write_table(pa.table({"x": moments, "label": ["a", "b"] * 30}), tmp_path / "rows.parquet")
    assert (
        look(str(tmp_path / "rows.parquet")).decisions[0].reason.endswith("from 2020-01-01T12:00 to 2020-01-26T00:53")
    )


def test_words_of_files_with_types_keep_their_blanks(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"x": ["a ", "NA"] * 30, "label": ["a", "b"] * 30}), tmp_path / "rows.parquet")
    found = look(str(tmp_path / "rows.parquet")).decisions[0]
    assert (found.column, found.absent) == (Column("x", ("a ", "NA")), 0)


@pytest.mark.parametrize("reverse", [False, True])
def test_parts_of_a_table_must_agree_in_their_types(reverse: bool, tmp_path: Path) -> None:
    parts = [pa.array([1, 2] * 10), pa.array([None] * 20), pa.array(["1", "2"] * 10)]
    for number, part in enumerate(reversed(parts) if reverse else parts):
        pa.parquet.write_table(pa.table({"x": part, "label": ["a", "b"] * 10}), tmp_path / f"part-{number}.parquet")
    with pytest.raises(DataError) as error:
        look(str(tmp_path))
    own, before = ("int64, which is numbers", "text") if reverse else ("string, which is text", "numbers")
    assert str(error.value) == (
        f"{tmp_path}/part-2.parquet: column 'x' is of the type {own}, but in the files before it is {before}; write it "
        "alike in all"
    )
    (tmp_path / "part-2.parquet").unlink()
    column = look(str(tmp_path)).decisions[0].column
    assert column is not None
    assert column.missing
