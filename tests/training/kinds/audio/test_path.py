"""Sounds from their files to a training loop: fitted, measured, published, served, drawn, written and loaded."""

from __future__ import annotations

import base64
import io
import re
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import torch

import augmint
from augmint import huggingface
from augmint.__main__ import main
from augmint.torch import SyntheticDataset, SyntheticStream
from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from tests.browser import heard
from tests.processes import Service
from tests.training.kinds.audio.made import RATE, put, sounds
from tests.training.runs import published
from training.kinds.audio import phases
from training.publishing.published import Published


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for number, (sound, label) in enumerate(zip(*sounds(80), strict=True)):
        put(folder / ("low", "rising")[label] / f"{number}.flac", sound)
    return folder


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    """(models, run folder) of a run of 10 steps, published whatever it reached."""
    folder = tmp_path_factory.mktemp("run")
    small = {"width": 8, "latent_size": 16, "batch_size": 16}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phases, "ROUNDS", 1)  # the exporter takes a second for each
        _, run = published(folder, data, "rpgan", small, name="tones", steps=10, judge_steps=60, score=True)
    return folder / "models", run.folder


@pytest.fixture(scope="module")
def service(made):
    with Service(made[0], "--max-batch", "8", "--allow-withheld") as service:
        yield service


def test_the_file_says_what_is_heard_and_how_it_was_measured(made):
    message = artifact.from_json(Session((made[0] / "tones/1/model.onnx").read_bytes()).metadata)
    assert (list(message.sample.shape), message.sample.dtype) == ([1024], pb.DATA_TYPE_INT16)
    assert message.sample.audio.sample_rate_hz == RATE
    assert message.quality.real_accuracy > 0.8
    assert {each.label for each in message.quality.classes} == {"low", "rising"}


def test_the_samples_of_a_report_play(made):
    page = (made[1] / "report.html").read_text()
    content = re.findall(r"data:audio/wav;base64,([A-Za-z0-9+/=]+)", page)
    assert len(content) >= 4
    assert list((made[1] / "samples").glob("*.png"))


def test_in_a_browser_every_sound_of_a_report_plays_to_its_end_and_is_what_was_generated(made, page):
    report = made[1] / "report.html"
    written = [
        np.frombuffer(base64.b64decode(content)[44:], "<i2")
        for content in re.findall(r"data:audio/wav;base64,([A-Za-z0-9+/=]+)", report.read_text())
    ]
    page.goto(report.as_uri())
    players = heard(page, RATE)
    assert len(players) == len(written) >= 4
    for (seconds, played, rate, levels), sound in zip(players, written, strict=True):
        assert seconds == played == pytest.approx(1024 / RATE, abs=1e-3)
        assert rate == RATE
        assert np.allclose(levels, sound / 32768, atol=1e-4)
    assert max(np.abs(levels).max() for *_, levels in players) > 0.1  # real tones are among them
    assert all(np.abs(levels).max() > 0 for *_, levels in players)


def test_a_published_generator_finds_its_sounds_again(made, data):
    again = Published.open(made[0] / "tones/1/model.onnx", str(data))
    assert again.dataset.samples.shape == (80, 1024)
    assert again.dataset.kind.rate == RATE


def test_sounds_are_drawn_by_address_and_handed_over_as_floats(service):
    with augmint.Client(service.target) as client:
        some = client.generate("rising", 12, seed=3)
        alone = client.generate("rising", 1, seed=3, start_index=11)
        best = client.generate("rising", 2, seed=3, keep=2, of=8)
    assert (some.array.shape, some.array.dtype) == ((12, 1024), np.int16)
    assert np.array_equal(some.array[11], alone.array[0])
    assert len(best) == 2
    heard, rate = some.to_audio()
    assert (heard.shape, heard.dtype, rate) == ((12, 1024), np.float32, RATE)
    assert np.array_equal(heard, some.array / np.float32(32768))


def test_loaders_give_channels_of_floats(service):
    stream = SyntheticStream(service.target, batch_size=12, length=24, seed=3)
    batches = list(stream)
    assert [tuple(batch.shape) for batch, _ in batches] == [(12, 1, 1024)] * 2
    data = SyntheticDataset(service.target, length=4, seed=3)
    sound, label = data[1]
    assert sound.dtype == torch.float32
    assert torch.equal(sound, batches[0][0][1])
    assert label == batches[0][1][1]
    raw = SyntheticDataset(service.target, length=4, seed=3, transform=None)[1][0]
    assert raw.dtype == torch.int16
    assert torch.equal(raw[None] / 32768, sound)


