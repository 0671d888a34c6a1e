import json
import sys

import pandas
import pytest

from benchmarks.tables import __main__ as command
from tests.benchmarks.tables import made

COPYING, FAILING = (f"tests.benchmarks.tables.made:{name}" for name in ("copying", "failing"))


@pytest.fixture
def run(monkeypatch, tmp_path):
    made.rows(1200, 0).to_csv(tmp_path / "people.csv", index=False, na_rep="?")

    def run(*more):
        words = [str(tmp_path / "people.csv"), "--label", "class", "--train-rows", "600", "--draws", "2", "--peers"]
        monkeypatch.setattr(sys, "argv", ["tables", *words, *more])
        return command.main()

    return run


def test_one_command_judges_real_and_made_rows_by_the_same_code(run, tmp_path, capsys):
    assert run("--generator", COPYING, "--out", str(tmp_path / "told.jsonl")) == 0
    lines = [json.loads(line) for line in (tmp_path / "told.jsonl").read_text().splitlines()]
    real, copies, *intervals = (line["row"] for line in lines)
    assert [real["rows"], copies["rows"]] == ["real", COPYING]
    assert real["copies, %"] == 0
    assert real["nearer to training rows"] == pytest.approx(0.5, abs=0.1)
    assert copies["copies, %"] == 100
    assert copies["nearer to training rows"] == copies["membership AUC"] == 1
    assert copies["column: worst"] == 0
    assert copies["association: mean"] == pytest.approx(0, abs=1e-9)
    assert copies["training, s"] >= 0
    # As good to learn from as what they copy.
    auc = "GB: AUC"
    assert copies[auc] == pytest.approx(real[auc], abs=0.02)
    low, high = map(float, intervals[0][auc].split(" to "))
    assert low < real[auc] < high
    assert "| real " in capsys.readouterr().out


def test_a_generator_that_fails_is_a_row_that_says_why_and_the_others_are_judged(run, capsys):
    assert run("--generator", FAILING, COPYING) == 1
    printed = capsys.readouterr()
    assert f"error: {FAILING}: the rows have no column 'pay'" in printed.err
    assert f"| {COPYING} " in printed.out


def test_what_a_generator_may_learn_from_is_written_as_it_was_read(run, tmp_path):
    path = tmp_path / "train.csv"
    assert run("--train-file", str(path)) == 0
    wanted = made.rows(1200, 0).iloc[:600]
    found = pandas.read_csv(path)
    pandas.testing.assert_frame_equal(found[list(wanted)], wanted, check_dtype=False, rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--label", "clas"], "no column 'clas'"),
        (["--train-rows", "1200"], "leave none to judge"),
        (["--draws", "0"], "are at least 1"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_a_sentence(run, capsys, words, said):
    with pytest.raises(SystemExit):
        run(*words)
    assert said in capsys.readouterr().err
