"""The end of a generator of rows: positions by tanh, choices by chance."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.kinds.table.encoding import Encoder, Encoding

TEMPERATURE = 0.2  # of choices in training; CTGAN (arXiv:1907.00503), section 4.4
# Draws are kept this far from 0 and 1, where their double logarithm has no end: the step of float32 below 1.
_EDGE = 2.0**-24


class TableHead(nn.Module):
    """logits float32 [n, width] and uniform float32 [n, options], in (0, 1] -> code float32 [n, width].

    An option is chosen with the probability that softmax gives it (Gumbel 1954: the largest of logits with Gumbel
    noise); in training softly (Jang et al. 2017, arXiv:1611.01144; Maddison et al. 2017, arXiv:1611.00712), so that it
    has a gradient.
    """

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        self.code = Encoder(encoding)
        self.draws = self.code.choosing.options

    def forward(self, output: Tensor, uniform: Tensor) -> Tensor:
        choosing = self.code.choosing
        noise = -torch.log(-torch.log(uniform.clamp(_EDGE, 1 - _EDGE)))
        scores = output.index_select(1, choosing.channels).float() + noise
        picked = choosing.shares(scores / TEMPERATURE) if self.training else choosing.chosen(scores)
        if not len(self.code.channels):
            return picked
        position = torch.tanh(output.index_select(1, self.code.channels).float()) * self.code.ranged(picked)
        return torch.cat([position, picked], 1).index_select(1, self.code.order)
