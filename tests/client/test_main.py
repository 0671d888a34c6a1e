"""client/augmint/__main__.py"""

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


@pytest.fixture
def target(fake):
    with served(fake) as target:
        yield target


def test_list_shows_state_and_reason_of_every_generator(target, capsys):
    assert main(["list", "--target", target]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["GENERATOR", "VERSION", "STATE", "LABELS", "SAMPLES/S", "DIGEST"]
    assert lines[1].split() == ["fake", "1", "(default)", "ready", "4", "12,345", "000000000000"]
    assert lines[3] == "worse/3: not ONNX"


def test_describe_shows_the_quality_card(target, fake, capsys):
    fake.quality = pb.QualityCard(
        real_samples=360,
        synthetic_samples=1000,
        real_accuracy=0.98,
        classification_accuracy_score=0.91,
        warnings=["few samples"],
        classes=[pb.ClassQuality(label="bag", label_fidelity=0.875)],
    )
    assert main(["describe", "--target", target]) == 0
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


def test_describe_says_when_quality_was_not_measured(target, capsys):
    assert main(["describe", "--generator", "fake", "--version", "1", "--target", target]) == 0
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


def run(*arguments, **options):
    command = [sys.executable, "-m", "augmint", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_the_command_without_arguments_explains_itself():
    with run() as command:
        _, err = command.communicate(timeout=30)
    assert command.returncode == 2
    assert "usage: augmint" in err


def test_ctrl_c_ends_cleanly(target, fake, tmp_path):
    fake.gate.clear()
    try:
        with run("generate", "-n", "50", "--out", str(tmp_path / "a.npz"), "--target", target) as command:
            while not fake.in_flight and command.poll() is None:
                time.sleep(0.01)
            command.send_signal(signal.SIGINT)
            _, err = command.communicate(timeout=30)
    finally:
        fake.gate.set()
    assert command.returncode == 130
    assert err == "augmint: interrupted\n"


def test_a_closed_pipe_is_no_error(target):
    with run("list", "--target", target) as command:
        command.stdout.close()
        err = command.stderr.read()
        command.wait(30)
    assert err == ""
    assert command.returncode == 0
