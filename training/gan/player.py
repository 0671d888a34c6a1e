"""A network with its optimiser, and how a loss moves one or several of them."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from training.config.config import Config
from training.gan import optimizers


class Player:
    """A network and its optimiser, as Fabric runs them."""

    def __init__(self, fabric: Fabric, network: nn.Module, config: Config, rate: float) -> None:
        """rate: of learning, at the start of the run."""
        self.network: Any
        self.optimizer: Any
        self.network, self.optimizer = fabric.setup(network, optimizers.build(network, config))
        self._fabric, self._config, self._rate = fabric, config, rate

    def schedule(self, progress: float) -> None:
        """Set what changes over a run, for the share of it that is over, [0, 1]."""
        optimizers.schedule(self.optimizer, self._rate, self._config, progress)

    def step(self) -> Tensor:
        """Move the weights by the gradient, shortened to what the configuration allows; returns its length before."""
        longest = self._config.gradient_clip or math.inf
        norm = self._fabric.clip_gradients(self.network, self.optimizer, max_norm=longest, error_if_nonfinite=False)
        self.optimizer.step()
        return norm.detach()  # type: ignore[union-attr]

    @torch.no_grad()
    def clip_weights(self, bound: float) -> None:
        """Keep every weight within [-bound, bound]: WGAN, algorithm 1 (arXiv:1701.07875)."""
        weights = [*self.network.parameters()]
        torch._foreach_clamp_min_(weights, -bound)
        torch._foreach_clamp_max_(weights, bound)


def descend(fabric: Fabric, loss: Tensor, *players: Player) -> list[Tensor]:
    """One step of every player down the loss; returns the lengths of their gradients, before clipping."""
    for player in players:
        player.optimizer.zero_grad(set_to_none=True)
    fabric.backward(loss)
    return [player.step() for player in players]
