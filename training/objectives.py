"""Objectives and gradient penalties. Logits are float32 [n]; real and fake are paired by position (same class)."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import softplus


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


class NonSaturating:
    """Goodfellow et al. 2014 (arXiv:1406.2661), equation 1, the generator maximising log D(G(z)) (section 3)."""

    relativistic = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-fake).mean()


OBJECTIVES: dict[str, Objective] = {"relativistic": RelativisticPairing(), "non-saturating": NonSaturating()}


def gradient_penalty(logits: Tensor, samples: Tensor) -> Tensor:
    """Half the mean squared gradient norm of the logits at the samples, per sample: R1 on real ones, R2 on fake ones.

    Mescheder et al. 2018 (arXiv:1801.04406), equation 9 and its counterpart for fakes; both are needed for the
    convergence proof of arXiv:2501.05441.

    logits:  float32 [n], computed from samples, graph intact.
    samples: float32 [n, ...], a leaf that requires a gradient.
    returns: float32 [n].
    """
    (gradient,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
    return gradient.float().square().flatten(1).sum(1) / 2
