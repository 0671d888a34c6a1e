"""The comparison of systems for music, on arpeggios."""

import json
import tarfile

import pytest

from benchmarks import systems
from benchmarks.music import __main__ as music
from tests.training.kinds.music.made import data, fill
from training.data import DataError


def test_a_system_has_a_row_and_real_music_has_one(tmp_path, monkeypatch):
    data(tmp_path / "tunes", 10)
    fill(tmp_path / "tunes" / "left out", 2, first=50)
    with tarfile.open(tmp_path / "tunes.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "tunes", ".")
    out = tmp_path / "rows.jsonl"
    asked = ["--systems", "vae", "--classes", "up", "down", "--bars", "1", "--share", "0.002", "--quick"]
    asked += ["--cells", str(tmp_path / "cells.jsonl")]
    # No number here is looked at for its size.
    monkeypatch.setattr(systems, "SPEED_SECONDS", 0)
    monkeypatch.setattr("training.judge.fitting.default_steps", lambda samples: 20)
    monkeypatch.setattr("sys.argv", ["x", str(tmp_path / "tunes.tar.gz"), *asked, "--out", str(out)])
    assert music.main() == 0
    found = [row for line in out.read_text().splitlines() if "row" in (row := json.loads(line))]
    made, real = (line["row"] for line in found)
    assert (made["system"], real["system"]) == ("vae", "(held-out real music)")
    assert made["steps"] == 6
    assert made["of real, %"] == pytest.approx(100 * made["CAS, %"] / real["CAS, %"], rel=1e-6)
    assert real["qualified notes, %"] == 100
    assert made["samples/s"] > 0
    assert set(music._COLUMNS.values()) < set(real) < set(made)


def test_a_folder_that_is_not_there_is_told(tmp_path, monkeypatch, capsys):
    data(tmp_path / "tunes", 1)
    with pytest.raises(DataError, match="has no folder 'jigs'"), music.opened(tmp_path / "tunes", ["jigs"]):
        pass
    monkeypatch.setattr("sys.argv", ["x", str(tmp_path / "nothing")])
    assert music.main() == 1
    assert "no such file or folder" in capsys.readouterr().err


def test_an_archive_that_reaches_out_of_its_folder_is_refused(tmp_path):
    (tmp_path / "x.mid").write_bytes(b"MThd")
    with tarfile.open(tmp_path / "tunes.tar", "w") as archive:
        archive.add(tmp_path / "x.mid", "../../up/x.mid")
    told = r"'\.\./\.\./up/x\.mid' would be unpacked outside of its folder"
    with pytest.raises(DataError, match=told), music.opened(tmp_path / "tunes.tar", None):
        pass
