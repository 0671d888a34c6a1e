"""What is in a file of MIDI, and what goes wrong with one: each case with its sentence."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest

from tests.training.kinds.music.made import TICKS, data, fill, head, read, save, track
from training.data import DataError
from training.data.reading import Claim
from training.kinds import load as load_any
from training.kinds.music import load, midi, reads

SCALE = [(at / 2, 0.5, 60 + at) for at in range(32)]  # 16 quarter notes


@pytest.fixture(scope="module")
def tunes(tmp_path_factory) -> Path:
    return data(tmp_path_factory.mktemp("tunes"), 8)


@pytest.fixture
def root(tunes: Path, tmp_path: Path) -> Path:
    """A folder whose classes may be added to."""
    for each in tunes.rglob("*.mid"):
        place = tmp_path / "data" / each.relative_to(tunes)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(each)
    return tmp_path / "data"


def one(path: Path) -> midi.Piece:
    found = midi.read(path)
    assert not isinstance(found, str), found
    (piece,) = found
    return piece


def test_a_folder_of_midi_is_read_and_other_folders_are_not(tunes: Path, tmp_path: Path) -> None:
    assert reads(str(tunes)) == Claim.SURE
    found = load_any(str(tunes))
    assert found.kind.words == "64 steps of a melody, 4 a quarter note, 24 pitches"
    assert found.samples.dtype == np.uint8
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "0.png").write_bytes(b"")
    assert reads(str(tmp_path)) == reads(str(tmp_path / "nothing")) == Claim.NONE


def test_one_piece_is_no_data_set(tunes: Path) -> None:
    with pytest.raises(DataError, match="it is one piece; name the folder with one folder of MIDI files per class"):
        load(str(tunes / "up" / "000.mid"))


def test_notation_of_other_kinds_is_told_how_to_convert(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "tune.abc").write_text("X:1")
    with pytest.raises(DataError, match=r"1 \.abc files are not read. Convert them to MIDI: MuseScore exports it"):
        load(str(tmp_path))


def test_notes_tempo_metre_and_program_are_read(tmp_path: Path) -> None:
    program = mido.Message("program_change", channel=3, program=73)
    path = save(tmp_path / "x.mid", track(SCALE, channel=3, head=[*head((6, 8), 90), program]))
    piece = one(path)
    assert (piece.tempo, piece.metres, piece.quarters) == (90, [(0.0, (6, 8))], 16)
    assert piece.programs == {(0, 3): 73}
    assert piece.parts[0, 3][:2] == [midi.Note(0, 0.5, 60, 90), midi.Note(0.5, 1, 61, 90)]


def test_without_tempo_and_metre_players_defaults_stand_in_and_it_is_said(root: Path) -> None:
    save(root / "up" / "x.mid", track(SCALE))
    said = read(root)[1]
    assert "1 piece without a tempo" in said
    assert "1 piece without a time signature, taken for 4/4" in said


def test_where_nobody_says_a_tempo_the_specification_says_none(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number in range(8):
            notes = [(at, length, pitch + number) for at, length, pitch in SCALE]
            save(tmp_path / name / f"{number}.mid", track(notes, velocity=40 if name == "a" else 44))
    found = load(str(tmp_path))
    music = found.kind.spec.music
    assert list(music.tempos) == []
    assert [(each.beats, each.unit) for each in music.metres] == [(4, 4), (4, 4)]
    assert any("of pieces" in each.text or "more than one label" in each.text for each in found.questions)


def test_of_several_tempos_the_one_that_holds_longest_counts(root: Path) -> None:
    marks = [
        mido.MetaMessage("set_tempo", tempo=500_000),
        mido.MetaMessage("set_tempo", tempo=300_000, time=2 * TICKS),
        mido.MetaMessage("set_tempo", tempo=600_000, time=9 * TICKS),
    ]
    path = save(root / "up" / "x.mid", mido.MidiTrack(marks), track(SCALE))
    assert one(path).tempo == pytest.approx(200)
    assert "1 piece with several tempos, of which the one that holds longest counts" in read(root)[1]


def test_samples_begin_on_the_bar_lines_of_each_time_signature(root: Path) -> None:
    marks = [
        mido.MetaMessage("time_signature", numerator=3, denominator=4),
        mido.MetaMessage("time_signature", numerator=4, denominator=4, time=12 * TICKS),
    ]
    notes = [(float(at), 1.0, 60 + at % 12) for at in range(44)]
    save(root / "up" / "x.mid", mido.MidiTrack(marks), track(notes))
    found, said = read(root)
    assert "1 piece with several time signatures: samples begin on the bar lines of each" in said
    lowest = found.kind.frame.lowest
    begins = [sample[0].argmax() + lowest for sample in found.samples if (sample > 0).any(1).all() and sample[0].any()]
    # Four bars of 3/4, then four of 4/4 each: at the quarters 0, 12 and 28.
    assert {60, 60 + 12 % 12, 60 + 28 % 12} <= set(begins)


def test_a_time_signature_that_cannot_be_is_left_out(root: Path) -> None:
    mark = mido.MetaMessage("time_signature", numerator=4, denominator=2**20)
    save(root / "up" / "x.mid", mido.MidiTrack([mark]), track(SCALE))
    assert "1 time signature that cannot be, left out" in read(root)[1]


def test_drums_are_left_out_and_counted(root: Path) -> None:
    beat = [(float(at), 0.25, 36) for at in range(16)]
    save(root / "up" / "x.mid", track(SCALE), track(beat, channel=9))
    found, said = read(root)
    assert "16 notes of drums (channel 10) in 1 piece left out: they have no pitch" in said
    assert found.kind.frame.lowest > 36
    path = save(root / "drums.mid", track(beat, channel=9))
    assert midi.read(path) == "holds drums only (channel 10), which have no pitch"


def test_a_note_struck_again_before_its_end_ends_there(root: Path) -> None:
    path = save(root / "up" / "x.mid", track([*SCALE, (0.25, 0.25, 60)]))
    assert [note.end for note in one(path).parts[0, 0][:2]] == [0.25, 0.5]
    assert "1 note struck again before its end: the first one ends there" in read(root)[1]


def test_a_note_without_an_end_ends_with_its_track(root: Path) -> None:
    notes = track(SCALE)
    notes.append(mido.Message("note_on", note=40, velocity=9, time=0))
    notes.append(mido.MetaMessage("end_of_track", time=TICKS))
    path = save(root / "up" / "x.mid", notes)
    assert max(note.end for note in one(path).parts[0, 0]) == 17
    assert "1 note without an end, ended with the track" in read(root)[1]


def test_type_0_holds_all_channels_in_one_track(tmp_path: Path) -> None:
    both = mido.merge_tracks([track(SCALE, head=head()), track(SCALE, channel=1, velocity=50)])
    piece = one(save(tmp_path / "x.mid", both, type=0))
    assert {part: len(notes) for part, notes in piece.parts.items()} == {(0, 0): 32, (0, 1): 32}
    assert {note.velocity for note in piece.parts[0, 1]} == {50}


def test_each_track_of_type_2_is_a_piece_of_its_own_in_one_split(root: Path) -> None:
    later = [(at, length, pitch - 5) for at, length, pitch in SCALE]
    path = save(root / "up" / "x.mid", track(SCALE, head=head()), track(later, head=head((3, 4), 90)), type=2)
    found = midi.read(path)
    assert [piece.tempo for piece in found] == [120, 90]
    before, after = load(str(path.parents[1])), path.unlink()
    assert after is None
    more = len(before.samples) - len(load(str(root)).samples)
    assert more == 2
    assert np.bincount(before.groups)[-1] == 2


def test_messages_to_instruments_are_ignored_and_counted(root: Path) -> None:
    notes = track(SCALE, head=[mido.Message("sysex", data=(65, 16, 66)), mido.Message("pitchwheel", pitch=100)])
    save(root / "up" / "x.mid", notes)
    assert "1 message to one make of instrument (SysEx), ignored" in read(root)[1]


def test_files_that_are_none_or_are_damaged_are_skipped_and_named(root: Path) -> None:
    whole = (root / "up" / "000.mid").read_bytes()
    cases = {
        "empty": (b"", "an empty file"),
        "page": (b"<html></html>", "no MIDI file: it begins with b'<htm', not with b'MThd'"),
        "cut": (whole[:-40], "damaged: it ends in the middle of a track"),
    }
    for name, (content, _) in cases.items():
        (root / "up" / f"{name}.mid").write_bytes(content)
    said = read(root)[1]
    for name, (_, fault) in cases.items():
        assert f"skipped up/{name}.mid: {fault}" in said
    (root / "up" / "more.mid").write_bytes(b"")
    with pytest.raises(DataError, match=r"4 of 20 pieces cannot be used; at most 1% \(or 3\) are skipped"):
        read(root)


def test_a_file_without_notes_is_named(root: Path) -> None:
    save(root / "up" / "x.mid", mido.MidiTrack(head()))
    assert "skipped up/x.mid: holds no note" in read(root)[1]


def test_time_in_frames_of_film_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "x.mid", track(SCALE))
    content = bytearray(path.read_bytes())
    content[12:14] = (0xE728).to_bytes(2, "big")  # 25 frames a second of 40 ticks
    path.write_bytes(content)
    assert "counts time in frames of film (SMPTE)" in str(midi.read(path))


def test_a_rest_of_years_is_refused_before_anything_is_made_of_it(tmp_path: Path) -> None:
    path = save(tmp_path / "x.mid", track([(0.0, 1.0, 60), (500_000.0, 1.0, 60)]))
    assert midi.read(path) == "claims to be 500,001 quarter notes long; at most 20,000 are read"


def test_what_mido_cannot_make_sense_of_is_told(tmp_path: Path) -> None:
    path = save(tmp_path / "x.mid", track(SCALE, head=[mido.MetaMessage("key_signature", key="C")]))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\xff\x59\x02\x00\x00", b"\xff\x59\x02\x70\x70"))
    assert str(midi.read(path)).startswith("damaged: ")
    path.write_bytes(content[:9])
    assert "damaged" in str(midi.read(path))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_bytes_are_changed_a_file_is_read_or_told_of(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    path = save(tmp_path / "x.mid", track(SCALE, head=head()))
    content = bytearray(path.read_bytes())
    for at in random.integers(4, len(content), 6):
        content[at] = random.integers(256)
    path.write_bytes(content)
    found = midi.read(path)
    assert found if isinstance(found, str) else all(piece.parts for piece in found)


def test_karaoke_files_are_midi(tmp_path: Path) -> None:
    for path in fill(tmp_path / "a"):
        path.rename(path.with_suffix(".KAR"))
    assert len(load(str(tmp_path)).samples) == 20
