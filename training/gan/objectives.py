"""Objectives and penalties. Logits are float32 [n]; real and fake are paired by position (same class)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from training.config.config import Config


class Objective(Protocol):
    """What the two networks minimise; every method returns a float32 scalar."""

    # Whether `generator` reads real logits; if not, the loop need not compute them.
    relativistic: bool

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor: ...

    def generator(self, real: Tensor, fake: Tensor) -> Tensor: ...


class RelativisticPairing:
    """RpGAN (Jolicoeur-Martineau 2019, arXiv:1807.00734; equation 2 of arXiv:2501.05441 with f = -softplus(-t)).

    Only the difference of a real and a fake of the same class counts, so no mode can be left out at no cost.
    """

    relativistic = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(real - fake).mean()


class Minimax:
    """Goodfellow et al. 2014 (arXiv:1406.2661), equation 1: both networks at one value, from opposite sides.

    smoothing: one-sided (Salimans et al. 2016, arXiv:1606.03498, section 3.4): reals have the target 1 - smoothing.
    """

    relativistic = False

    def __init__(self, smoothing: float = 0.0) -> None:
        self._smoothing = smoothing

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        # softplus(-t) is the cross-entropy of the logit t with the target 1, softplus(t) with the target 0.
        loss = softplus(-real).mean() + softplus(fake).mean()
        if self._smoothing:
            loss = loss + self._smoothing * (softplus(real) - softplus(-real)).mean()
        return loss

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -softplus(fake).mean()


class NonSaturating(Minimax):
    """The generator maximises log D(G(z)) instead, which has a gradient where it loses (the same paper, section 3)."""

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-fake).mean()


class LeastSquares:
    """LSGAN (Mao et al. 2017, arXiv:1611.04076), equation 9: targets 1 for reals, 0 for fakes, 1 for the generator."""

    relativistic = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((real - 1).square().mean() + fake.square().mean()) / 2

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (fake - 1).square().mean() / 2


class Wasserstein:
    """WGAN (Arjovsky et al. 2017, arXiv:1701.07875), equation 2; something else must bound the critic's slope."""

    relativistic = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -fake.mean()


class Hinge:
    """Lim and Ye 2017 (arXiv:1705.02894), as Miyato et al. 2018 (arXiv:1802.05957) use it in equations 16 and 17."""

    relativistic = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(1 - real).mean() + relu(1 + fake).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -fake.mean()


def build(config: Config) -> Objective:
    """The objective of a pair of networks. A VAE has none of these: see `evidence`."""
    if config.objective == "minimax":
        return Minimax(config.label_smoothing)
    if config.objective == "non-saturating":
        return NonSaturating(config.label_smoothing)
    others: dict[str, Objective] = {
        "relativistic": RelativisticPairing(),
        "least-squares": LeastSquares(),
        "wasserstein": Wasserstein(),
        "hinge": Hinge(),
    }
    return others[config.objective]


def gradient_penalty(logits: Tensor, samples: Tensor) -> Tensor:
    """Half the mean squared gradient norm of the logits at the samples, per sample: R1 on real ones, R2 on fake ones.

    Mescheder et al. 2018 (arXiv:1801.04406), equation 9 and its counterpart for fakes; both are needed for the
    convergence proof of arXiv:2501.05441.

    logits:  float32 [n], computed from samples, graph intact.
    samples: float32 [n, ...], a leaf that requires a gradient.
    returns: float32 [n].
    """
    return _slope(logits, samples).square().sum(1) / 2


def unit_slope_penalty(logits: Tensor, samples: Tensor) -> Tensor:
    """(|gradient| - 1)^2 per sample, at points between reals and fakes: WGAN-GP, equation 3 (arXiv:1704.00028).

    logits and samples as in gradient_penalty; returns float32 [n].
    """
    return (_slope(logits, samples).square().sum(1) + 1e-12).sqrt().sub(1).square()


def penalty(
    config: Config,
    gamma: float,
    seen: Tensor,
    logits: Tensor,
    verdict: Callable[..., Tensor],
    conditions: Sequence[Tensor],
    random: torch.Generator,
) -> Tensor:
    """What the configuration asks for the discriminator's slope, at the samples or on the lines between them: [].

    gamma:   of R1 and R2, at this share of the run. seen, logits: reals above their fakes, as in gradient_penalty.
    verdict: the discriminator; it takes samples and their conditions, and its first column is the logit.
    """
    lost = torch.zeros((), device=logits.device)
    if gamma > 0:
        # R1 and R2 are means over their halves; the mean over all is half their sum.
        lost = gamma * 2 * gradient_penalty(logits, seen).mean()
    if config.unit_slope:
        real, fake = seen.detach().chunk(2)
        points = _between(real, fake, random).requires_grad_()
        lost = config.unit_slope * unit_slope_penalty(verdict(points, *conditions)[:, 0], points).mean()
    return lost


def _between(real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
    """A point on the line from each real to its fake, drawn evenly; all float32 [n, ...]."""
    share = torch.rand(len(real), *(1 for _ in real.shape[1:]), generator=random, device=real.device)
    return real + share * (fake - real)


def _slope(logits: Tensor, samples: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
    # Samples that are judged together have one slope.
    return gradient.float().reshape(len(logits), -1)


def evidence(reconstruction: Tensor, mean: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor]:
    """Reconstruction error and divergence of a VAE (Kingma and Welling 2014, arXiv:1312.6114, equation 10), in nats.

    reconstruction:     float32 [n], of the real samples by the decoder's answers to their latents.
    mean, log_variance: float32 [n, latent_size], of the encoder's normal distribution.
    returns:            two scalars, means over the batch; the divergence is a sum over the latent.
    """
    divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2
    return reconstruction.mean(), divergence
