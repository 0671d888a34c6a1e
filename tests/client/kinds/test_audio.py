"""Sounds as people take them: floats and files, one channel or several, and beside real ones."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

import augmint
from augmint import kinds
from augmint.__main__ import main
from augmint.generators import Description
from augmint.samples import Samples
from augmint.torch import mix
from augmint.v1 import generator_pb2 as pb
from tests.client import sounds
from tests.client.fakes import FakeService
from tests.processes import Service


def samples_of(array: np.ndarray, rate: int = 16000) -> Samples:
    fake = FakeService(labels=("no", "yes"))
    fake.sample = pb.SampleSpec(
        shape=array.shape[1:], dtype=pb.DATA_TYPE_INT16, audio=pb.AudioSpec(sample_rate_hz=rate)
    )
    description = Description.read(fake.get_generator(pb.GetGeneratorRequest(), 1))
    n = len(array)
    return Samples(array, np.arange(n) % 2, np.arange(n, dtype=np.uint64), description, 7, 1.0)


EDGES = np.array([[0, 1, -1, 32767], [-32768, 16384, -16384, 2]], np.int16)


def test_floats_are_levels_over_the_full_scale_and_come_with_the_rate():
    array, rate = samples_of(EDGES).to_audio()
    assert rate == 16000
    assert array.dtype == np.float32
    assert np.array_equal(array * 32768, EDGES)
    assert np.abs(array).max() <= 1


def test_several_channels_stay_apart():
    stereo = np.stack([EDGES, EDGES // 2], 2)
    samples = samples_of(stereo)
    assert samples.to_audio()[0].shape == (2, 4, 2)
    floats = kinds.of(samples.description).floats(stereo)
    assert floats.shape == (2, 2, 4)
    assert np.array_equal(floats[:, 1] * 32768, EDGES // 2)
    with wave.open(io.BytesIO(next(iter(kinds.of(samples.description).files(samples))))) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 16000, 4)
        assert np.array_equal(np.frombuffer(file.readframes(4), "<i2").reshape(4, 2), stereo[0])


def test_what_makes_no_sounds_says_so():
    fake = FakeService()
    with augmint.Client(transport=fake) as client:
        samples = client.generate(0, 2, seed=7)
    with pytest.raises(augmint.InvalidRequest, match=r"generator 'fake' makes .*, not sounds"):
        samples.to_audio()
    with pytest.raises(augmint.InvalidRequest, match="makes audio, not images"):
        samples_of(EDGES).to_images()


@pytest.fixture(scope="module")
def target(tmp_path_factory, forked):
    models = tmp_path_factory.mktemp("models")
    sounds.publish(models, "words")
    service = Service(models, start=forked)
    yield service.target
    service.kill()


def test_a_description_is_told_in_seconds(target, capsys):
    assert main(["show", "--target", target]) == 0
    assert "0.128 s at 8,000 Hz" in capsys.readouterr().out


def test_one_file_holds_one_sound_and_a_picture_none(target, tmp_path, capsys):
    call = ["generate", "--target", target, "--seed", "7"]
    assert main([*call, "--label", "yes", "--out", str(tmp_path / "yes.wav")]) == 0
    assert main([*call, "--out", str(tmp_path / "all.wav")]) != 0
    assert "a .wav file holds one sample, and 2 were asked for" in capsys.readouterr().err
    assert main([*call, "--out", str(tmp_path / "sheet.png")]) != 0
    assert "generator 'words' makes audio: use --out FILE.npz" in capsys.readouterr().err
    assert not (tmp_path / "all.wav").exists()


@pytest.mark.parametrize("shape", [(1, sounds.FRAMES), (sounds.FRAMES,)])
def test_real_sounds_of_floats_are_mixed_with_synthetic_ones(target, shape):
    real = TensorDataset(torch.rand(8, *shape) * 2 - 1, torch.arange(8) % 2)
    mixed = mix(real, target, per_real=1, names=sounds.LABELS, seed=7)
    batches = list(mixed.loader(batch_size=8))
    assert sum(len(batch) for batch, _ in batches) == 16
    assert {batch.dtype for batch, _ in batches} == {torch.float32}
    assert all(tuple(batch.shape[1:]) == shape and float(batch.abs().max()) <= 1 for batch, _ in batches)


def test_real_sounds_of_another_length_are_refused(target):
    real = TensorDataset(torch.zeros(8, 1, 999), torch.arange(8) % 2)
    with pytest.raises(augmint.InvalidRequest, match=r"real samples are float32 \[1, 999\], the generator's int16"):
        mix(real, target, per_real=1, names=sounds.LABELS, seed=7)
