"""client/augmint/arguments.py: what a person types, and what is asked when it is not quite that"""

import os
import subprocess
import sys

import pytest

import augmint
from augmint.__main__ import main
from tests.client.fakes import FakeService


@pytest.fixture
def fake():
    return FakeService()


def test_the_shell_completes_commands_and_options(tmp_path):
    pytest.importorskip("argcomplete")
    path = tmp_path / "completed"
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(path),
        "_ARGCOMPLETE_IFS": "\n",
        "COMP_LINE": "augmint export --for",
        "COMP_POINT": "20",
    }
    subprocess.run([sys.executable, "-m", "augmint"], env=environment, timeout=60)
    assert path.read_text().strip() == "--format"


def test_help_has_the_line_for_the_shell_in_one_piece(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    with pytest.raises(SystemExit):
        main(["--help"])
    assert '\n  eval "$(register-python-argcomplete augmint)"\n' in capsys.readouterr().out


def test_the_command_without_arguments_explains_itself():
    done = subprocess.run([sys.executable, "-m", "augmint"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "usage: augmint" in done.stderr


def test_it_tells_its_version(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"augmint {augmint.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["lst"], "list"),
        (["generate", "--lable", "3", "--out", "a.npz"], "--label"),
        (["export", "--n", "5", "--out", "x", "--format", "parqet"], "parquet"),
    ],
)
def test_a_slip_of_the_keyboard_is_asked_about(arguments, meant, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert f"; did you mean {meant!r}?" in capsys.readouterr().err


def test_a_wrong_label_is_asked_about(target, tmp_path, capsys):
    assert main(["generate", "--label", "Bags", "--out", str(tmp_path / "a.npz"), "--target", target]) == 2
    assert "its labels are ankle boot, bag, coat, 3; did you mean 'bag'?" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_asked_about(tmp_path, capsys):
    (tmp_path / "ca.pem").touch()
    assert main(["list", "--ca", str(tmp_path / "ca.crt")]) == 2
    assert "No such file or directory; did you mean 'ca.pem'?" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(target, tmp_path, capsys):
    (tmp_path / "samples").mkdir()
    out = tmp_path / "sample" / "a.npz"
    assert main(["generate", "-n", "1", "--out", str(out), "--target", target]) == 2
    told = f"augmint: --out {out}: there is no folder {out.parent}; did you mean 'samples'?\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("wrong", [["--n", "1.5M"], ["--n", "5", "--shards", "1..3"], ["--n", "5", "--shard", "3..2"]])
def test_a_strange_number_is_a_usage_error(wrong, capsys):
    with pytest.raises(SystemExit) as left:
        main(["export", *wrong, "--out", "x"])
    assert left.value.code == 2
    assert "argument --" in capsys.readouterr().err


@pytest.mark.parametrize("seed", ["7", '"7"', " 7 "])
def test_a_seed_is_taken_as_json_has_it(target, tmp_path, capsys, seed):
    assert main(["generate", "-n", "1", "--seed", seed, "--out", str(tmp_path / "a.npz"), "--target", target]) == 0
    assert "seed 7" in capsys.readouterr().out
