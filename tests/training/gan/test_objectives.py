from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from training.config.config import Config
from training.gan.objectives import Objective, build, evidence, gradient_penalty, unit_slope_penalty
from training.kinds.image.form import likelihood


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


REAL, FAKE = torch.tensor([0.3, -1.0]), torch.tensor([0.7, 2.0])


def objective(name: str, **settings: object) -> Objective:
    return build(Config(objective=name, **settings))


def test_minimax_puts_both_networks_at_one_value_from_opposite_sides() -> None:
    minimax, probability = objective("minimax"), torch.sigmoid
    torch.testing.assert_close(minimax.discriminator(REAL, FAKE), objective("non-saturating").discriminator(REAL, FAKE))
    torch.testing.assert_close(minimax.generator(REAL, FAKE), (1 - probability(FAKE)).log().mean())


@pytest.mark.parametrize("name", ["minimax", "non-saturating"])
def test_smoothing_lowers_the_target_of_reals_only(name: str) -> None:
    targets = torch.full_like(REAL, 0.9)
    expected = cross_entropy(REAL, targets) + cross_entropy(FAKE, torch.zeros_like(FAKE))
    smooth = objective(name, label_smoothing=0.1)
    torch.testing.assert_close(smooth.discriminator(REAL, FAKE), expected)
    torch.testing.assert_close(smooth.generator(REAL, FAKE), objective(name).generator(REAL, FAKE))


def test_least_squares_draws_to_one_and_zero() -> None:
    least_squares = objective("least-squares")
    torch.testing.assert_close(least_squares.discriminator(torch.ones(3), torch.zeros(3)), torch.tensor(0.0))
    expected = torch.tensor((0.7**2 + 2.0**2 + 0.3**2 + 1.0**2) / 4)  # two of each, half of the squares
    torch.testing.assert_close(least_squares.discriminator(torch.tensor([0.7, 0.0]), FAKE), expected)
    torch.testing.assert_close(least_squares.generator(REAL, FAKE), torch.tensor((0.3**2 + 1.0) / 4))


def test_wasserstein_is_the_distance_of_the_means() -> None:
    wasserstein = objective("wasserstein")
    torch.testing.assert_close(wasserstein.discriminator(REAL, FAKE), torch.tensor(1.35 + 0.35))
    torch.testing.assert_close(wasserstein.generator(REAL, FAKE), torch.tensor(-1.35))


def test_hinge_asks_for_a_margin_and_no_more() -> None:
    hinge = objective("hinge")
    torch.testing.assert_close(
        hinge.discriminator(torch.tensor([1.0, 5.0]), torch.tensor([-1.0, -9.0])), torch.tensor(0.0)
    )
    torch.testing.assert_close(hinge.discriminator(REAL, FAKE), torch.tensor((0.7 + 2.0 + 1.7 + 3.0) / 2))
    torch.testing.assert_close(hinge.generator(REAL, FAKE), torch.tensor(-1.35))


@pytest.mark.parametrize("name", ["relativistic", "minimax", "non-saturating", "least-squares", "wasserstein", "hinge"])
def test_each_network_wants_what_its_objective_is_for(name: str) -> None:
    """Descending moves reals up and fakes down for one network, fakes up for the other."""
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    objective(name).discriminator(real, fake).backward()
    assert (real.grad <= 0).all()
    assert (fake.grad >= 0).all()
    assert real.grad.abs().sum() + fake.grad.abs().sum() > 0
    fake.grad = None
    objective(name).generator(real.detach(), fake).backward()
    assert fake.grad.sum() < 0 or name == "least-squares"  # whose target a logit of 2 is beyond


def test_unit_slope_penalty_is_zero_at_slope_one() -> None:
    samples = torch.randn(3, 2, requires_grad=True)
    slopes = torch.tensor([[0.6, 0.8], [0.0, 0.0], [3.0, 4.0]])  # of length 1, 0 and 5
    penalty = unit_slope_penalty((samples * slopes).sum(1), samples)
    torch.testing.assert_close(penalty, torch.tensor([0.0, 1.0, 16.0]), atol=1e-4, rtol=0)


def test_evidence_is_least_where_the_sample_is_met_and_the_latent_normal() -> None:
    sample = torch.tensor([[1.0, -1.0, 0.0]])
    zero = torch.zeros(1, 4)
    exact, nothing = evidence(likelihood(sample, sample), zero, zero)
    worse, _ = evidence(likelihood(sample, torch.tensor([[0.8, -0.8, 0.4]])), zero, zero)
    torch.testing.assert_close(exact, torch.tensor(math.log(2)), atol=1e-4, rtol=0)  # of the undecided element
    assert float(nothing) == 0.0
    assert worse > exact
    # N(1, 1) and N(0, e^2) against N(0, 1), four dimensions each.
    torch.testing.assert_close(evidence(likelihood(sample, sample), zero + 1, zero)[1], torch.tensor(2.0))
    expected = torch.tensor(4 * (math.e**2 - 1 - 2) / 2)
    torch.testing.assert_close(evidence(likelihood(sample, sample), zero, zero + 2)[1], expected)