def test_one_sound_is_a_file_and_many_are_a_folder(service, tmp_path, capsys):
    call = ["generate", "--target", service.target, "--seed", "3"]
    assert main([*call, "--label", "rising", "--out", str(tmp_path / "up.wav")]) == 0
    with wave.open(str(tmp_path / "up.wav")) as file:
        assert (file.getframerate(), file.getnframes(), file.getsampwidth()) == (RATE, 1024, 2)
        one = np.frombuffer(file.readframes(1024), "<i2")
    assert main([*call, "-n", "2", "--out", str(tmp_path / "many")]) == 0
    files = sorted(path.relative_to(tmp_path / "many").as_posix() for path in (tmp_path / "many").rglob("*.wav"))
    assert files == [
        f"{label}/{number:015d}.wav" for label, numbers in (("low", (0, 1)), ("rising", (2, 3))) for number in numbers
    ]
    assert main([*call, "--label", "rising", "-n", "2", "--out", str(tmp_path / "up.wav")]) != 0
    told = capsys.readouterr().err
    assert "a .wav file holds one sample, and 2 were asked for: name a folder, --out" in told
    with augmint.Client(service.target) as client:
        assert np.array_equal(client.generate("rising", 1, seed=3).array[0], one)


def test_exports_are_files_that_other_programs_play(service, tmp_path):
    augmint_export = ["export", "--target", service.target, "--seed", "3", "--n", "4"]
    assert main([*augmint_export, "--format", "folder", "--out", str(tmp_path / "folder")]) == 0
    assert len(list((tmp_path / "folder").rglob("*.wav"))) == 4
    assert main([*augmint_export, "--format", "webdataset", "--out", str(tmp_path / "tars")]) == 0
    datasets, parquet = pytest.importorskip("datasets"), tmp_path / "parquet"
    assert main([*augmint_export, "--format", "parquet", "--out", str(parquet)]) == 0
    read = datasets.Dataset.from_parquet([str(path) for path in parquet.glob("*.parquet")])
    assert read.features["audio"] == datasets.Audio(sampling_rate=RATE)
    stored = read.cast_column("audio", datasets.Audio(decode=False))[0]["audio"]
    with wave.open(io.BytesIO(stored["bytes"])) as file:
        assert file.getnframes() == 1024


@pytest.fixture
def torchcodec(monkeypatch, tmp_path):
    """What of torchcodec datasets asks for before it writes files of sounds as they are."""
    for name, content in (
        ("__init__", ""),
        ("encoders", "class AudioEncoder: ..."),
        ("decoders", "AudioDecoder, VideoDecoder = int, str"),
    ):
        (tmp_path / "torchcodec").mkdir(exist_ok=True)
        (tmp_path / "torchcodec" / f"{name}.py").write_text(content)
    forget(monkeypatch)
    monkeypatch.syspath_prepend(tmp_path)


def forget(monkeypatch):
    for name in [each for each in sys.modules if each.partition(".")[0] == "torchcodec"]:
        monkeypatch.delitem(sys.modules, name)


def test_hugging_face_sees_sounds_as_whole_files_with_their_rate(service, torchcodec):
    datasets = pytest.importorskip("datasets")
    made = huggingface.iterable_dataset(service.target, length=3, seed=3)
    assert made.features["audio"] == datasets.Audio(sampling_rate=RATE)
    example = next(iter(made.cast_column("audio", datasets.Audio(decode=False))))
    with augmint.Client(service.target) as client:
        drawn = client.generate(made.features["label"].int2str(example["label"]), 1, seed=3).array[0]
    with wave.open(io.BytesIO(example["audio"]["bytes"])) as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE, 2)
        assert np.array_equal(np.frombuffer(file.readframes(1024), "<i2"), drawn)


def test_without_torchcodec_hugging_face_is_told_what_to_install_and_what_does_without(service, monkeypatch):
    pytest.importorskip("datasets")
    forget(monkeypatch)
    monkeypatch.setitem(sys.modules, "torchcodec", None)
    with pytest.raises(augmint.MissingExtra) as error:
        huggingface.iterable_dataset(service.target, length=3, seed=3)
    assert "torchcodec" in str(error.value)
    assert "`augmint export --format parquet` writes the sounds" in str(error.value)
