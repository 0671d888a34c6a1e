"""Between raw texts, int32 [n, length], and what networks see: float32 [n, units, length], one a position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.kinds.text.units import END

_INSIDE = 1e-3  # of a share, from its ends


def encode(raw: Tensor, units: int) -> Tensor:
    """int32 [n, length] -> float32 [n, units, length]: 1 at the unit, 0 elsewhere."""
    every = torch.arange(units, dtype=raw.dtype, device=raw.device)
    return (raw[:, None, :] == every[None, :, None]).float()


def ended(ids: Tensor) -> Tensor:
    """Whole numbers [n, length]: all after the first END are END, too."""
    over = (ids == END).float().cumsum(1) > 0
    return torch.where(over, torch.full_like(ids, END), ids)


class Decoder(nn.Module):
    """float32 [n, units, length] -> the largest at each position, int32 [n, length]."""

    def forward(self, sample: Tensor) -> Tensor:
        return ended(sample.argmax(1)).to(torch.int32)


class Chooser(nn.Module):
    """See training.data.kind.Head: a unit for each position, by a uniform number each.

    What is drawn is one of the units, by the inverse of the distribution function. While training its gradient is that
    of the probabilities (straight through, Bengio et al. 2013, arXiv:1308.3432): a discriminator that saw these
    themselves would tell them from real texts by that alone.
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        self.draws = length

    def forward(self, output: Tensor, uniform: Tensor) -> Tensor:
        shares = output.softmax(1)
        # The last unit has the rest, whatever rounding makes of the sum.
        reached = shares.cumsum(1)[:, :-1]
        chosen = encode((reached < uniform[:, None]).to(torch.int32).sum(1), output.shape[1])
        return chosen + shares - shares.detach() if self.training else chosen

    def surprise(self, output: Tensor, real: Tensor) -> Tensor:
        """See Head: cross-entropy up to the END of the real texts, at their own units."""
        before = real[:, END].cumsum(1) - real[:, END]
        return -output.float().log_softmax(1) * real * (before < 0.5)[:, None]

    def draws_of(self, output: Tensor, sample: Tensor, uniform: Tensor) -> Tensor:
        """See Head: a part of what the distribution function has for each unit."""
        shares = output.float().softmax(1)
        # Not its very ends, which rounding would take for a neighbour's.
        inside = uniform.clamp(_INSIDE, 1 - _INSIDE)[:, None]
        return ((shares.cumsum(1) - shares * inside) * sample).sum(1)


class _Ids(nn.Module):
    def forward(self, ids: Tensor, rest: Tensor) -> Tensor:
        return ids.to(torch.int32)


@dataclass(frozen=True)
class Choices:
    """See training.data.kind.Tokens: the ids as they are."""

    units: int
    length: int

    stop = END

    @property
    def sizes(self) -> Sequence[int]:
        return [self.units] * self.length

    def encode(self, raw: Tensor) -> Tensor:
        return raw.long()

    def decoder(self) -> nn.Module:
        return _Ids()
