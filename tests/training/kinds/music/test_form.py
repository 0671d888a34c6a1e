"""Rolls to what networks see and back, in PyTorch and in ONNX Runtime; melodies as choices."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from service.runtime.session import Session
from tests.training.kinds.music.made import arpeggios
from training import networks
from training.config.presets import resolve
from training.config.rules import unfit
from training.export import graph, parity
from training.export.sampling import addressed_samples
from training.judge import fitting
from training.kinds.music import form, rolls

KIND, RAW, LABELS = arpeggios()
PAIR, TWO, _ = arpeggios(12, tracks=2)


@pytest.mark.parametrize(("kind", "raw"), [(KIND, RAW), (PAIR, TWO)], ids=["one track", "two tracks"])
def test_what_is_encoded_is_the_same_roll_again(kind, raw):
    seen = kind.encode(torch.from_numpy(raw))
    assert tuple(seen.shape) == (len(raw), *kind.form)
    assert set(seen.unique().tolist()) == {-1, 1}
    assert np.array_equal(kind.decoder()(seen).numpy(), raw)


def test_what_a_generator_strikes_without_a_sound_is_nothing_and_whatever_begins_is_struck():
    sample = torch.full((1, 2, 8, 4), -1.0)
    sample[0, 1, 2, 0] = 1  # struck, silent
    sample[0, 0, 3:6, 1] = 1  # sounds, nowhere struck
    made = form.Decoder((90,), 89)(sample)[0].numpy()
    assert made[:, 0].tolist() == [0] * 8
    assert made[:, 1].tolist() == [0, 0, 0, 90, 89, 89, 0, 0]


def test_neurons_are_on_or_off_and_learn_by_their_probability():
    neurons, output = form.Neurons(), torch.tensor([[-3.0, -0.1, 0.1, 3.0]], requires_grad=True)
    assert neurons.eval()(output, output[:, :0]).tolist() == [[-1, -1, 1, 1]]
    made = neurons.train()(output, output[:, :0])
    assert torch.allclose(made, torch.tensor([[-1.0, -1.0, 1.0, 1.0]]), atol=1e-6)
    made.sum().backward()
    share = output.detach().sigmoid()
    assert torch.allclose(output.grad, 2 * share * (1 - share))
    real = torch.tensor([[-1.0, 1.0, 1.0, 1.0]])
    assert torch.allclose(neurons.surprise(output, real), -torch.log(torch.where(real > 0, share, 1 - share)))


def test_of_a_melodys_neurons_one_wins_or_none():
    voice, output = form.Voice(), torch.full((1, 2, 3, 4), -1.0)
    output[0, 0, 0] = torch.tensor([0.5, 2.0, 2.0, 1.0])
    output[0, 1, 0, 1] = 1.0
    output.requires_grad_()
    made = voice.eval()(output, output[:, :0])
    assert made[0, 0].tolist() == [[-1, 1, -1, -1], [-1] * 4, [-1] * 4]
    assert made[0, 1, 0].tolist() == [-1, 1, -1, -1]
    voice.train()(output, output[:, :0])[:, 0].sum().backward()
    shares = torch.cat([output.detach()[0, 0], torch.zeros(3, 1)], 1).softmax(1)
    # Of all pitches together: what they take from the rest.
    assert torch.allclose(output.grad[0, 0], 2 * shares[:, :4] * shares[:, 4:], atol=1e-6)


def test_the_surprise_of_a_melody_is_the_cross_entropy_of_its_steps():
    output = torch.randn(1, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    real = torch.full((1, 2, 3, 4), -1.0)
    real[0, :, 0, 2] = 1  # struck, held, and a rest
    real[0, 0, 1, 2] = 1
    logits = torch.cat([output[0, 0], torch.zeros(3, 1)], 1).log_softmax(1)
    strikes = output[0, 1].sigmoid()
    expected = -(logits[0, 2] + logits[1, 2] + logits[2, 4] + strikes[0, 2].log() + (1 - strikes[1, 2]).log())
    found = form.Voice().surprise(output, real)
    assert found.shape == real.shape
    assert float(found.sum()) == pytest.approx(float(expected), rel=1e-5)


def test_a_melody_is_one_choice_a_step_and_other_music_none():
    melody = KIND.tokens
    assert list(melody.sizes) == [34] * 32
    raw = torch.from_numpy(RAW)
    chosen = melody.encode(raw)
    assert chosen.dtype == torch.int64
    assert torch.equal(melody.decoder()(chosen, torch.ones(chosen.shape)), raw)
    assert PAIR.tokens is None
    assert "are not made of any; for these there are musegan, vae" in " ".join(unfit(resolve("gru"), PAIR))
    assert unfit(resolve("gru"), KIND) == []


def test_of_two_notes_at_once_a_melody_has_the_higher_one():
    raw = torch.zeros(1, 32, 32, dtype=torch.uint8)
    raw[0, :2, [3, 7]] = torch.tensor([[90, 90], [69, 69]], dtype=torch.uint8)
    chosen = KIND.tokens.encode(raw)[0].tolist()
    assert chosen == [9, form.HOLD, *[form.REST] * 30]
    assert not form.is_melody(raw.numpy())


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 9), min_size=12, max_size=12))
def test_any_choices_are_a_melody_again(chosen):
    melody = form.Choices(12, 8, 90, 89)
    raw = melody.decoder()(torch.tensor([chosen]), torch.ones(1, 12))
    assert int((raw > 0).sum(2).max()) <= 1
    expected, sounding = [], form.REST
    for each in chosen:
        # What is held without a note before it is a rest.
        step = form.REST if each == form.HOLD and sounding == form.REST else each
        sounding = form.REST if step == form.REST else form.HOLD
        expected.append(step)
    assert melody.encode(raw)[0].tolist() == expected


@pytest.mark.parametrize("preset", ["musegan", "gru"])
def test_exported_rolls_are_pytorchs_and_do_not_depend_on_their_batch(preset):
    torch.manual_seed(3)
    config = resolve(preset, {"width": 8, "latent_size": 8} if preset != "gru" else {"width": 8})
    generator, _ = networks.build(KIND.form, 2, config, KIND.head(), KIND.blocks, KIND.tokens)
    model = graph.to_onnx(generator.eval(), KIND, config.latent_size, 2)
    parity.prove_parity(generator, model, KIND, config.latent_size, 2)
    session = Session(model.SerializeToString())
    labels = np.arange(40) % 2
    together = addressed_samples(session, labels, 5, 0)
    assert (together.shape, together.dtype) == ((40, 32, 32), np.uint8)
    assert set(np.unique(together)) <= {0, 69, 90}
    assert np.array_equal(addressed_samples(session, labels[7:9], 5, 7), together[7:9])


def test_scores_of_several_tracks_are_the_judges():
    torch.manual_seed(3)
    judge = fitting.fit(PAIR, TWO, np.arange(12) % 2, 2, seed=0, steps=10)
    config = resolve("musegan", {"width": 8, "latent_size": 8})
    generator, _ = networks.build(PAIR.form, 2, config, PAIR.head())
    model = graph.to_onnx(generator.eval(), PAIR, 8, 2, judge)
    parity.prove_parity(generator, model, PAIR, 8, 2, judge)


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_notes_are_found_as_they_were_drawn(tracks, seed):
    random = np.random.default_rng(seed)
    roll = np.zeros((16, 5, tracks), np.uint8)
    for start, length in ((0, 3), (3, 1), (4, 1), (9, 7)):
        rolls.draw(roll, start, length, int(random.integers(5)), int(random.integers(tracks)), 90, 60)
    found = rolls.find(roll[None], 60)
    assert sorted(zip(found.start.tolist(), found.length.tolist(), strict=True)) == [(0, 3), (3, 1), (4, 1), (9, 7)]
