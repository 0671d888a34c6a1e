"""Music from its files to a training loop: fitted, measured, published, served, drawn, written and loaded."""

from __future__ import annotations

import re
from pathlib import Path

import mido
import numpy as np
import pytest
import torch

import augmint
from augmint.__main__ import main
from augmint.kinds import synthesis
from augmint.torch import SyntheticDataset, SyntheticStream
from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from tests.browser import heard
from tests.processes import Service
from tests.training import runs
from tests.training.kinds.music import made
from training.export.sampling import addressed_samples
from training.publishing.published import Published


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> tuple[Path, Path]:
    """(folder, file) of a run of a few steps, published whatever it reached."""
    place = tmp_path_factory.mktemp("run")
    small = {"width": 8, "latent_size": 16, "batch_size": 16}
    tunes = made.data(place / "tunes", 12)
    path, _ = runs.published(place, tunes, "musegan", small, name="tunes", steps=12, judge_steps=60, score=True, bars=2)
    return place, path


@pytest.fixture(scope="module")
def service(published):
    with Service(published[0] / "models", "--max-batch", "8", "--allow-withheld") as service:
        yield service


def test_music_is_fitted_measured_and_published(published):
    session = Session(published[1].read_bytes())
    message = artifact.from_json(session.metadata)
    assert (list(message.sample.shape), message.sample.dtype) == ([32, 24], pb.DATA_TYPE_UINT8)
    music = message.sample.music
    assert (music.steps_per_quarter, music.held_velocity) == (4, 89)
    assert [(each.beats, each.unit) for each in music.metres] == [(3, 4), (4, 4)]
    assert list(music.tempos) == [120, 120]
    assert message.quality.real_accuracy > 0.9
    assert "divergence of pitch classes" in {each.name for each in message.quality.measurements}
    samples = addressed_samples(session, np.arange(60) % 2, 3, 0)
    assert samples.dtype == np.uint8
    assert len(np.unique(samples, axis=0)) > 1
    assert set(np.unique(samples)) <= {0, 89, 90}


def test_the_samples_of_a_report_play(published):
    page = next((published[0] / "runs").glob("*/report.html")).read_text()
    content = re.findall(r"data:audio/wav;base64,([A-Za-z0-9+/=]+)", page)
    assert len(content) >= 4
    assert "Pitch classes of notes" in page
    assert list((published[0] / "runs").glob("*/samples/*.png"))


def test_in_a_browser_every_tune_of_a_report_plays_to_its_end(published, page):
    page.goto(next((published[0] / "runs").glob("*/report.html")).as_uri())
    players = heard(page, synthesis.RATE)
    assert len(players) >= 4
    for seconds, played, rate, levels in players:
        assert seconds == played == pytest.approx(len(levels) / synthesis.RATE, abs=1e-3)
        assert 4 <= seconds < 7  # 8 quarter notes at 120 a minute, and the sound of the last dies away
        assert rate == synthesis.RATE
    assert max(np.abs(levels).max() for *_, levels in players) > 0.1  # real tunes are among them


def test_a_published_generator_finds_its_pieces_again(published):
    again = Published.open(published[1], str(published[0] / "tunes"))
    assert again.dataset.samples.shape[1:] == (32, 24)
    assert again.dataset.kind.spec.music.lowest_pitch == again.message.sample.music.lowest_pitch


def test_music_is_drawn_by_address_and_handed_over_as_midi(service):
    with augmint.Client(service.target) as client:
        some = client.generate("up", 12, seed=3)
        alone = client.generate("up", 1, seed=3, start_index=11)
        best = client.generate("down", 2, seed=3, keep=2, of=8)
    assert (some.array.shape, some.array.dtype) == ((12, 32, 24), np.uint8)
    assert np.array_equal(some.array[11], alone.array[0])
    assert len(best) == 2
    files = some.to_midi()
    assert [type(each) for each in files] == [mido.MidiFile] * 12
    assert files[0].length == pytest.approx(4)  # 8 quarter notes at 120 a minute
    assert files[0].tracks[0][2].numerator == 4
    assert best.to_midi()[0].tracks[0][2].numerator == 3


def test_loaders_give_tracks_of_steps_and_pitches(service):
    batches = list(SyntheticStream(service.target, batch_size=12, length=24, seed=3))
    assert [(tuple(batch.shape), batch.dtype) for batch, _ in batches] == [((12, 1, 32, 24), torch.float32)] * 2
    data = SyntheticDataset(service.target, length=4, seed=3)
    assert torch.equal(data[1][0], batches[0][0][1])
    raw = SyntheticDataset(service.target, length=4, seed=3, transform=None)[1][0]
    assert raw.dtype == torch.uint8
    assert torch.equal(raw[None] / 127, data[1][0])


def test_one_tune_is_a_file_and_many_are_a_folder(service, tmp_path, capsys):
    call = ["generate", "--target", service.target, "--seed", "3"]
    assert main([*call, "--label", "up", "--out", str(tmp_path / "tune.mid")]) == 0
    assert mido.MidiFile(tmp_path / "tune.mid").type == 1
    assert main([*call, "-n", "2", "--out", str(tmp_path / "many")]) == 0
    files = sorted(path.relative_to(tmp_path / "many").as_posix() for path in (tmp_path / "many").rglob("*.mid"))
    assert files == [
        f"{label}/{number:015d}.mid" for label, numbers in (("down", (0, 1)), ("up", (2, 3))) for number in numbers
    ]
    assert main([*call, "--label", "up", "-n", "2", "--out", str(tmp_path / "tune.mid")]) != 0
    assert "a .mid file holds one sample, and 2 were asked for: name a folder, --out" in capsys.readouterr().err
