"""A classifier of sounds: it hears what a client receives, however it is varied while it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.training.kinds.audio.made import RATE, sounds
from training.judge import fitting
from training.kinds.audio import Audio, judge

RAW, LABELS = sounds()
KIND = Audio(RATE, 1024).fitted(RAW, LABELS, 2)


def test_two_kinds_of_sound_are_told_apart():
    fitted = fitting.fit(KIND, RAW[:64], LABELS[:64], 2, seed=0, steps=40)
    assert (fitted.predict(RAW[64:]) == LABELS[64:]).mean() > 0.9
    assert fitted.features(RAW[:4]).shape == (4, 128)


@pytest.mark.parametrize("frames", [1024, 6144, 32768])
@pytest.mark.parametrize("rate", [8000, 16000])
def test_every_length_and_rate_has_a_network(frames: int, rate: int):
    kind = Audio(rate, frames)
    network = kind.judge(5).eval()
    features, logits = network(kind.encode(torch.zeros(2, frames, dtype=torch.int16)))
    assert (features.shape, logits.shape) == ((2, 128), (2, 5))


def test_recipes_are_named_and_vary_within_the_form():
    torch.manual_seed(0)
    raw, plain = torch.from_numpy(RAW), KIND.encode(torch.from_numpy(RAW))
    names = [str(recipe) for recipe in KIND.recipes()]
    assert names == [
        "shift 0.1",
        "shift 0.1, gain 6 dB",
        "shift 0.1, mask 0.2",
        "shift 0.1, gain 6 dB, mask 0.2",
        "shift 0.2, gain 6 dB, mask 0.2",
    ]
    for recipe in KIND.recipes():
        varied = recipe.vary(raw)
        assert varied.shape == plain.shape
        assert float(varied.abs().max()) <= 1
        assert float((varied - plain).abs().mean()) > 0.01


def test_a_shifted_sound_is_the_same_sound_with_silence_where_it_opens():
    torch.manual_seed(0)
    raw = torch.from_numpy(RAW)
    moved = judge.shifted(raw, 0.1)
    for before, after in zip(raw.numpy(), moved.numpy(), strict=True):
        assert any(
            np.array_equal(after[max(0, -by) : 1024 - max(0, by)], before[max(0, by) : 1024 - max(0, -by)])
            for by in range(-102, 103)
        )


def test_one_class_is_learned_by_turning_it_round():
    samples, turns = judge.turned(KIND.encode(torch.from_numpy(RAW)))
    plain = KIND.encode(torch.from_numpy(RAW))
    assert set(turns.tolist()) == set(range(KIND.pretexts))
    for number in range(12):
        axes = {0: (), 1: (2,), 2: (1,), 3: (1, 2)}[int(turns[number])]
        assert torch.equal(samples[number], plain[number].flip(axes) if axes else plain[number])
