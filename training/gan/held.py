"""Models that learn a likelihood: which of their averages fits samples best that they were not trained on.

Such a model can know its samples by heart; nothing else tells it when to stop.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.data import Samples

SHARE = 0.1  # of each class
MOST = 2048  # samples in all
FIRST, FACTOR = 20, 1.1  # steps before the first comparison, and from each one to the next
_PAGE = 256


def hold_out(
    encode: Callable[[Tensor], Tensor], samples: Samples, labels: np.ndarray, device: torch.device
) -> tuple[np.ndarray, Best]:
    """Positions of the samples to learn from, int64 [n], and what compares averages by the others.

    encode: from raw samples to tokens. samples: raw, of the kind, [n, *shape]; labels: int64 [n].
    """
    members, compared = positions(labels)
    tokens = encode(torch.from_numpy(samples[compared])).to(device)
    return members, Best(tokens, torch.from_numpy(labels[compared]).to(device))


def positions(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the samples to learn from, and of those to compare by: each class is in the first.

    labels: int64 [n], in any order. The second are evenly spaced in each class.
    """
    share = min(SHARE, MOST / max(1, len(labels)))
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = int(len(members) * share)
        held[members[((np.arange(count) + 0.5) * len(members) / max(1, count)).astype(np.int64)]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def due(step: int) -> bool:
    """Whether averages are compared after that many steps: often at first, when few samples are soon known by heart."""
    return step >= FIRST and _comparisons(step) > _comparisons(step - 1)


def _comparisons(step: int) -> int:
    return math.floor(math.log(step / FIRST) / math.log(FACTOR))


class Best:
    """The best average so far; without held-out samples, the last one.

    loss: its own on the held-out samples, in nats for a sample; infinite before there is one.
    """

    def __init__(self, tokens: Tensor, labels: Tensor) -> None:
        """tokens: int64 [n, positions], not trained on; labels: int64 [n]."""
        self._tokens, self._labels = tokens, labels
        self.loss = math.inf
        self._weights: dict[str, Tensor] | None = None

    def consider(self, average: nn.Module) -> None:
        """Keep the average if it is better than all before."""
        loss = self._loss(average)
        if loss < self.loss:
            self.loss, self._weights = loss, copy.deepcopy(average.state_dict())

    def of(self, average: nn.Module) -> nn.Module:
        """The average, or one like it with the best weights if those are better; remembers nothing."""
        if self._weights is None or self._loss(average) < self.loss:
            return average
        best = copy.deepcopy(average)
        best.load_state_dict(self._weights)
        return best

    @torch.no_grad()
    def _loss(self, average: nn.Module) -> float:
        """In nats for a sample; not a number without samples."""
        if not len(self._labels):
            return math.nan
        latent, total = torch.empty(0, 0, device=self._labels.device), 0.0
        for tokens, labels in zip(self._tokens.split(_PAGE), self._labels.split(_PAGE), strict=True):
            total += float(average(latent, labels, tokens=tokens).double().sum())
        return total / len(self._labels)

    def state_dict(self) -> dict[str, Any]:
        return {"loss": self.loss, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.loss, self._weights = state["loss"], copy.deepcopy(state["weights"])
