"""How large a table may be: the shapes, the rows that are made, each stage of a cell, and why one did not end."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest

from benchmarks.tables import cell, scale
from benchmarks.tables.scale import Shape

ROOT = Path(__file__).parents[3]


def test_one_of_the_three_changes_at_a_time():
    assert scale.shapes([1, 5], [2], [10_000, 200]) == [
        Shape(1, 20, 10_000),
        Shape(5, 20, 10_000),
        Shape(5, 2, 10_000),
        Shape(5, 20, 200),
    ]


@pytest.mark.parametrize("shape", [Shape(1, 2, 200), Shape(4, 30, 500)])
def test_a_made_table_has_the_shape_that_was_asked_for(shape, tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "_PIECE", 150)
    scale.write(shape, tmp_path / "made.csv")
    rows = pandas.read_csv(tmp_path / "made.csv")
    assert rows.shape == (shape.rows, shape.columns + 1)
    assert set(rows[scale.LABEL]) == {"high", "low"}
    for number, name in enumerate(rows.columns[:-1]):
        assert 0 < rows[name].isna().mean() < 0.15
        assert pandas.api.types.is_numeric_dtype(rows[name]) == bool(number % 2)
        if number % 2 == 0:
            assert rows[name].nunique() <= shape.categories
    assert rows["column0"].nunique() > shape.categories / 2


@pytest.mark.parametrize("text", ["5x20", "5x20x0", "axbxc", "5x20x1x1"])
def test_what_is_no_shape_is_refused(text):
    assert scale.parsed("5x20x100") == Shape(5, 20, 100)
    with pytest.raises((ValueError, TypeError)):
        scale.parsed(text)


STAGES = """
import json
import numpy as np
from benchmarks.tables.stages import Stages

np.ones(2**24).sum()  # 128 MiB that the program had before, and gave back
stages = Stages()
with stages.stage("large"):
    np.ones(2**23).sum()  # 64 MiB
with stages.stage("small"):
    np.ones(2**10).sum()
print(json.dumps(stages.told))
"""


def test_a_stage_is_told_its_own_peak_of_memory():
    done = subprocess.run([sys.executable, "-c", STAGES], capture_output=True, text=True, check=True, cwd=ROOT)
    told = json.loads(done.stdout)
    assert told["large, MiB"] > 50
    assert told["small, MiB"] < 25


def test_a_data_set_goes_through_all_stages(tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (60, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "noise.npz", images=images, labels=np.arange(60) % 2)
    told = cell.measure(str(tmp_path / "noise.npz"), "vanilla", steps=1, threads=1)
    assert told["samples"] == 60
    assert told["form"] == [1, 8, 8]
    for name in ("reading", "fitting", "encoding", "first step", "export", "load"):
        assert told[f"{name}, s"] >= 0
    assert min(told["a step, ms"], told["file, MB"], told["drawn/s"]) > 0


@pytest.mark.parametrize(
    ("code", "output", "errors", "note"),
    [
        (0, '{"refused": "too wide"}\n', "", "refused: too wide"),
        (-9, "", "", "ended by signal 9"),
        (1, "", "Traceback\nMemoryError: of 9 TiB\n", "MemoryError: of 9 TiB"),
    ],
)
def test_a_shape_that_does_not_go_through_says_why(tmp_path, monkeypatch, code, output, errors, note):
    asked = []

    def run(command, **options):
        asked.append(command)
        return subprocess.CompletedProcess(command, code, output, errors)

    monkeypatch.setattr(subprocess, "run", run)
    row = scale.measured(Shape(2, 3, 50), tmp_path, "argn", 1, 1, 60)
    assert row["note"] == note
    assert (row["columns"], row["categories"], row["rows"]) == (2, 3, 50)
    assert asked[0][:4] == [sys.executable, "-m", "benchmarks.tables.cell", str(tmp_path / "made.csv")]
    assert not (tmp_path / "made.csv").exists()


def test_a_shape_that_goes_through_is_a_row_of_numbers(tmp_path, monkeypatch):
    told = json.dumps({"samples": 50, "form": [17], "reading, s": 0.5, "drawn/s": 1000.0})
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, told, ""))
    row = scale.measured(Shape(2, 3, 50), tmp_path, "argn", 1, 1, 60)
    assert (row["encoded width"], row["reading, s"], row["drawn/s"]) == (17, 0.5, 1000.0)
