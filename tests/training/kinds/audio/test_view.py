"""Sounds that are looked at, listened to and measured."""

from __future__ import annotations

import base64
import io
import re
import wave

import numpy as np
from PIL import Image

from tests.training.kinds.audio.made import RATE, sounds
from training.kinds.audio import Audio

RAW, LABELS = sounds()
KIND = Audio(RATE, 1024).fitted(RAW, LABELS, 2)


def test_a_page_shows_spectrograms_and_plays_the_very_sounds():
    part = KIND.picture(RAW[:7])
    text = part.content.decode()
    assert part.media_type == "text/html"
    assert text.count("<img ") == 7
    played = re.findall(r'<audio controls [^>]*src="data:audio/wav;base64,([^"]+)"', text)
    assert len(played) == 5
    with wave.open(io.BytesIO(base64.b64decode(played[2]))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        assert np.array_equal(np.frombuffer(file.readframes(2000), "<i2"), RAW[2])


def test_a_sheet_is_a_picture_of_every_group():
    sheet = KIND.sheet([RAW[:4], RAW[4:8]], ["low", "rising"], 4, "a caption")
    assert sheet.media_type == "image/png"
    picture = Image.open(io.BytesIO(sheet.content))
    assert picture.width > 4 * 8
    assert picture.height > 2 * 80


def test_low_tones_are_drawn_below_and_loud_ones_dark():
    drawn = next(iter(re.findall(r'src="data:image/png;base64,([^"]+)"', KIND.picture(RAW[:1]).content.decode())))
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(drawn))))
    assert pixels[40:].min() < 100 < pixels[:40].min()


def test_clipping_silence_and_loudness_are_measured_beside_real_sounds():
    made = RAW.copy()
    made[0] = 0
    made[1] = 32767
    found = {each.name: each for each in KIND.measurements(made, RAW, RAW)}
    clipped = found["frames at full scale, share"]
    assert (clipped.value, clipped.real) == (1 / 96, 0.0)
    silent = found["sounds that are silent, share"]
    assert (silent.value, silent.real) == (1 / 96, 0.0)
    assert found["silence in a sound, share"].value >= 1 / 96
    assert -25 < found["loudness, median, dB of full scale"].value < -5


def test_a_copy_is_nearer_than_any_other_sound():
    copied = (RAW * 0.99).astype(np.int16)
    for coarse in (False, True):
        first, second = KIND.compact(RAW, coarse), KIND.compact(copied, coarse)
        assert first.dtype == np.float32
        distances = np.square(first[:, None] - second[None]).sum(2)
        assert np.array_equal(distances.argmin(1), np.arange(len(RAW)))
    assert KIND.compact(RAW, coarse=True).shape[1] < KIND.compact(RAW).shape[1]


def test_values_vary_between_sounds_and_not_with_a_phase():
    time = np.arange(1024) / RATE
    one, other = (np.round(9000 * np.sin(2 * np.pi * 440 * time + phase)).astype(np.int16) for phase in (0, 2))
    first, second, third = KIND.values(np.stack([one, other, RAW[0]]))
    assert np.abs(first - second).mean() < 0.25 * np.abs(first - third).mean()
