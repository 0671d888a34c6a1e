import argparse
import json
import subprocess
import sys
from pathlib import Path

import pandas
import pytest

from benchmarks.peers import environment
from benchmarks.peers.environment import PeerError
from benchmarks.tables import generators
from benchmarks.tables.peers import program
from tests.benchmarks.tables import made


@pytest.fixture
def runs(monkeypatch):
    """A peer that needs no installing and gives the rows that it learned from; the commands that it was started by."""
    started = []

    def run(command, **options):
        started.append(command)
        train, folder = Path(command[3]), Path(command[4])
        words = dict(zip(command[5::2], command[6::2], strict=True))
        rows = pandas.read_parquet(train)
        assert rows["age"].dtype == "int64"
        assert rows["pay"].dtype == "float64"
        given = argparse.Namespace(
            train=train, folder=folder, rows=int(words["--rows"]), draws=int(words["--draws"]), threads=1
        )
        program.leave(given, lambda train: (made.copying(train, words["--label"]), "a note"))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(generators, "install", lambda name, folder: Path(sys.executable))
    monkeypatch.setattr(subprocess, "run", run)
    return started


def test_rows_of_a_peer_come_from_its_program_and_are_kept(runs, tmp_path):
    data = made.of()
    first = generators.peer("smotenc", data, 2, 1, tmp_path)
    assert first.name == "SMOTE-NC"
    assert first.told is not None
    assert (first.told["note"], len(first.told["drawing_seconds"])) == ("a note", 2)
    key = list(data.train)
    for rows in first.draws:
        wanted, found = (each.sort_values(key, ignore_index=True) for each in (data.train, rows))
        pandas.testing.assert_frame_equal(found[key], wanted)
    again = generators.peer("smotenc", data, 2, 1, tmp_path)
    assert len(runs) == 1
    assert [one.equals(other) for one, other in zip(first.draws, again.draws, strict=True)] == [True, True]


@pytest.mark.parametrize(("seed", "draws", "threads"), [(1, 2, 1), (0, 3, 1), (0, 2, 2)])
def test_other_rows_draws_and_threads_are_drawn_anew(runs, tmp_path, seed, draws, threads):
    generators.peer("smotenc", made.of(), 2, 1, tmp_path)
    generators.peer("smotenc", made.of(seed=seed), draws, threads, tmp_path)
    assert len(runs) == 2


def test_a_peer_that_fails_says_what_its_program_said_last_and_leaves_nothing_to_be_read(runs, monkeypatch, tmp_path):
    def run(command, stdout, **options):
        stdout.write("starting\nKilled: no memory\n")
        return subprocess.CompletedProcess(command, 1)

    with monkeypatch.context() as broken:
        broken.setattr(subprocess, "run", run)
        with pytest.raises(PeerError, match="SMOTE-NC fails: Killed: no memory"):
            generators.peer("smotenc", made.of(), 1, 1, tmp_path)
    generators.peer("smotenc", made.of(), 1, 1, tmp_path)
    assert len(runs) == 1


def test_every_peer_has_a_program_and_its_versions():
    for name in generators.PEERS:
        assert (generators.FOLDER / f"{name}.py").exists()
        assert (generators.FOLDER / f"{name}.txt").exists()


def test_what_is_installed_alone_is_installed_last_and_without_what_it_asks_for(monkeypatch, tmp_path):
    (tmp_path / "argn.txt").write_text("torch==2.13.0\n")
    (tmp_path / "argn.alone.txt").write_text("engine==1.0\n")
    asked = []

    def run(command, **options):
        asked.append(command)
        if "venv" in command:
            Path(command[-1]).mkdir(parents=True)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path / "peers")
    environment.install("argn", tmp_path)
    first, second = asked[1:]
    assert str(tmp_path / "argn.txt") in first
    assert "--no-deps" not in first
    assert second[-3:] == ["--no-deps", "-r", str(tmp_path / "argn.alone.txt")]
    # Not again, until one of the two has changed.
    environment.install("argn", tmp_path)
    assert len(asked) == 3
    (tmp_path / "argn.alone.txt").write_text("engine==1.1\n")
    environment.install("argn", tmp_path)
    assert len(asked) == 6


def test_what_a_program_leaves_says_what_it_took(tmp_path):
    made.rows(50, 0).to_parquet(tmp_path / "train.parquet")
    given = argparse.Namespace(train=tmp_path / "train.parquet", folder=tmp_path, rows=20, draws=2, threads=3)
    program.leave(given, lambda train: (made.copying(train, "class"), "quick"))
    told = json.loads((tmp_path / "told.json").read_text())
    assert (told["threads"], told["note"]) == (3, "quick")
    assert told["training_seconds"] >= 0
    assert len(told["drawing_seconds"]) == 2
    assert [len(pandas.read_parquet(tmp_path / f"{number}.parquet")) for number in range(2)] == [20, 20]
