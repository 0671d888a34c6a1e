"""Music that is looked at, listened to and measured."""

from __future__ import annotations

import base64
import io
import re
import wave

import numpy as np
import pytest
from PIL import Image

from augmint.kinds import synthesis
from tests.training.kinds.music.made import arpeggios
from training.kinds.music import measures

KIND, RAW, LABELS = arpeggios()
PAIR, TWO, _ = arpeggios(8, tracks=2)


def test_a_page_shows_rolls_and_plays_the_first_ones():
    part = KIND.picture(RAW[:5])
    text = part.content.decode()
    assert part.media_type == "text/html"
    assert text.count("<img ") == 5
    played = re.findall(r'<audio controls [^>]*src="data:audio/wav;base64,([^"]+)"', text)
    assert len(played) == 2
    with wave.open(io.BytesIO(base64.b64decode(played[1]))) as file:
        seconds = file.getnframes() / file.getframerate()
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    # 8 quarter notes at the median of 120 and 90.
    assert seconds == pytest.approx(8 * 60 / 105, rel=0.01)
    assert np.abs(frames).max() > 10_000


def test_a_sheet_is_a_picture_of_every_group():
    sheet = KIND.sheet([RAW[:4], RAW[4:8]], ["up", "down"], 4, "a caption")
    picture = Image.open(io.BytesIO(sheet.content))
    assert sheet.media_type == "image/png"
    assert picture.width > 4 * 64
    assert picture.height > 2 * 64


def test_low_notes_are_drawn_below_and_struck_ones_darker():
    roll = np.zeros((1, 32, 32), np.uint8)
    roll[0, :4, 3] = 90, 69, 69, 69
    drawn = next(iter(re.findall(r'src="data:image/png;base64,([^"]+)"', KIND.picture(roll).content.decode())))
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(drawn))))
    rows, columns = np.nonzero(pixels < 200)
    assert rows.min() > pixels.shape[0] / 2
    assert pixels[rows[0], 0] < pixels[rows[0], 4]
    assert columns.max() == 7


@pytest.mark.parametrize(("pitch", "hertz"), [(69, 440.0), (57, 220.0)])
def test_a_note_sounds_at_its_pitch_and_for_its_length(pitch, hertz):
    roll = np.zeros((16, 32), np.uint8)
    roll[4:12, pitch - 50] = 90, *[89] * 7
    sound = synthesis.rendered(roll, 89, 50, 0.125).astype(float)
    spectrum = np.abs(np.fft.rfft(sound[4000:12000] * np.hanning(8000)))
    assert spectrum.argmax() == pytest.approx(hertz, abs=2)
    assert np.abs(sound[:3900]).max() == np.abs(sound[12_100:]).max() == 0


def test_silence_is_silent_and_the_highest_pitches_are_heard():
    assert np.abs(synthesis.rendered(np.zeros((16, 32), np.uint8), 89, 0, 0.1)).max() == 0
    roll = np.zeros((16, 32), np.uint8)
    roll[0, 31] = 90
    assert len(synthesis.rendered(roll, 89, 96, 0.1)) > 12_000


def test_tracks_sound_together():
    one = synthesis.rendered(TWO[0][..., 0], 69, 56, 0.1)
    both = synthesis.rendered(TWO[0], 69, 56, 0.1)
    assert one.shape == both.shape
    assert not np.array_equal(one, both)


def found(made, real=RAW, train=RAW, kind=KIND):
    return {each.name: (each.value, each.real) for each in kind.measurements(made, real, train)}


def test_bars_pitch_classes_and_fragments_are_measured_beside_real_music():
    told = found(RAW)
    assert told["empty bars, share"] == (0, 0)
    assert told["qualified notes, share"] == (1, 1)
    assert told["steps with several notes at once, share"] == (0, 0)
    assert told["notes a bar"] == (8, 8)
    assert told["divergence of pitch classes"] == (0, 0)
    assert 3 <= told["pitch classes a bar"][0] <= 6  # of a triad and its octave, twice a bar
    broken = RAW.copy()
    broken[:, 1::2] = 0  # of every eighth a sixteenth is left
    broken[:, 16:] = 0
    told = found(broken)
    assert told["empty bars, share"] == (0.5, 0)
    assert told["qualified notes, share"] == (0, 1)
    assert told["notes a bar"] == (4, 8)
    together = found(TWO, TWO, TWO, PAIR)
    assert together["steps with several notes at once, share"][0] > 0.9


def test_silence_alone_is_measured_too():
    told = found(np.zeros_like(RAW))
    assert told["empty bars, share"][0] == 1
    assert told["qualified notes, share"][0] == told["pitch classes a bar"][0] == 0
    assert told["divergence of pitch classes"][0] == 1


def test_another_key_is_another_histogram_and_yet_a_copy():
    higher = np.zeros_like(RAW)
    higher[:, :, 1:] = RAW[:, :, :-1]
    told = found(higher)
    assert told["divergence of pitch classes"][0] > 0.001
    assert told["copies of training samples, transposed ones too"] == (1, 1)
    longer = RAW.copy()
    longer[:, -1] = 0
    assert found(longer)["copies of training samples, transposed ones too"][0] == 0


@pytest.mark.parametrize(
    ("first", "second", "bits"), [([1, 0], [0, 1], 1), ([2, 2], [5, 5], 0), ([0, 0], [0, 0], 0), ([0, 0], [1, 0], 1)]
)
def test_divergence_is_in_bits(first, second, bits):
    assert measures.divergence(np.array(first), np.array(second)) == pytest.approx(bits)


def test_a_grid_of_more_steps_has_the_papers_shortest_note():
    fine = measures.Measured(24, 96, 60, 89)
    roll = np.zeros((1, 96, 4), np.uint8)
    roll[0, :2, 0] = 90, 89
    roll[0, 10:13, 1] = 90, 89, 89
    told = {each.name: each.value for each in fine.measurements(roll, roll, roll)}
    assert told["qualified notes, share"] == 0.5  # three steps of 24, a 32nd note


def test_a_copy_is_nearer_than_any_other_sample():
    copied = RAW.copy()
    copied[:, -1] = 0
    for coarse in (False, True):
        first, second = KIND.compact(RAW, coarse), KIND.compact(copied, coarse)
        assert first.dtype == np.float32
        distances = np.square(first[:, None] - second[None]).sum(2)
        # Some arpeggios are there twice.
        assert (np.diag(distances) - distances.min(1) < (0.2 if coarse else 1e-6)).all()
    assert KIND.compact(RAW, coarse=True).shape[1] < KIND.compact(RAW).shape[1]


def test_exhibits_show_pitch_classes_and_lengths():
    titles = [each.title for each in KIND.exhibits(RAW, RAW)]
    assert titles == ["Pitch classes of notes", "Lengths of notes, in steps, 4 a quarter note"]
    text = KIND.exhibits(RAW, RAW)[0].picture.content.decode()
    assert text.count("<rect") == 24
    assert "F#" in text
    assert list(KIND.exhibits(RAW[:0], RAW)) == []
