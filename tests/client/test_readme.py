"""client/README.md: what it shows, runs."""

import re
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np

from augmint.v1 import generator_pb2 as pb
from tests.client import tunes
from tests.client.fakes import FakeService, served
from tests.client.kinds.text.conftest import TextService
from tests.client.tables import TableService

README = Path(__file__).parents[2] / "client" / "README.md"

SHOWN = "print(len(samples), tuple(images.shape), images.dtype)"
GIVEN = """
import torch
from torch.utils.data import TensorDataset
real, augment = TensorDataset(torch.rand(32, 3, 4, 5), torch.tensor([0] * 20 + [1, 2, 3] * 4)), torch.flipud
"""


def test_the_examples_run(forked):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) == 8
    others = ("to_frame", "to_audio", "to_text", "to_midi", "client.transform")
    blocks = [block for block in blocks if not any(name in block for name in others)]
    code = "\n".join([*blocks[:2], SHOWN, GIVEN, blocks[2], "    print(len(labels))\n"]).replace("60_000", "512")
    service = subprocess.Popen(
        [sys.executable, "-m", "tests.client.fakes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with service:
        target = service.stdout.readline().strip()
        printed, complaints = forked(code.replace("localhost:50051", target)).communicate(timeout=120)
        service.stdin.close()
    shown, mixed = printed.split("\n", 1)
    assert shown == "64 (256, 3, 4, 5) torch.float32", complaints
    assert mixed.endswith("\n64\n16\n"), complaints  # 4 classes of 20


def test_the_example_of_tables_runs():
    (block,) = re.findall(r"```python\n([^`]*to_frame.*?)```", README.read_text(), re.DOTALL)
    found = {}
    with served(TableService()) as target:
        exec(block.replace("localhost:50051", target).replace('"adult"', '"fake"'), found)
    assert found["frame"]["income"].tolist() == ["<=50K", ">50K"] * 32


def test_the_example_of_sounds_runs():
    (block,) = re.findall(r"```python\n([^`]*to_audio.*?)```", README.read_text(), re.DOTALL)
    fake = FakeService(labels=("6", "7"))
    fake.sample = pb.SampleSpec(shape=[64], dtype=pb.DATA_TYPE_INT16, audio=pb.AudioSpec(sample_rate_hz=8000))
    fake.expected = lambda seed, indices, *more: np.repeat(np.asarray(indices, np.int16)[:, None], 64, 1)
    found = {}
    with served(fake) as target:
        exec(block.replace("localhost:50051", target).replace('"spoken-digits"', '"fake"'), found)
    assert (found["sounds"].shape, found["rate"]) == ((64, 64), 8000)


def test_the_example_of_music_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n([^`]*to_midi.*?)```", README.read_text(), re.DOTALL)
    fake = FakeService(labels=("jigs", "reels"))
    fake.sample = tunes.SAMPLE
    rolls = tunes.tunes()[0]
    fake.expected = lambda seed, indices, *more: rolls[np.zeros(len(indices), np.int64)]
    with served(fake) as target:
        exec(block.replace("localhost:50051", target).replace('"dances"', '"fake"'), {})
    assert mido.MidiFile(tmp_path / "tune.mid").length > 2


def test_the_example_of_texts_runs():
    (block,) = re.findall(r"```python\n([^`]*to_text.*?)```", README.read_text(), re.DOTALL)
    found = {}
    with served(TextService()) as target:
        exec(block.replace("localhost:50051", target).replace('"names"', '"fake"'), found)
    assert len(found["lines"]) == 20
    assert any(found["lines"])


def test_the_example_of_samples_of_one_s_own_runs():
    (block,) = re.findall(r"```python\n([^`]*client.transform.*?)```", README.read_text(), re.DOTALL)
    found = {"images": np.zeros((3, 4, 5, 3), np.uint8)}
    with served(FakeService()) as target:
        exec(block.replace("localhost:50051", target), found)
    assert found["moved"].labels == ["3"] * 3


def test_the_commands_are_those_of_the_parser():
    from augmint.arguments import parser

    lines = re.findall(r"^    augmint (.*?)(?: +#.*)?$", README.read_text(), re.MULTILINE)
    assert len(lines) == 24
    for line in lines:
        parser().parse_args(line.split())
