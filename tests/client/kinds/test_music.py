"""Music as people take it: files of MIDI, tensors of tracks, and arrays where nobody has a type for it."""

from __future__ import annotations

import io
import sys
import wave

import mido
import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

import augmint
from augmint import kinds
from augmint.__main__ import main
from augmint.generators import Description
from augmint.kinds import midi, music
from augmint.samples import Samples
from augmint.torch import SyntheticDataset, SyntheticStream, mix
from augmint.v1 import generator_pb2 as pb
from tests.client import tunes
from tests.client.fakes import FakeService
from tests.processes import Service


def samples_of(array: np.ndarray, **spec: object) -> Samples:
    """uint8 [n, steps, pitches(, tracks)] of two labels, with a specification in which a step is a sixteenth."""
    fake = FakeService(labels=("jig", "réel ♪"))
    told = pb.MusicSpec(**{"steps_per_quarter": 4, "lowest_pitch": 60, **spec})
    fake.sample = pb.SampleSpec(shape=array.shape[1:], dtype=pb.DATA_TYPE_UINT8, music=told)
    description = Description.read(fake.get_generator(pb.GetGeneratorRequest(), 1))
    n = len(array)
    return Samples(array, np.arange(n) % 2, np.arange(n, dtype=np.uint64), description, 7, 1.0)


def played(file: mido.MidiFile) -> list[tuple[int, str, int, int]]:
    """Tick, kind, note and velocity of a file's notes, in order."""
    found, now = [], 0
    for message in mido.merge_tracks(file.tracks):
        now += message.time
        if message.type in ("note_on", "note_off"):
            found.append((now, message.type, message.note, message.velocity))
    return found


ROLL = np.zeros((1, 8, 4), np.uint8)
ROLL[0, :3, 1] = 90, 89, 90  # an eighth, and the same note again
ROLL[0, 5:, 3] = 70, 89, 89


def test_a_note_lasts_until_it_is_struck_again_or_silent():
    (file,) = samples_of(ROLL, held_velocity=89).to_midi()
    assert (file.type, file.ticks_per_beat, len(file.tracks)) == (1, 480, 2)
    assert played(file) == [
        (0, "note_on", 61, 90),
        (240, "note_off", 61, 0),
        (240, "note_on", 61, 90),
        (360, "note_off", 61, 0),
        (600, "note_on", 63, 70),
        (960, "note_off", 63, 0),
    ]
    assert file.length == pytest.approx(1)  # two quarter notes at 120


def test_without_a_velocity_for_it_a_run_of_steps_is_one_note():
    (file,) = samples_of(ROLL).to_midi()
    assert [event[:3] for event in played(file)] == [
        (0, "note_on", 61),
        (360, "note_off", 61),
        (600, "note_on", 63),
        (960, "note_off", 63),
    ]


def test_a_note_that_is_held_from_the_beginning_is_struck_there():
    roll = np.full((1, 2, 1), 89, np.uint8)
    (file,) = samples_of(roll, held_velocity=89).to_midi()
    assert played(file) == [(0, "note_on", 60, 89), (240, "note_off", 60, 0)]


def test_tempo_metre_and_name_are_those_of_the_label():
    metres = [pb.Metre(beats=6, unit=8), pb.Metre(beats=4, unit=4)]
    first, second = samples_of(np.concatenate([ROLL, ROLL]), tempos=[90, 200], metres=metres).to_midi()
    heads = [{message.type: message for message in file.tracks[0]} for file in (first, second)]
    assert [head["set_tempo"].tempo for head in heads] == [666667, 300000]
    assert [(head["time_signature"].numerator, head["time_signature"].denominator) for head in heads] == [
        (6, 8),
        (4, 4),
    ]
    assert heads[1]["track_name"].name == "fake réel ?"
    (one, _) = samples_of(np.concatenate([ROLL, ROLL]), tempos=[90]).to_midi()
    assert {message.type for message in one.tracks[0]} == {"track_name", "set_tempo", "end_of_track"}


def test_each_track_has_its_instrument_and_none_the_channel_of_drums():
    array = np.zeros((1, 4, 2, 16), np.uint8)
    array[0, 0, 0] = 100
    programs = list(range(16))
    (file,) = samples_of(array, programs=programs).to_midi()
    changes = [track[0] for track in file.tracks[1:]]
    assert [change.program for change in changes] == programs
    assert [change.channel for change in changes] == [*range(9), *range(10, 16), 0]


