"""The comparison of systems for texts, on made-up words."""

import json

import pytest

from benchmarks import systems
from benchmarks.texts import __main__ as texts
from benchmarks.texts import graph
from tests.training.kinds.text.made import folder, words


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Speeds of one page, and judges that learn for a few steps: no number here is looked at for its size."""
    monkeypatch.setattr(systems, "SPEED_SECONDS", 0)
    monkeypatch.setattr(systems, "PAGE", 4)
    monkeypatch.setattr("training.judge.fitting.default_steps", lambda samples: 20)


def test_each_system_has_a_row_and_real_texts_have_one(tmp_path, monkeypatch, capsys):
    data = folder(tmp_path / "data", vowels=words(60, "aeiou"), consonants=words(60, "kmnrt", 1))
    out = tmp_path / "rows.jsonl"
    monkeypatch.setattr(
        "sys.argv",
        [
            "x",
            str(data),
            "--systems",
            "textvae",
            "--share",
            "0.01",
            "--quick",
            "--out",
            str(out),
            "--cells",
            str(tmp_path / "c"),
        ],
    )
    assert texts.main() == 0
    found = [row for line in out.read_text().splitlines() if "row" in (row := json.loads(line))]
    names = [line["row"]["system"] for line in found]
    assert names == ["textvae", "(held-out real texts)"]
    made, real = (line["row"] for line in found)
    assert made["of real, %"] == pytest.approx(100 * made["CAS, %"] / real["CAS, %"], rel=1e-6)
    assert made["steps"] == 20
    assert made["lines/s"] > 0
    assert set(real) < set(made)


def test_what_is_no_text_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["x", str(tmp_path / "nothing")])
    assert texts.main() == 1
    assert "no such file or folder" in capsys.readouterr().err


def test_the_graph_of_a_length_is_measured_beside_its_pytorch_loop():
    row = graph.row(8, 5, 8)
    assert row["length, units"] == 8
    assert row["nodes"] > 20
    assert row["times PyTorch"] == pytest.approx(row["lines/s"] / row["PyTorch, lines/s"])
    assert row["one by one, lines/s"] > 0
