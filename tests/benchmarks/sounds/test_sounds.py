"""The comparison of systems for sounds, on tones."""

import json

import pytest

from benchmarks.sounds import __main__ as sounds
from benchmarks.systems import Cells, System
from tests.training.kinds.audio.made import put
from tests.training.kinds.audio.made import sounds as tones


def test_a_system_has_a_row_beside_real_sounds_and_is_not_trained_again(tmp_path, monkeypatch):
    for number, (sound, label) in enumerate(zip(*tones(60), strict=True)):
        put(tmp_path / "data" / ("low", "rising")[label] / f"{number}.wav", sound)
    small = System("wavegan", 2, {"width": 4, "batch_size": 16, "latent_size": 16})
    monkeypatch.setitem(sounds.SYSTEMS, "wavegan", small)
    monkeypatch.setattr("benchmarks.systems.SPEED_SECONDS", 0)
    monkeypatch.setattr("training.judge.fitting.default_steps", lambda samples: 20)
    out, cells = tmp_path / "rows.jsonl", tmp_path / "cells.jsonl"
    words = ["x", str(tmp_path / "data"), "--systems", "wavegan", "--quick", "--cells", str(cells), "--out", str(out)]
    monkeypatch.setattr("sys.argv", words)
    assert sounds.main() == 0
    made, real = (json.loads(line)["row"] for line in out.read_text().splitlines())
    assert [made["system"], real["system"]] == ["wavegan", "(held-out real sounds)"]
    assert (made["steps"], made["width"]) == (2, 4)
    assert made["CPU ms for 1 s of sound"] == pytest.approx(1000 / (made["sounds/s"] * 0.128))
    assert made["of real, %"] == pytest.approx(100 * made["CAS, %"] / real["CAS, %"])
    assert real["silent, %"] == 0
    monkeypatch.setattr("benchmarks.systems.trained", None)
    assert sounds.main() == 0


def test_cells_outlive_a_line_that_was_cut_off(tmp_path):
    path = tmp_path / "cells.jsonl"
    assert Cells(path).rows({"a": 1}, lambda: [{"x": 1.0}]) == [{"x": 1.0}]
    path.write_text(path.read_text() + '\n{"of": {"a": 2}, "ro')
    assert Cells(path).rows({"a": 2}, lambda: [{"x": 2.0}]) == [{"x": 2.0}]
    again = Cells(path)
    assert [again.rows({"a": number}, list) for number in (1, 2, 3)] == [[{"x": 1.0}], [{"x": 2.0}], []]
