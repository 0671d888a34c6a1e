"""Moving average of a generator's weights, with batch-norm statistics of its own."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn


class MovingAverage:
    """Exponential moving average of parameters (Yazıcı et al. 2019, arXiv:1806.04498), short at first.

    The half-life grows with the run (a tenth of what was seen) up to `half_life` samples, so that the first, bad
    weights are soon forgotten. 0 keeps the live weights.
    """

    def __init__(self, module: nn.Module, half_life: int) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self._half_life = half_life

    @torch.no_grad()
    def update(self, live: nn.Module, samples_seen: int, batch_size: int) -> None:
        """Move towards the live weights after a step of `batch_size` samples."""
        half_life = min(self._half_life, samples_seen / 10)
        weight = 1 - 0.5 ** (batch_size / half_life) if half_life > 0 else 1.0
        torch._foreach_lerp_(list(self.module.parameters()), list(live.parameters()), weight)

    def estimate_statistics(self, draw: Callable[[], tuple[Tensor, ...]], batches: int = 64) -> None:
        """Measure the batch-norm statistics of the averaged weights themselves.

        The live network's running statistics belong to other weights, and give worse samples.
        draw: returns what the module takes for one batch, drawn as in training.
        """
        norms = [m for m in self.module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        if not norms:
            return
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over all batches
        self.module.train()
        with torch.no_grad():
            for _ in range(batches):
                self.module(*draw())
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        self.module.eval()