@pytest.mark.parametrize("steps", [1, 3, 7, 12, 96])
def test_every_grid_is_whole_ticks(steps):
    (file,) = samples_of(ROLL, steps_per_quarter=steps).to_midi()
    assert file.ticks_per_beat % steps == 0
    assert file.length == pytest.approx(8 / steps / 2)


def test_floats_are_velocities_and_tracks_come_first():
    array = np.zeros((2, 8, 4, 3), np.uint8)
    array[1, 5, 2, 1] = 127
    floats = kinds.of(samples_of(array, programs=[0, 0, 0]).description).floats(array)
    assert (floats.shape, floats.dtype) == ((2, 3, 8, 4), np.float32)
    assert floats[1, 1, 5, 2] == floats.sum() == 1
    assert music.floats(ROLL).shape == (1, 1, 8, 4)


def test_what_makes_no_music_says_so():
    with augmint.Client(transport=FakeService()) as client:
        samples = client.generate(0, 2, seed=7)
    with pytest.raises(augmint.InvalidRequest, match=r"generator 'fake' makes image, not music"):
        samples.to_midi()
    with pytest.raises(augmint.InvalidRequest, match="makes music, not sounds"):
        samples_of(ROLL).to_audio()


def test_the_extra_is_named_where_mido_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(augmint.MissingExtra, match=r"this needs mido: pip install 'augmint\[music\]'"):
        samples_of(ROLL).to_midi()


@pytest.mark.parametrize("tracks", [0, 2])
def test_files_of_midi_come_in_as_they_went_out(tracks):
    array = np.stack([ROLL[0]] * tracks, 2)[None] if tracks else ROLL
    samples = samples_of(array, held_velocity=89, programs=[0] * tracks)
    assert np.array_equal(kinds.raw(samples.to_midi(), samples.description), array)
    floats = kinds.of(samples.description).floats(array)
    assert np.array_equal(midi.back(floats, samples.description), array)
    (content,) = kinds.of(samples.description).files(samples)
    assert np.array_equal(midi.encode([midi.opened(content)], samples.description), array)


def test_what_cannot_come_in_is_refused_with_what_can():
    samples = samples_of(ROLL, held_velocity=89)
    short = samples_of(ROLL[:, :4], held_velocity=89).description
    with pytest.raises(augmint.InvalidRequest, match="sample 0 has pitch 63 up to step 8; generator 'fake' takes 4 st"):
        kinds.raw(samples.to_midi(), short)
    with pytest.raises(augmint.InvalidRequest, match="it is no MIDI file that can be read"):
        midi.opened(b"RIFF")
    with pytest.raises(augmint.InvalidRequest, match=r"samples are a str; give a list of mido\.MidiFile"):
        kinds.raw("tune.mid", samples.description)
    with pytest.raises(augmint.InvalidRequest, match=r"sample 0 is a str; give a mido\.MidiFile"):
        kinds.raw(["tune.mid"], samples.description)


def test_a_page_shows_rolls_and_plays_them_at_the_tempo_of_their_label():
    face = kinds.of(samples_of(ROLL).description).face
    samples = samples_of(np.concatenate([ROLL, ROLL]), held_velocity=89, tempos=[60, 240])
    first, second = face.pictures(samples)
    assert first.media_type == "image/svg+xml"
    assert first.content == second.content
    assert first.content.count(b"<rect") == 3
    lengths = []
    for content in face.sounds(samples):
        with wave.open(io.BytesIO(content)) as file:
            lengths.append(file.getnframes() / file.getframerate())
    assert lengths == pytest.approx([2, 0.5], abs=0.02)


@pytest.fixture(scope="module")
def target(tmp_path_factory, forked):
    models = tmp_path_factory.mktemp("models")
    tunes.publish(models, "tunes")
    service = Service(models, start=forked)
    yield service.target
    service.kill()


