"""Networks for samples of choices and values: what they are shown, and what they draw by themselves afterwards."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.training import mixed
from training import networks
from training.config.config import Config
from training.config.presets import resolve
from training.data.kind import Block
from training.networks.blocks import BlocksDiscriminator, InSteps, OneShown, _turns

SMALL = {"width": 16, "latent_size": 12, "embedding_size": 4, "batch_size": 40}


@pytest.fixture(scope="module")
def data() -> tuple[mixed.Mixed, Tensor, Tensor]:
    raw, labels = mixed.samples()
    kind = mixed.Mixed(raw)
    return kind, kind.encode(torch.from_numpy(raw)), torch.from_numpy(labels)


def built(preset: str, kind: mixed.Mixed, **settings: object) -> tuple[torch.nn.Module, torch.nn.Module, Config]:
    torch.manual_seed(0)
    config = resolve(preset, {**SMALL, **settings})
    return *networks.build(kind.form, 2, config, kind.head(), kind.blocks), config


def drawn(generator: torch.nn.Module, count: int) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    uniform = 1 - torch.rand(count, networks.chance(generator).draws, generator=random)
    return torch.randn(count, 12, generator=random), torch.arange(count) % 2, uniform


@pytest.mark.parametrize("preset", ["ctgan", "tabgan"])
@pytest.mark.parametrize("shown", ["as it is", "none"])
def test_samples_are_choices_when_training_is_over(
    preset: str, shown: str, data: tuple[mixed.Mixed, Tensor, Tensor]
) -> None:
    kind = data[0]
    plain = {} if shown == "as it is" else {"shown": "none", "warmup": 0}
    generator, discriminator, config = built(preset, kind, **plain)
    latent, label, uniform = drawn(generator, 40)
    made = generator.eval()(latent, label, uniform)
    at = 0
    for block in kind.blocks:
        part = made[:, at : at + block.width]
        if block.choice:
            assert torch.equal(part.sort(1).values, torch.eye(block.width)[-1].expand(40, -1))
        at += block.width
    alone = torch.cat([generator(latent[[n]], label[[n]], uniform[[n]]) for n in range(40)])
    torch.testing.assert_close(alone, made)
    told = (torch.zeros(40, generator.told_size),) if generator.told_size else ()
    assert discriminator(made, label, *told).shape == (40 // config.pack, 1)


def test_rare_choices_are_shown_more_often_and_drawn_as_they_were_shown(
    data: tuple[mixed.Mixed, Tensor, Tensor],
) -> None:
    kind, real, label = data
    generator, _, _ = built("ctgan", kind)
    assert isinstance(generator, OneShown)
    generator.learn(lambda: [(real[:250], label[:250]), (real[250:], label[250:])])
    random = torch.Generator().manual_seed(0)
    many = torch.arange(20_000) % len(real)
    shown = generator.shown(real[many], random)
    options = real[many][:, generator.choosing.channels]
    assert torch.equal(shown.sum(1), torch.ones(len(many)))
    assert ((shown == 1) <= (options == 1)).all()  # what is shown is of the sample
    # Where nobody asks for a choice its draw has the frequency of what was shown, class by class.
    uniform = (torch.arange(20_000) + 1) / 20_000
    for each in (0, 1):
        expected = shown[label[many] == each].mean(0)
        found = generator._drawn(torch.full((20_000,), each), uniform[:, None]).mean(0)
        assert (found - expected).abs().max() < 0.02
    often = options.mean(0)
    ratio = shown.mean(0) / often
    here = slice(*generator.choosing.starts[2:4].tolist())  # counts, half of which are 0
    assert ratio[here][often[here].argmin()] > ratio[here][often[here].argmax()]


def test_the_ends_of_the_draw_of_a_choice_are_choices(data: tuple[mixed.Mixed, Tensor, Tensor]) -> None:
    kind, real, label = data
    generator, _, _ = built("ctgan", kind)
    generator.learn(lambda: [(real, label)])
    for edge in (2.0**-32, 1.0):
        assert generator._drawn(torch.tensor([0, 1]), torch.full((2, 1), edge)).sum(1).tolist() == [1, 1]


def test_values_are_made_after_their_choices_and_choices_in_order() -> None:
    blocks = [Block(1, False), Block(3, True), Block(2, True), Block(1, False), Block(4, True), Block(5, True)]
    assert _turns(blocks, 2) == [1, 0, 0, 0, 0, 0, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert max(_turns(blocks, 64)) == 3 + 0  # a pass for each choice; the value of the third comes with the fourth
    assert max(_turns([Block(2, True)], 4)) == 0


def test_a_pass_is_shown_what_earlier_ones_made_and_answers_for_the_rest(
    data: tuple[mixed.Mixed, Tensor, Tensor],
) -> None:
    kind, real, label = data
    generator, _, _ = built("tabgan", kind, passes=3)
    assert isinstance(generator, InSteps)
    shown = generator.shown(real, torch.Generator().manual_seed(0))
    turn = shown[:, real.shape[1] :]
    assert torch.equal(turn.sum(1), torch.ones(len(real)))
    assert (turn.sum(0) > 0).all()
    known = generator.turns < turn.argmax(1, keepdim=True)
    assert torch.equal(shown[:, : real.shape[1]], real * known)
    latent, label, uniform = drawn(generator, len(real))
    logits = generator(latent, label, None, shown)
    lost = generator.lost(logits, real, shown)
    last = turn.argmax(1) == turn.shape[1] - 1
    assert lost.shape == (len(real),)
    assert lost[last].mean() < lost[~last].mean()
    made, again = generator(latent, label, uniform, shown)
    assert torch.equal(again, logits)
    torch.testing.assert_close(made, generator(latent, label, uniform))  # nothing real is in what competes


def test_what_is_made_in_training_is_what_will_be_made_and_has_a_gradient(
    data: tuple[mixed.Mixed, Tensor, Tensor],
) -> None:
    generator, _, _ = built("tabgan", data[0])
    latent, label, uniform = drawn(generator, 40)
    made = generator(latent, label, uniform)
    made.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in generator.residuals.parameters())
    picked = made[:, generator.choosing.channels]
    torch.testing.assert_close(picked, generator.eval()(latent, label, uniform)[:, generator.choosing.channels])


def test_neighbours_are_judged_together_and_a_remainder_with_the_first() -> None:
    torch.manual_seed(0)
    judge = BlocksDiscriminator(5, 0, 2, resolve("ctgan", {**SMALL, "pack": 4, "dropout": 0}))
    samples, label = torch.randn(10, 5), torch.arange(10) % 2
    verdict = judge(samples, label)
    assert verdict.shape == (3, 1)
    changed = samples.clone()
    changed[1] += 1
    moved = (judge(changed, label) != verdict).flatten().tolist()
    assert moved == [True, False, True]


def test_a_masked_autoencoder_learns_what_goes_with_what(data: tuple[mixed.Mixed, Tensor, Tensor]) -> None:
    """Colours of a class, and counts of a colour: 200 small steps of warming up are enough."""
    kind, real, label = data
    generator, _, _ = built("tabgan", kind, width=32)
    optimizer = torch.optim.Adam(generator.parameters(), 5e-3)
    random = torch.Generator().manual_seed(0)
    for _ in range(200):
        rows = torch.randint(len(real), (64,), generator=random)
        shown = generator.shown(real[rows], random)
        logits = generator(torch.randn(64, 12, generator=random), label[rows], None, shown)
        optimizer.zero_grad()
        generator.lost(logits, real[rows], shown).mean().backward()
        optimizer.step()
    latent, classes, uniform = drawn(generator, 2000)
    made = kind.decoder()(generator.eval()(latent, classes, uniform)).detach().numpy()
    of_class = [np.bincount(made[classes.numpy() == each, 1].astype(int), minlength=3) / 1000 for each in (0, 1)]
    assert of_class[0][1] < 0.1  # none in the data
    assert of_class[1][0] < 0.1
    count = np.where(np.isnan(made[:, 2]), 0, made[:, 2])
    assert count[made[:, 1] == 2].max() > 250  # others end at 200
    assert np.mean(count[made[:, 1] != 2] > 210) < 0.05
