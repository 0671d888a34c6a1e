"""columns.toml: written and read again without a change, and its faults told by their lines."""

from __future__ import annotations

import textwrap
import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.errors import DataError
from training.kinds.table import plan as plans
from training.kinds.table import rows
from training.kinds.table.columns import Column
from training.kinds.table.decision import Decision, Type
from training.kinds.table.reader import described, look

ROWS = """\
when;amount;kind;sure;id;label
01/02/2020;1,5 €;x;true;a1;good
13/02/2020;2,25 €;y;false;a2;bad
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    head, *lines = ROWS.splitlines()
    path.write_text("\n".join([head, *(line.replace(";a", f";{number}") for number in range(30) for line in lines)]))
    return path


def test_what_was_written_is_read_in_the_same_way(data: Path) -> None:
    found = look(str(data))
    _, text = described(str(data))
    written = data.with_name("columns.toml")
    written.write_text(text, encoding="utf-8")
    again = look(str(data), columns=str(written))
    assert again.label == "label"
    assert [each.column for each in again.decisions] == [each.column for each in found.decisions]
    assert tomllib.loads(described(str(data), columns=str(written))[1]) == tomllib.loads(text)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(names, st.lists(names, min_size=1, max_size=5, unique=True), st.floats(allow_nan=False, allow_infinity=False))
def test_any_name_and_number_survives_the_file(name: str, categories: list[str], offset: float) -> None:
    decisions = [
        Decision(name, Type.CATEGORY, name, Column(name, tuple(categories))),
        Decision(name + "2", Type.WHOLE, "", Column(name + "2", whole=True, offset=offset)),
        Decision(name + "3", Type.LEFT_OUT, "\n" + name),
    ]
    content = tomllib.loads(plans.written(decisions, name, name))
    assert content["label"] == name
    assert [each["name"] for each in content["column"]] == [name, name + "2", name + "3"]
    assert content["column"][0]["categories"] == categories
    assert content["column"][1].get("offset", 0.0) == offset


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("label = \n", "Invalid value (at line 1, column 9)"),
        ("labels = 'x'\n[[column]]\nname = 'a'\n", ", line 1: 'labels' is not known; wanted label and [[column]]"),
        ("label = 3\n", ", line 1: label is the name of a column, in quotes"),
        ("[column]\nname = 'a'\n", ", line 1: wanted [[column]] above each column, in two brackets"),
        ("label = 'x'\n", ": has no [[column]]"),
        ("[[column]]\ntype = 'number'\n", ", line 1: a column without name"),
        ("[[column]]\nname = 'a'\n[[column]]\nname = 'a'\n", ", line 4: 'a' is there twice"),
        ("[[column]]\nname = 'a'\ntyp = 'number'\n", ", line 3: 'typ' is not known; did you mean 'type'?"),
        ("[[column]]\nname = 'a'\n\ntype = 'numeric'\n", ", line 4: type 'numeric' is none of 'number', 'whole"),
        ("[[column]]\nname = 'a'\ncategories = 'x'\n", ", line 3: categories is a list of texts"),
        ("[[column]]\nname = 'a'\ncategories = [1]\n", ", line 3: categories is a list of texts, each in quotes"),
        ("[[column]]\nname = 'a'\ntype = 'category'\ncategories = ['x', 'x']\n", ", line 4: categories must be there"),
        (
            "[[column]]\nname = 'a'\ntype = 'number'\ncategories = ['x']\n",
            ", line 4: categories is for 'category', not",
        ),
        ("[[column]]\nname = 'a'\nformat = '%Y'\n", ", line 3: format needs a type: 'date' and 'date and time'"),
        ("[[column]]\nname = 'a'\ntype = 'number'\ndecimal = ';'\n", ", line 4: decimal is '.' or ','"),
        ("[[column]]\nname = 'a'\ntype = 'number'\ndecimals = 20\n", ", line 4: decimals are from 0 to 9"),
        ("[[column]]\nname = 'a'\ntype = 'number'\noffset = true\n", ", line 4: offset is a number"),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "columns.toml"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        plans.read(path)
    assert str(error.value).startswith(str(path))
    assert fault in str(error.value)


def test_a_file_that_is_not_there_is_told_with_what_writes_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such file; `training columns DATA` writes one"):
        plans.read(tmp_path / "columns.toml")


HEAD = "label = 'label'\n"


def asked(data: Path, text: str) -> list[Decision]:
    path = data.with_name("asked.toml")
    path.write_text(HEAD + text)
    return look(str(data), columns=str(path)).decisions


def column(name: str, type_: str, more: str = "") -> str:
    return f"[[column]]\nname = '{name}'\ntype = '{type_}'\n{more}\n"


OTHERS = "".join(column(name, "left out") for name in ("when", "amount", "sure", "id"))


def test_columns_are_read_as_asked_and_in_that_order(data: Path) -> None:
    text = (
        column("kind", "category", "categories = ['y', '(other)']")
        + column("id", "category")
        + column("when", "date", "format = '%d/%m/%Y'")
        + column("sure", "category")
        + column("amount", "left out")
    )
    kind, number, when, sure, amount = asked(data, text)
    assert kind.column == Column("kind", ("y", "(other)"))
    assert number.column is not None
    assert number.column.categories[:3] == ("01", "02", "11")
    assert (when.type, sure.column) == (Type.DATE, Column("sure", ("false", "true")))
    assert (amount.column, amount.reason) == (None, "as asked")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (column("kind", "number") + OTHERS, "column 'kind': {path}, line 4 says 'number', but its values, such as 'x'"),
        (
            column("kind", "category", "categories = ['x']") + OTHERS,
            "column 'kind': has the category 'y', which is none of {path}, line 4; add it, or add '(other)'",
        ),
        (column("kind", "category") + column("kin", "category") + OTHERS, "has no column 'kin', which {path} has; did"),
        (column("kind", "category"), "has the column 'when', of which {path} says nothing; add it, with type = \"left"),
        (
            column("when", "date", "format = '%Y-%m-%d'")
            + column("kind", "left out")
            + OTHERS.replace("name = 'when'", "name = 'gone'"),
            "column 'when': {path}, line 4 says 'date', but '01/02/2020' in line 2 is none, as 59 more are not",
        ),
        (
            column("amount", "whole number") + OTHERS.replace("'amount'", "'kind'"),
            "says 'whole number', but it has fra",
        ),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(data: Path, text: str, fault: str) -> None:
    with pytest.raises(DataError) as error:
        asked(data, text)
    assert fault.format(path=data.with_name("asked.toml")) in str(error.value)


def test_words_can_be_said_to_mean_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    cells = [*map(str, range(100)), "unknown", "-999"]
    path.write_text("x,label\n" + "".join(f"{cell},{'ab'[number % 2]}\n" for number, cell in enumerate(cells)))
    (tmp_path / "asked.toml").write_text(HEAD + column("x", "whole number", "missing = ['unknown', '-999']"))
    (found,) = look(str(path), columns=str(tmp_path / "asked.toml")).decisions
    assert (found.column, found.absent) == (Column("x", whole=True, missing=True), 2)


def test_numbers_of_files_with_types_can_mean_nothing_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    table = pa.table({"x": [1, -999, 3] * 10, "y": [0.5, float("nan"), -999.0] * 10, "label": ["a", "b", "a"] * 10})
    pa.parquet.write_table(table, path)
    text = column("x", "whole number", "missing = ['-999']") + column("y", "number", "missing = ['-999']")
    (tmp_path / "asked.toml").write_text(HEAD + text)
    found = look(str(path), columns=str(tmp_path / "asked.toml"))
    assert [each.absent for each in found.decisions] == [10, 20]
    raw = rows.fill(found.survey, found.decisions, np.arange(30)).samples
    np.testing.assert_array_equal(raw[:3], np.array([[1, 0.5], [np.nan, np.nan], [3, np.nan]], np.float32))


def test_truth_can_be_said_by_other_words(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,label\n" + "Yes,a\nno,b\n" * 20)
    (tmp_path / "asked.toml").write_text(HEAD + column("x", "truth"))
    (found,) = look(str(path), columns=str(tmp_path / "asked.toml")).decisions
    assert found.type is Type.TRUTH


def test_the_example_of_the_documentation_is_understood(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs/train.md").read_text()
    text = page[page.index('    label = "income"') : page.index("A numeric label with many values")]
    (tmp_path / "columns.toml").write_text(textwrap.dedent(text))
    found = plans.read(tmp_path / "columns.toml")
    assert [wanted.type for wanted in found.columns.values()] == [Type.WHOLE, Type.DATE, Type.CATEGORY, Type.NUMBER]
