"""A classifier of music and what varies while it learns: transposition, which loses no note."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.training.kinds.music.made import arpeggios
from training.judge import fitting
from training.kinds.music import rolls
from training.kinds.music.augmentation import Transposition, moved

KIND, RAW, LABELS = arpeggios(64)
SAMPLES = KIND.encode(torch.from_numpy(RAW))


def test_arpeggios_up_and_down_are_told_apart():
    fitted = fitting.fit(KIND, RAW[:48], LABELS[:48], 2, seed=0, steps=30)
    assert (fitted.predict(RAW[48:]) == LABELS[48:]).mean() > 0.9
    assert fitted.features(RAW[:4]).shape == (4, 128)


@pytest.mark.parametrize("by", [-3, 0, 2])
def test_a_transposed_sample_is_the_same_notes_elsewhere(by):
    again = KIND.decoder()(moved(SAMPLES, torch.full((len(RAW),), by))).numpy()
    before, after = (rolls.find(each, 69) for each in (RAW, again))
    assert np.array_equal(before.start, after.start) or by
    assert len(before.start) == len(after.start)
    lowest = [rolls.find(each[None], 69).pitch.min() for each in RAW]
    # As far as the range goes.
    expected = np.maximum(-np.array(lowest), by) if by < 0 else by
    moved_by = [rolls.find(each[None], 69).pitch.min() - low for each, low in zip(again, lowest, strict=True)]
    assert np.array_equal(np.minimum(moved_by, expected), moved_by)


def test_no_note_leaves_the_range():
    for by in (-40, 40):
        again = moved(SAMPLES, torch.full((len(RAW),), by))
        assert torch.equal((again > 0).sum((1, 2, 3)), (SAMPLES > 0).sum((1, 2, 3)))
        edge = 0 if by < 0 else -1
        assert (again[:, 0, :, edge] > 0).any(1).all()
    silent = torch.full((1, 2, 32, 32), -1.0)
    assert torch.equal(moved(silent, torch.tensor([5])), silent)


def test_the_augmentation_moves_a_part_of_the_samples_and_gradients_pass():
    augmentation = KIND.augmentation
    assert augmentation.apply(SAMPLES, 0.0, torch.Generator()) is SAMPLES
    one, two = (augmentation.apply(SAMPLES, 0.5, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(one, two)
    same = (one == SAMPLES).flatten(1).all(1).float().mean()
    assert 0.3 < float(same) < 0.8
    samples = SAMPLES.clone().requires_grad_()
    augmentation.apply(samples, 1.0, torch.Generator().manual_seed(0)).sum().backward()
    assert float((samples.grad > 0).float().mean()) > 0.5


def test_what_it_changes_is_measured():
    higher = KIND.decoder()(moved(SAMPLES, torch.full((len(RAW),), 2))).numpy()
    augmentation = Transposition(69)
    step = augmentation.properties(higher) - augmentation.properties(RAW)
    assert step.shape == (64, 1)
    assert np.median(step) == pytest.approx(2)
    assert augmentation.unseen(KIND.form).shape == (1,)
    assert augmentation.properties(np.zeros_like(RAW[:1])).tolist() == [[0]]


def test_recipes_are_named_and_vary_within_the_form():
    torch.manual_seed(0)
    assert [str(recipe) for recipe in KIND.recipes()] == ["transposition 5", "", "transposition 2"]
    for recipe in KIND.recipes():
        varied = recipe.vary(torch.from_numpy(RAW))
        assert varied.shape == SAMPLES.shape
        assert set(varied.unique().tolist()) == {-1, 1}


def test_one_class_is_learned_by_playing_it_backwards():
    samples, turns = KIND.pretext(SAMPLES)
    assert set(turns.tolist()) == {0, 1}
    assert torch.equal(samples[0], SAMPLES[0])
    assert torch.equal(samples[1], SAMPLES[1].flip(1))
    assert KIND.pretexts == 2
