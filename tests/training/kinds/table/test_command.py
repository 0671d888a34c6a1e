"""`training columns DATA`: what the columns are, printed and written to be changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.__main__ import app
from training.kinds.table import plan

ROWS = "id,age,city,income\n" + "".join(
    f"{number},{20 + number * 7 % 30},{'Bern' if number % 3 else 'Rom'},{'low' if number % 2 else 'high'}\n"
    for number in range(40)
)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(ROWS)


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["columns", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def test_columns_are_printed_with_reasons_and_written() -> None:
    code, output = invoke("rows.csv", "--label", "income")
    assert code == 0
    assert "id left out an identifier: whole numbers, no two alike" in output
    assert "age whole number numbers, from 20 to 49" in output
    assert "city category words, 2 different" in output
    assert "then: python -m training fit rows.csv --columns columns.toml" in output
    written = plan.read(Path("columns.toml"))
    assert (written.label, list(written.columns)) == ("income", ["id", "age", "city"])


def test_a_file_that_is_there_is_not_replaced_without_being_asked_for() -> None:
    Path("columns.toml").write_text("mine")
    code, output = invoke("rows.csv", "--label", "income")
    assert (code, Path("columns.toml").read_text()) == (2, "mine")
    assert "columns.toml is there already; --out names another file, --force replaces it" in output
    assert invoke("rows.csv", "--label", "income", "--force")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["rows.csv"],
            "error: rows.csv: say by --label COLUMN which column holds the classes; it has 'id', 'age', 'city'",
        ),
        (["digits"], "error: digits is read as image, whose samples have no columns"),
        (["rows.csv", "--columns", "gone.toml"], "error: gone.toml: no such file; `training columns DATA` writes one"),
        (
            ["rows.csv", "--label", "income", "--out", "no/where.toml"],
            "no is no folder; --out names a file in one that",
        ),
    ],
)
def test_faults_are_one_sentence(arguments: list[str], sentence: str) -> None:
    code, output = invoke(*arguments)
    assert code == 2
    assert sentence in output
    assert not Path("columns.toml").exists()
