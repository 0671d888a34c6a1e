from __future__ import annotations

import math

import torch

from training.config import Config
from training.objectives import build, gradient_penalty


def test_relativistic_pairing_sees_only_the_difference() -> None:
    objective = build(Config(objective="relativistic"))
    real, fake = torch.tensor([2.0, 0.0]), torch.tensor([1.0, 0.0])
    expected = (math.log1p(math.exp(-1)) + math.log(2)) / 2
    assert math.isclose(objective.discriminator(real, fake).item(), expected, rel_tol=1e-6)
    assert math.isclose(objective.discriminator(real + 50, fake + 50).item(), expected, rel_tol=1e-5)
    assert math.isclose(
        objective.generator(real, fake).item(), (math.log1p(math.exp(1)) + math.log(2)) / 2, rel_tol=1e-6
    )


def test_non_saturating_is_the_cross_entropy_of_the_paper() -> None:
    objective = build(Config(objective="non-saturating"))
    real, fake = torch.tensor([0.3, -1.0]), torch.tensor([0.7, 2.0])
    probability = torch.sigmoid
    expected = -(probability(real).log().mean() + (1 - probability(fake)).log().mean())
    torch.testing.assert_close(objective.discriminator(real, fake), expected)
    torch.testing.assert_close(objective.generator(real, fake), -probability(fake).log().mean())


def test_gradient_penalty_is_half_the_squared_slope() -> None:
    samples = torch.tensor([[1.0, 2.0], [3.0, -1.0]], requires_grad=True)
    logits = (samples**2).sum(1)  # slope 2x
    torch.testing.assert_close(gradient_penalty(logits, samples), torch.tensor([2.0 * 5, 2.0 * 10]))


def test_gradient_penalty_reaches_the_weights() -> None:
    weight = torch.tensor([3.0, 4.0], requires_grad=True)
    samples = torch.ones(2, 2, requires_grad=True)
    gradient_penalty(samples @ weight, samples).mean().backward()
    torch.testing.assert_close(weight.grad, weight.detach())  # half the squared norm
