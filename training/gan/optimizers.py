"""The optimisers by name, and the schedules of their settings over a run."""

from __future__ import annotations

import math

import torch
from torch import nn

from training.config.config import Config


def build(network: nn.Module, config: Config) -> torch.optim.Optimizer:
    """The configured optimiser of a network; `schedule` sets what changes over the run."""
    rate = config.learning_rate
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(network.parameters(), lr=rate)
    if config.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), lr=rate, momentum=config.beta1)
    betas, decay = (config.beta1, config.beta2), config.weight_decay
    if decay:
        return torch.optim.AdamW(network.parameters(), lr=rate, betas=betas, weight_decay=decay, fused=True)
    return torch.optim.Adam(network.parameters(), lr=rate, betas=betas, fused=True)


def schedule(optimizer: torch.optim.Optimizer, rate: float, config: Config, progress: float) -> None:
    """Set the rate, and Adam's betas, for the share of the run that is over; `rate` is the one at the start."""
    for group in optimizer.param_groups:
        final = rate * config.learning_rate_final
        if config.learning_rate_schedule == "constant":
            group["lr"] = rate
        elif config.learning_rate_schedule == "linear":
            group["lr"] = linear(rate, final, progress)
        else:
            group["lr"] = cosine(rate, final, progress)
        if "betas" in group:
            group["betas"] = (config.beta1, cosine(config.beta2, config.beta2_final, progress))


def cosine(start: float, end: float, progress: float) -> float:
    """From start at progress 0 to end at progress 1 along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, progress))) / 2


def linear(start: float, end: float, progress: float) -> float:
    """From start at progress 0 to end at progress 1 along a line."""
    return start + (end - start) * min(1.0, progress)
