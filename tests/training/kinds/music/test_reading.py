"""Pieces on a grid: bars, steps, pitches, tracks, and what lies off it."""

from __future__ import annotations

import io
import re
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augmint.generators import Description
from augmint.samples import Samples
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService
from tests.training.kinds.music.made import classes, data, fill, head, read, save, track
from training.data import DataError
from training.data.splits import split
from training.kinds.music import grid, load, midi, rolls
from training.kinds.music.grid import Grid
from training.kinds.music.midi import Note, Piece
from training.kinds.music.music import Melody, Music
from training.kinds.music.pieces import Frame


@pytest.fixture(scope="module")
def tunes(tmp_path_factory) -> Path:
    return data(tmp_path_factory.mktemp("tunes"), 12)


def test_pieces_become_windows_of_four_bars(tunes: Path) -> None:
    found, said = read(tunes)
    # 8 bars of 4/4 are two samples; 10 bars of 3/4, 30 quarter notes, are two that overlap by a bar.
    assert classes(found) == {"down": 24, "up": 24}
    assert "24 pieces became 48 samples of 64 steps, 4 a quarter note: 4 bars of 4/4" in said
    assert found.samples.shape[1] == 64
    first = rolls.find(found.samples[found.labels == 1][:1], found.kind.frame.held)
    assert first.start.size == 32
    assert set(first.length.tolist()) == {2}


@pytest.mark.parametrize(("bars", "steps", "length"), [(1, 4, 16), (2, 4, 32), (4, 12, 192), (3, 2, 24)])
def test_bars_and_grid_are_as_asked_for(tunes: Path, bars: int, steps: int, length: int) -> None:
    found, _ = read(tunes, bars=bars, grid=steps)
    assert found.samples.shape[1] == length
    assert found.kind.spec.music.steps_per_quarter == steps


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"bars": 0}, "--bars 0: a sample has 1 to 64 bars"),
        ({"grid": 99}, "--grid 99: a quarter note has 1 to 48 steps"),
        ({"tracks": 9}, "--tracks 9: a sample has 1 to 8 tracks"),
        ({"bars": 64, "grid": 24}, "are 6,144 steps; at most 1,024: take a smaller --bars or --grid"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(tunes: Path, asked: dict[str, int], sentence: str) -> None:
    with pytest.raises(DataError, match=re.escape(sentence)):
        load(str(tunes), **asked)


def test_a_bar_that_is_no_whole_number_of_steps_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "a", metre=(7, 8))
    with pytest.raises(DataError, match="--grid 1: a bar of 7/8 is no whole number of steps; take a multiple of 2"):
        load(str(tmp_path), grid=1)


def test_triplets_are_moved_to_the_nearest_step_and_counted(tmp_path: Path) -> None:
    for number in range(8):
        notes = [(at / 3, 1 / 3, 60 + (at * number) % 11) for at in range(48)]
        save(tmp_path / "a" / f"{number}.mid", track(notes, head=head()))
    found, said = read(tmp_path)
    assert "256 of 384 notes began off the grid and were moved to the nearest step" in said
    assert "67% of the notes began off a grid of 4 steps a quarter note. --grid 12 would hold triplets" in said
    starts = rolls.find(found.samples[:1], found.kind.frame.held).start
    assert sorted(set(starts.tolist()) & set(range(4))) == [0, 1, 3]
    again, said = read(tmp_path, grid=12)
    assert "off the grid" not in said
    assert rolls.find(again.samples[:1], again.kind.frame.held).start.size == 48


def test_grace_notes_leave_their_step_to_what_follows(tmp_path: Path) -> None:
    for number in range(8):
        notes = [(at * 1.0, 0.9, 60 + (at * number) % 11) for at in range(16)]
        save(tmp_path / "a" / f"{number}.mid", track([(1.94, 0.05, 72), *notes], head=head()))
    found, said = read(tmp_path)
    assert "8 notes shorter than a step left out, where another one is as near to it" in said
    assert isinstance(found.kind, Melody)


def test_a_pitch_far_from_all_others_is_moved_by_octaves(tmp_path: Path) -> None:
    fill(tmp_path / "a", 40)
    save(tmp_path / "a" / "x.mid", track([(0.0, 1.0, 5), (1.0, 1.0, 64)], head=head()))
    found, said = read(tmp_path)
    assert "1 of 2,562 notes was moved by octaves into the range of the others" in said
    frame = found.kind.frame
    last = rolls.find(found.samples[-1:], frame.held)
    assert {(int(pitch) + frame.lowest) % 12 for pitch in last.pitch} == {5, 4}


def test_parts_of_all_pieces_are_tracks_and_others_one_track(tmp_path: Path) -> None:
    for number in range(8):
        tune = [(float(at), 1.0, 70 + at % (number + 2)) for at in range(16)]
        bass = [(0.0, 8.0, 40), (8.0, 8.0, 40 + number)]
        program = mido.Message("program_change", channel=1, program=32)
        save(
            tmp_path / "a" / f"{number}.mid",
            track(tune, head=head()),
            track(bass, channel=1, velocity=50, head=[program]),
        )
    found, _ = read(tmp_path)
    assert found.samples.shape == (8, 64, 40, 2)
    music = found.kind.spec.music
    assert (list(music.programs), found.kind.frame.velocities, music.held_velocity) == ([0, 32], (90, 50), 49)
    assert load(str(tmp_path), tracks=1).samples.shape == (8, 64, 40)
    save(tmp_path / "a" / "x.mid", track([(float(at), 1.0, 70 + at) for at in range(16)], head=head()))
    merged, said = read(tmp_path)
    assert merged.samples.shape[1:] == (64, 48)
    assert "pieces have 1 to 2 parts (tracks and channels): all of a piece became one track; --tracks N keeps" in said
    assert load(str(tmp_path), tracks=2).samples.shape == (9, 64, 48, 2)


