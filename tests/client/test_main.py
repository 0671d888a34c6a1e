"""client/augmint/__main__.py"""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import augmint
from augmint.__main__ import main
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService, digest, served


@pytest.fixture
def fake():
    return FakeService()


def test_list_shows_state_and_reason_of_every_generator(target, capsys):
    assert main(["list", "--target", target]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["GENERATOR", "VERSION", "STATE", "LABELS", "SAMPLES/S", "DIGEST"]
    assert lines[1].split() == ["fake", "1", "(default)", "ready", "4", "12,345", "000000000000"]
    assert lines[3] == "worse/3: not ONNX"


def test_show_shows_the_quality_card(target, fake, capsys):
    fake.quality = pb.QualityCard(
        real_samples=360,
        synthetic_samples=1000,
        real_accuracy=0.98,
        classification_accuracy_score=0.91,
        warnings=["few samples"],
        classes=[pb.ClassQuality(label="bag", label_fidelity=0.875)],
    )
    assert main(["show", "--target", target]) == 0
    out = capsys.readouterr().out
    for part in (
        "fake/1",
        digest(1),
        "uint8 [4, 5, 3]",
        "ankle boot, bag",
        "0.910  real 0.980",
        "few samples",
        "0.875",
    ):
        assert part in out
    assert "bag    -      -      0.875" in out  # what was not measured is no zero


def test_show_tells_what_is_measured_of_the_kind_alone(target, fake, capsys):
    fake.quality = pb.QualityCard(
        measurements=[
            pb.Measurement(name="distance of a column, worst", value=0.0214, real=0.01, detail="age"),
            pb.Measurement(name="silence", value=0.5),
        ],
        membership_inference=pb.MembershipInference(auc=0.512, low=0.494, high=0.53),
    )
    assert main(["show", "--target", target]) == 0
    out = capsys.readouterr().out
    assert "  distance of a column, worst    0.0214 (age), real 0.01\n" in out
    assert "  silence                        0.5\n" in out
    assert "  membership inference           AUC 0.51 (0.49 to 0.53), by chance 0.5\n" in out


def test_show_says_when_quality_was_not_measured(target, capsys):
    assert main(["show", "--generator", "fake", "--version", "1", "--target", target]) == 0
    assert "not measured" in capsys.readouterr().out


def test_generate_writes_a_sheet(target, tmp_path, capsys):
    out = tmp_path / "sheet.png"
    assert main(["generate", "--label", "3", "-n", "6", "--seed", "7", "--out", str(out), "--target", target]) == 0
    with Image.open(out) as sheet:
        assert sheet.format == "PNG"
    assert "6 samples of fake/1, seed 7" in capsys.readouterr().out


def test_generate_writes_arrays_that_replay(target, fake, tmp_path):
    out = tmp_path / "samples.npz"
    arguments = ["--label", "bag", "--label", "3", "-n", "5", "--truncation", "0.5", "--start-index", "9"]
    assert main(["generate", *arguments, "--out", str(out), "--target", target]) == 0
    with np.load(out) as file, augmint.Client(target) as client:
        assert file["labels"].tolist() == ["bag"] * 5 + ["3"] * 5
        assert file["class_indices"].tolist() == [1] * 5 + [3] * 5
        assert np.array_equal(client.replay(str(file["addresses"][0])).array, file["array"])


def test_generate_without_a_label_draws_every_class(target, tmp_path):
    out = tmp_path / "samples.npz"
    assert main(["generate", "-n", "2", "--out", str(out), "--target", target]) == 0
    with np.load(out) as file:
        assert file["class_indices"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--label", "shoe", "--out", "a.npz"], "its labels are ankle boot"),
        (["--out", "a.gif"], "must end in .npz"),
        (["-n", "0", "--out", "a.npz"], "-n is 0"),
        (["--seed", "-1", "--out", "a.npz"], "seed is -1"),
        (["--truncation", "nan", "--out", "a.npz"], "truncation is nan"),
        (["--generator", "other", "--out", "a.npz"], "no generator 'other'"),
        (["--timeout", "0", "--out", "a.npz"], "timeout is 0"),
        (["--out", "missing/folder/a.png"], "missing/folder/a.png"),
    ],
)
def test_an_error_is_one_line_and_exit_code_2(target, tmp_path, monkeypatch, capsys, arguments, named):
    monkeypatch.chdir(tmp_path)
    assert main(["generate", *arguments, "--target", target]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("augmint: ")
    assert captured.err.count("\n") == 1
    assert named in captured.err


def test_a_sheet_of_what_is_no_image_points_to_npz(target, fake, tmp_path, capsys):
    fake.sample.ClearField("kind")
    assert main(["generate", "--out", str(tmp_path / "a.png"), "--target", target]) == 2
    assert "makes array: use --out FILE.npz" in capsys.readouterr().err


@pytest.mark.usefixtures("light")
def test_every_command_speaks_json(target, tmp_path, capsys):
    def told(*arguments):
        assert main([*arguments, "--json", "--target", target]) == 0
        return json.loads(capsys.readouterr().out)

    assert [one["name"] for one in told("list")] == ["fake", "worse"]
    assert told("show")["labels"] == ["ankle boot", "bag", "coat", "3"]
    drawn = told("generate", "-n", "2", "--label", "3", "--out", str(tmp_path / "a.npz"))
    assert str(augmint.Address.parse(drawn["addresses"][0]).seed) == drawn["seed"]
    done = told("export", "--n", "20", "--shards", "0..3", "--out", str(tmp_path / "out"), "--seed", "7")
    assert (done["made"], len(done["shards"])) == ([0, 1, 2, 3], 4)
    measured = told("bench", target, "--seconds", "0.1", "--rows", "8")
    assert (measured["generator"], measured["local"]) == ("fake/1", True)


@pytest.mark.parametrize("seed", [2**64 - 1, 2**53 + 1, 7])
def test_a_seed_that_went_through_a_reader_with_doubles_gives_the_same_samples(target, tmp_path, capsys, seed):
    arrays = []
    for name in ("a.npz", "b.npz"):
        command = ["generate", "-n", "2", "--json", "--target", target, "--seed", str(seed)]
        assert main([*command, "--out", str(tmp_path / name)]) == 0
        seed = json.loads(capsys.readouterr().out, parse_int=float)["seed"]  # as jq and JavaScript read numbers
        with np.load(tmp_path / name) as file:
            arrays.append(file["array"])
    assert np.array_equal(*arrays)
    out = ["--out", str(tmp_path / "out")]
    assert main(["export", "--n", "4", "--seed", str(seed), *out, "--json", "--target", target]) == 0
    told = json.loads(capsys.readouterr().out, parse_int=float)
    kept = json.loads((tmp_path / "out" / "manifest.json").read_text(), parse_int=float)
    assert told["seed"] == kept["seed"] == str(seed)


def test_export_makes_the_shards_asked_for(target, tmp_path, capsys):
    arguments = ["export", "--n", "1k", "--shards", "10", "--seed", "7", "--format", "npz", "--out", str(tmp_path)]
    assert main([*arguments, "--shard", "7..8", "--target", target]) == 0
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == [
        "fake-00007-of-00010.npz",
        "fake-00008-of-00010.npz",
    ]
    assert "2 of 10 shards written; fake/1, seed 7" in capsys.readouterr().out
    assert main([*arguments, "--shard", "8..9", "--target", target]) == 0
    assert "1 of 10 shards written, 1 were there" in capsys.readouterr().out


@pytest.mark.usefixtures("light")
def test_bench_prints_a_table(target, capsys):
    assert main(["bench", target, "--seconds", "0.5", "--rows", "8", "--rate", "2000"]) == 0
    out = capsys.readouterr().out
    for part in (
        "fake/1: 4 readers x 8 samples",
        "throughput",
        "p99",
        "stall share",
        "12,345 samples/s",
        "of capacity",
    ):
        assert part in out


def test_a_token_comes_from_a_file(fake, tmp_path, capsys):
    path = tmp_path / "token"
    path.write_text("right\n")
    with served(fake, token="right") as target:
        assert main(["list", "--target", target, "--token-file", str(path)]) == 0
        assert main(["list", "--target", target]) == 2
    assert "a bearer token is needed" in capsys.readouterr().err


def test_a_service_that_is_away_is_exit_code_3(capsys):
    assert main(["list", "--target", "127.0.0.1:1", "--timeout", "0.3"]) == 3
    err = capsys.readouterr().err
    assert err.startswith("augmint: no service at 127.0.0.1:1 (Connection refused)")
    assert err.count("\n") == 1


@pytest.mark.usefixtures("light")
def test_what_is_measured_on_the_same_machine_says_so(target, capsys):
    assert main(["bench", target, "--seconds", "0.1", "--rows", "8"]) == 0
    assert "the service is on this machine" in capsys.readouterr().out


SHOW = "import sys; from augmint.__main__ import main; sys.exit(main(sys.argv[1:]) or main([*sys.argv[1:], '--json']))"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_every_terminal_shows_what_it_can(target, fake, encoding):
    fake.quality = pb.QualityCard(real_samples=1, warnings=["sukienka żółta"], classes=[pb.ClassQuality(label="猫")])
    done = subprocess.run(
        [sys.executable, "-c", SHOW, "show", "--target", target],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    text, told = done.stdout.decode(encoding).rstrip().rsplit("\n", 1)
    assert {"ascii": "Frechet", "latin-1": "Fréchet", "utf-8": "Fréchet"}[encoding] in text
    assert ("żółta" if encoding == "utf-8" else "\\u017c") in text
    assert json.loads(told)["quality"]["warnings"] == ["sukienka żółta"]


def test_errors_are_shown_on_every_terminal(target, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "augmint",
            "generate",
            "--label",
            "猫",
            "--out",
            str(tmp_path / "a.npz"),
            "--target",
            target,
        ],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "has no label '\\u732b'" in done.stderr
    assert "Traceback" not in done.stderr


def test_labels_that_no_font_has_stand_beside_the_picture(target, fake, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tests.client.fakes.LABELS", ("猫", "bag", "coat", "3"))
    monkeypatch.setattr("augmint.fonts._files", tuple)
    out = tmp_path / "sheet.png"
    assert main(["generate", "-n", "2", "--out", str(out), "--target", target]) == 0
    told = capsys.readouterr()
    assert "augmint: note: no font here has the letters of some labels: row 1 is '猫'." in told.err
    beside = tmp_path / "sheet.png.labels.txt"
    assert f"The labels of all rows are in {beside}." in told.err
    assert beside.read_text() == "1\t猫\n2\tbag\n3\tcoat\n4\t3\n"
    with Image.open(out) as picture:
        assert picture.format == "PNG"


def test_nothing_half_written_is_left_where_a_file_was_wanted(target, tmp_path, monkeypatch):
    def fails(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device", "a.npz")

    monkeypatch.setattr(np, "savez_compressed", fails)
    assert main(["generate", "-n", "1", "--out", str(tmp_path / "a.npz"), "--target", target]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_ctrl_c_and_a_termination_end_cleanly(target, fake, tmp_path, number, code, word):
    fake.gate.clear()
    try:
        command = [sys.executable, "-m", "augmint", "generate", "-n", "50", "--out", str(tmp_path / "a.npz")]
        with subprocess.Popen([*command, "--target", target], stderr=subprocess.PIPE, text=True) as command:
            while not fake.in_flight and command.poll() is None:
                time.sleep(0.01)
            command.send_signal(number)
            _, err = command.communicate(timeout=60)
    finally:
        fake.gate.set()
    assert command.returncode == code
    assert err == f"augmint: {word}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["show"], ["--help"], ["--version"]])
def test_a_closed_pipe_is_no_error(target, arguments):
    command = [sys.executable, "-m", "augmint", *arguments, *(["--target", target] if arguments[0][0] != "-" else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
        command.stdout.close()
        err = command.stderr.read()
        command.wait(60)
    assert err == ""
    assert command.returncode == 0