def test_a_description_is_told_in_quarter_notes(target, capsys):
    assert main(["show", "--target", target]) == 0
    out = capsys.readouterr().out
    assert "8 quarter notes in steps of 1/4, pitches 60 to 75" in out
    assert "110 to 200 quarter notes a minute; 4/4, 6/8, 3/4" in out
    assert main(["list", "--target", target]) == 0


def test_a_file_holds_a_tune_and_a_folder_several(target, tmp_path, capsys):
    call = ["generate", "--target", target, "--seed", "7"]
    assert main([*call, "--label", "jigs", "--out", str(tmp_path / "tune.mid")]) == 0
    with augmint.Client(target) as client:
        (wanted,) = client.generate("jigs", 1, seed=7).to_midi()
    assert played(mido.MidiFile(tmp_path / "tune.mid")) == played(wanted)
    assert main([*call, "-n", "2", "--out", str(tmp_path / "many")]) == 0
    assert len(list((tmp_path / "many").rglob("*.mid"))) == 8
    assert main([*call, "--out", str(tmp_path / "tune.mid")]) != 0
    assert "a .mid file holds one sample, and 4 were asked for" in capsys.readouterr().err
    assert main([*call, "--label", "jigs", "--out", str(tmp_path / "x.wav")]) != 0
    assert ".wav is for audio; generator 'tunes' makes music: use --out FILE.npz" in capsys.readouterr().err


def test_exports_are_files_of_midi_and_columns_arrays(target, tmp_path):
    call = ["export", "--target", target, "--seed", "7", "--n", "4"]
    assert main([*call, "--format", "folder", "--out", str(tmp_path / "folder")]) == 0
    assert len(list((tmp_path / "folder").rglob("*.mid"))) == 4
    assert main([*call, "--format", "webdataset", "--out", str(tmp_path / "tars")]) == 0
    webdataset = pytest.importorskip("webdataset")
    (tar,) = (tmp_path / "tars").glob("*.tar")
    first = next(iter(webdataset.WebDataset(str(tar), shardshuffle=False)))
    assert mido.MidiFile(file=io.BytesIO(first["mid"])).type == 1
    parquet = pytest.importorskip("pyarrow.parquet")
    assert main([*call, "--format", "parquet", "--out", str(tmp_path / "parquet")]) == 0
    table = parquet.read_table(next((tmp_path / "parquet").glob("*.parquet")))
    assert table.column_names == ["roll", "label", "index", "address"]
    with augmint.Client(target) as client:
        samples = client.fetch(range(4), classes=table["label"].to_pylist(), seed=7)
    assert np.array_equal(np.array(table["roll"].to_pylist()).reshape(samples.array.shape), samples.array)


def test_hugging_face_has_arrays(target):
    datasets = pytest.importorskip("datasets")
    from augmint.huggingface import iterable_dataset

    data = iterable_dataset(target, length=3, seed=7)
    row = next(iter(data.with_format("numpy")))
    assert np.asarray(row["roll"]).shape == (tunes.STEPS, tunes.PITCHES)
    assert isinstance(data.features["label"], datasets.ClassLabel)


def test_loaders_give_tracks_of_steps_and_pitches(target):
    batch, labels = next(iter(SyntheticStream(target, batch_size=4, length=8, seed=7)))
    assert (batch.dtype, tuple(batch.shape)) == (torch.float32, (4, 1, tunes.STEPS, tunes.PITCHES))
    assert tuple(labels.shape) == (4,)
    raw = SyntheticDataset(target, length=4, seed=7, transform=None)[0][0]
    assert raw.dtype == torch.uint8
    assert torch.equal(raw[None] / 127, batch[0])


def test_real_music_is_mixed_with_synthetic_music(target):
    real = TensorDataset(torch.rand(8, 1, tunes.STEPS, tunes.PITCHES), torch.arange(8) % 4)
    mixed = mix(real, target, per_real=1, names=tunes.LABELS, seed=7)
    batches = list(mixed.loader(batch_size=8))
    assert sum(len(batch) for batch, _ in batches) == 16
    assert {tuple(batch.shape[1:]) for batch, _ in batches} == {(1, tunes.STEPS, tunes.PITCHES)}


def test_selection_and_notebook_take_music_as_they_take_anything(target):
    with augmint.Client(target) as client:
        page = client.generate("jigs", 3, seed=7)._repr_html_()
    assert "jigs" in page