def test_samples_of_one_piece_lie_in_one_split(tunes: Path) -> None:
    copy = tunes.parent / "copied"
    data(copy, 12)
    (copy / "up" / "again.mid").write_bytes((copy / "up" / "003.mid").read_bytes())
    found, said = read(copy)
    assert "1 piece has the very notes of another one" in said
    parts = split(found, seed=5)
    groups = [set(found.groups[each].tolist()) for each in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, groups)) == len(set(found.groups.tolist())) == 24
    assert all((found.counts(each) >= 2).all() for each in (parts.train, parts.validation, parts.test))


def test_classes_are_counted_in_pieces(tmp_path: Path) -> None:
    data(tmp_path, 8)
    fill(tmp_path / "few", 5, first=50)
    with pytest.raises(
        DataError, match="class 'few' has 5 different pieces; at least 8 are needed; --drop-scarce leaves it out"
    ):
        load(str(tmp_path))
    found = load(str(tmp_path), drop_scarce=True)
    assert found.class_names == ("down", "up")
    assert len(found.groups) == len(found.samples)
    assert len(found.kind.spec.music.metres) == 2
    assert [(each.beats, each.unit) for each in found.kind.spec.music.metres] == [(3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("quarters", "metre", "begins"),
    [
        (16, (4, 4), [0]),
        (17, (4, 4), [0]),
        (24, (4, 4), [0, 64]),
        (3, (4, 4), [0]),
        (36, (6, 8), [0, 48, 96]),
        (40, (9, 8), [0, 54, 108]),
        (40, (20, 4), [0, 64, 80]),
    ],
)
def test_windows_begin_on_bar_lines_and_leave_nothing_between_them(quarters, metre, begins) -> None:
    piece = Piece(metres=[(0.0, metre)], quarters=quarters)
    assert grid.windows(piece, Grid(4, 16, 64, 4)) == begins


MARKS = st.lists(st.tuples(st.floats(0, 60), st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 8), (11, 8)])), max_size=4)


@settings(deadline=None, max_examples=60)
@given(st.floats(0.25, 80), MARKS)
def test_whatever_the_metres_windows_advance_and_cover_the_piece(quarters, marks) -> None:
    piece = Piece(metres=sorted(dict(marks).items()), quarters=quarters)
    begins = grid.windows(piece, Grid(4, 16, 64, 4))
    assert begins[0] == 0
    steps = np.diff(begins)
    assert ((steps >= 1) & (steps <= 64)).all()
    assert begins[-1] + 64 + 32 >= quarters * 4 - 1


@st.composite
def drawn(draw) -> tuple[Frame, np.ndarray]:
    """A frame and one roll of notes in it, of which at least one is there."""
    tracks, pitches = draw(st.integers(1, 3)), draw(st.sampled_from([8, 24]))
    steps = draw(st.sampled_from([3, 4, 7, 12]))
    length = draw(st.sampled_from([8, 16, 40]))
    velocities = tuple(draw(st.lists(st.integers(2, 127), min_size=tracks, max_size=tracks)))
    held = min(velocities) - 1
    frame = Frame(Grid(steps, length, length, 1), draw(st.integers(0, 100)), pitches, velocities, (0,) * tracks, held)
    roll = np.zeros(frame.shape, np.uint8)
    count = draw(st.integers(1, 12))
    for _ in range(count):
        start = draw(st.integers(0, length - 1))
        size = draw(st.integers(1, length - start))
        track_ = draw(st.integers(0, tracks - 1))
        rolls.draw(roll, start, size, draw(st.integers(0, pitches - 1)), track_, velocities[track_], held)
    return frame, roll


@settings(deadline=None, max_examples=60)
@given(drawn())
def test_a_roll_becomes_midi_and_the_same_roll_again(made) -> None:
    frame, roll = made
    kind = Music(frame, (97.0,), ((3, 4),))
    fake = FakeService(labels=("a", "b"))
    fake.sample = kind.spec
    description = Description.read(fake.get_generator(pb.GetGeneratorRequest(), 1))
    array = (roll if frame.tracks > 1 else roll[..., 0])[None]
    samples = Samples(array, np.zeros(1, np.int64), np.zeros(1, np.uint64), description, 7, 1.0)
    content = io.BytesIO()
    samples.to_midi()[0].save(file=content)
    content.seek(0)
    file = mido.MidiFile(file=content)
    assert file.length == pytest.approx(frame.grid.length / frame.grid.steps * 60 / 97, rel=1e-3)
    piece = midi._piece(list(enumerate(file.tracks)), file)
    assert piece.metres == [(0.0, (3, 4))]
    assert not piece.told["overlapping"] + piece.told["without end"]
    again = np.zeros_like(roll)
    for (number, _), notes in piece.parts.items():
        for note in notes:
            start, length, off = grid.placed(note.start, note.end, frame.grid.steps)
            assert not off
            assert note.velocity in (frame.velocities[number - 1], frame.held)
            rolls.draw(again, start, length, note.pitch - frame.lowest, number - 1, note.velocity, frame.held)
    assert np.array_equal(again, roll)


def test_notes_that_follow_each_other_do_so_on_the_grid(tmp_path: Path) -> None:
    assert Note(0.0, 0.5, 60, 90).end == 0.5
    for number in range(8):
        notes = [(at * 0.5 + (0.04 if at % 2 else 0), 0.5, 60 + (at * number) % 11) for at in range(32)]
        save(tmp_path / "a" / f"{number}.mid", track(notes, head=head()))
    assert isinstance(load(str(tmp_path)).kind, Melody)
