"""Choices one after another, each by a network of its own on the label and the choices before it.

TabularARGN (Tiwald et al. 2025, arXiv:2501.12012): p(x | label) is the product of p(x_i | label, x_1, ..., x_{i-1}),
and every factor is a small perceptron over embeddings. While training all factors are computed at once from the true
choices; a sample is drawn by one factor after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, dropout, linear

from training.config.config import Config
from training.networks.chooser import Chooser

COLDEST = 0.01  # temperature; below, the most likely choice is as good as certain already
SMALLEST = 2.0**-24  # share that is divided by
_FULL = 32  # positions up to which every factor has its full width
_BLOCK = 32  # positions whose hidden units are computed together, from no more than their own and earlier ones


class AutoregressiveGenerator(Chooser):
    """Every choice by a network of its own, from the label and the choices before it; see Chooser."""

    offset: Tensor  # of a position's embeddings

    def __init__(self, sizes: Sequence[int], classes: int, config: Config) -> None:
        super().__init__()
        self.sizes, self.draws = tuple(sizes), len(sizes)
        share = min(1.0, _FULL / len(sizes))
        self.units = max(16, round(config.width * share))
        self.embedded = max(4, round(config.embedding_size * share**0.5))
        self.dropout = config.dropout
        self.label = nn.Embedding(classes, config.embedding_size)
        self.token = nn.Embedding(sum(sizes), self.embedded)
        nn.init.normal_(self.label.weight, std=0.5)
        nn.init.normal_(self.token.weight, std=0.5)
        self.register_buffer("offset", torch.tensor([0, *accumulate(sizes[:-1])]), persistent=False)

        # First layers, a block of positions at a time; weights of what comes later are masked.
        starts = range(0, len(sizes), _BLOCK)
        self.first = nn.ModuleList()
        for start in starts:
            stop = min(start + _BLOCK, len(sizes))
            self.first.append(_Masked(self._seen(start), self._seen(stop), stop - start, self.units, self.embedded))
        self.middle = _Separate([self.units] * len(sizes), self.units)
        # Last layers, those of about as many choices together: filled up to the largest of them.
        self.groups = _groups(self.sizes)
        self.last = nn.ModuleList(_Separate([sizes[at] for at in group], self.units) for group in self.groups)

    def _seen(self, position: int) -> int:
        """How many inputs the factor of a position has."""
        return self.label.embedding_dim + position * self.embedded

    def drawn(self, label: Tensor, uniform: Tensor, truncation: Tensor) -> tuple[Tensor, Tensor]:
        return _drawn(self.label.weight, self.factors(), label, uniform, truncation)

    def surprise(self, label: Tensor, tokens: Tensor) -> Tensor:
        n = len(tokens)
        embedded = torch.cat([self.label(label), self.token(tokens + self.offset).flatten(1)], 1)
        hidden = torch.cat([block(embedded).view(n, -1, self.units) for block in self.first], 1).relu()
        hidden = self._dropped(hidden.transpose(0, 1))  # [positions, n, units]
        hidden = self._dropped(self.middle(hidden).relu())
        found: list[Tensor] = []
        for group, last in zip(self.groups, self.last, strict=True):
            at = torch.tensor(group, device=tokens.device)
            logits = last(hidden[at])
            found.append(cross_entropy(logits.flatten(0, 1), tokens.T[at].flatten(), reduction="none").view(-1, n))
        order = torch.tensor([at for group in self.groups for at in group], device=tokens.device)
        return torch.cat(found)[order.argsort()].T

    def _dropped(self, hidden: Tensor) -> Tensor:
        """The same units of all positions: they are networks of their own, and it is a tenth of the time."""
        if not (self.training and self.dropout):
            return hidden
        return hidden * dropout(torch.ones_like(hidden[0]), self.dropout)

    def factors(self) -> list[Factor]:
        """What each position is chosen by, in order."""
        place = {at: (number, row) for number, group in enumerate(self.groups) for row, at in enumerate(group)}
        found = []
        for at, size in enumerate(self.sizes):
            block: Any = self.first[at // _BLOCK]
            rows = slice(at % _BLOCK * self.units, (at % _BLOCK + 1) * self.units)
            number, row = place[at]
            last: Any = self.last[number]
            layers = (
                (block.weight[rows, : self._seen(at)], block.bias[rows]),
                (self.middle.weight[at].T, self.middle.bias[at, 0]),
                (last.weight[row, :, :size].T, last.bias[row, 0, :size]),
            )
            start = sum(self.sizes[:at])
            found.append(Factor(self.token.weight[start : start + size], layers))
        return found

    def folded(self) -> nn.Module:
        """The same function with the layers of each position for themselves, as it is exported."""
        return Unrolled(self)


class _Masked(nn.Module):
    """First layers of neighbouring positions: float32 [n, at least inputs] -> float32 [n, positions * units]."""

    mask: Tensor

    def __init__(self, seen: int, inputs: int, positions: int, units: int, embedded: int) -> None:
        """seen: inputs of the first position; each has `embedded` more than the one before it."""
        super().__init__()
        own = seen + embedded * torch.arange(positions).repeat_interleave(units)
        mask = torch.arange(inputs) < own[:, None]
        self.weight = nn.Parameter(torch.randn(positions * units, inputs) * (2 / own[:, None]) ** 0.5 * mask)
        self.bias = nn.Parameter(torch.zeros(positions * units))
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, embedded: Tensor) -> Tensor:
        return linear(embedded[:, : self.weight.shape[1]], self.weight * self.mask, self.bias)


class _Separate(nn.Module):
    """A layer for each position: float32 [positions, n, units] -> float32 [positions, n, most outputs].

    What a position has fewer of than another is minus infinity, a choice that nobody takes.
    """

    absent: Tensor

    def __init__(self, outputs: Sequence[int], units: int) -> None:
        super().__init__()
        most = max(outputs)
        self.weight = nn.Parameter(torch.randn(len(outputs), units, most) * units**-0.5)
        self.bias = nn.Parameter(torch.zeros(len(outputs), 1, most))
        absent = torch.arange(most) >= torch.tensor(outputs)[:, None]
        self.register_buffer("absent", torch.where(absent, -torch.inf, 0.0)[:, None], persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        return torch.baddbmm(self.bias + self.absent, hidden, self.weight)


class Factor(NamedTuple):
    """What one position is chosen by.

    table:  float32 [choices, embedded], its embeddings.
    layers: of each weight float32 [outputs, inputs] and bias float32 [outputs].
    """

    table: Tensor
    layers: tuple[tuple[Tensor, Tensor], ...]


class Unrolled(nn.Module):
    """See AutoregressiveGenerator.folded."""

    tempered = True

    def __init__(self, generator: AutoregressiveGenerator) -> None:
        super().__init__()
        self.draws = generator.draws
        self.label = generator.label.weight.detach().clone()
        self.factors = [
            Factor(each.table.detach().clone(), tuple((w.detach().clone(), b.detach().clone()) for w, b in each.layers))
            for each in generator.factors()
        ]

    def forward(self, latent: Tensor, label: Tensor, uniform: Tensor, truncation: Tensor) -> tuple[Tensor, Tensor]:
        return _drawn(self.label, self.factors, label, uniform, truncation)


def _drawn(
    labels: Tensor, factors: Sequence[Factor], label: Tensor, uniform: Tensor, truncation: Tensor
) -> tuple[Tensor, Tensor]:
    """One position after the other; see Chooser for shapes."""
    temperature = truncation.clamp(min=COLDEST)[:, None]
    seen = labels[label]
    tokens, rest = [], []
    for at, factor in enumerate(factors):
        hidden = seen
        for number, (weight, bias) in enumerate(factor.layers):
            hidden = linear(hidden.relu() if number else hidden, weight, bias)
        token, left = choose(hidden / temperature, uniform[:, at : at + 1])
        tokens.append(token)
        rest.append(left)
        seen = torch.cat([seen, factor.table[token[:, 0]]], 1)
    return torch.cat(tokens, 1), torch.cat(rest, 1)


def choose(logits: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """float32 [n, choices] and [n, 1] in (0, 1] -> the choice int64 [n, 1], and what is left: float32 [n, 1] in (0, 1].

    By the inverse of the distribution function: where in its own share of the unit interval the uniform number lies is
    uniform again, and tells nothing of the choice.
    """
    if logits.shape[1] == 1:
        return torch.zeros_like(uniform, dtype=torch.int64), uniform
    shares = torch.softmax(logits, 1)
    reached = shares.cumsum(1)[:, :-1]  # the last choice has the rest, whatever rounding makes of the sum
    token = (reached < uniform).to(torch.int64).sum(1, keepdim=True)
    before = torch.cat([torch.zeros_like(uniform), reached], 1).gather(1, token)
    share = shares.gather(1, token).clamp(min=SMALLEST)
    return token, ((uniform - before) / share).clamp(max=1.0)


def _groups(sizes: Sequence[int]) -> list[list[int]]:
    """Positions with about as many choices each, within a factor of two."""
    groups: dict[int, list[int]] = {}
    for at, size in enumerate(sizes):
        groups.setdefault((size - 1).bit_length(), []).append(at)
    return [groups[key] for key in sorted(groups)]
