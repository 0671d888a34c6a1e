"""The end of a generator of rows: what is chosen, and where in a range a value lies, by chance."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from training.kinds.table.encoding import Encoder, Encoding

TEMPERATURE = 0.2  # of choices in training; CTGAN (arXiv:1907.00503), section 4.4
SPREAD = 0.5  # at first; 1 would be an even draw from the range
# Draws are kept this far from 0 and 1, where their logarithms have no end: the step of float32 below 1.
_EDGE = 2.0**-24
_SMALL = 1e-7  # of a share whose logarithm is taken
_FARTHEST = 0.999  # of a real position: its inverse tanh has no end at 1


class TableHead(nn.Module):
    """output float32 [n, width] and uniform float32 [n, draws], in (0, 1] -> code float32 [n, width].

    An option is chosen with the probability that softmax gives it (Gumbel 1954: the largest of logits with Gumbel
    noise); in training softly (Jang et al. 2017, arXiv:1611.01144; Maddison et al. 2017, arXiv:1611.00712), so that it
    has a gradient.

    A position is tanh of a logistic draw round the output, shifted and spread as the range that was chosen has learned:
    at 0 with spread 1 the draw is even. Without it a generator would have to make chance out of its latent.
    """

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        self.code = Encoder(encoding)
        options, positions = self.code.choosing.options, len(self.code.channels)
        self.draws = options + positions
        if positions:
            self.shift = nn.Parameter(torch.zeros(options))
            self.spread = nn.Parameter(torch.full((options,), SPREAD).log())

    def forward(self, output: Tensor, uniform: Tensor) -> Tensor:
        choosing = self.code.choosing
        uniform = uniform.clamp(_EDGE, 1 - _EDGE)
        first, second = uniform[:, : choosing.options], uniform[:, choosing.options :]
        scores = output.index_select(1, choosing.channels).float() - torch.log(-torch.log(first))
        picked = choosing.shares(scores / TEMPERATURE) if self.training else choosing.chosen(scores)
        if not len(self.code.channels):
            return picked
        centre, spread = self._ranges(output, picked)
        position = torch.tanh(centre + spread.exp() * (torch.log(second) - torch.log(1 - second)) / 2)
        return torch.cat([position * self.code.ranged(picked), picked], 1).index_select(1, self.code.order)

    def surprise(self, output: Tensor, real: Tensor) -> Tensor:
        """Minus the logarithm of the likelihood of real samples, in nats: float32 [n, width] each -> [n, width].

        Of a choice it stands at its first channel, of a position at its own, 0 elsewhere.
        """
        choosing = self.code.choosing
        picked = real.index_select(1, choosing.channels)
        found = torch.zeros_like(output)
        lost = choosing.surprise(output.index_select(1, choosing.channels), picked)
        found = found.index_copy(1, choosing.channels[choosing.starts], lost)
        if not len(self.code.channels):
            return found
        centre, spread = self._ranges(output, picked)
        place = torch.atanh(real.index_select(1, self.code.channels).clamp(-_FARTHEST, _FARTHEST))
        away = (place - centre) / (spread.exp() / 2)
        missed = (away + 2 * softplus(-away) + spread) * self.code.ranged(picked)
        return found.index_copy(1, self.code.channels, missed)

    def draws_of(self, output: Tensor, sample: Tensor, uniform: Tensor) -> Tensor:
        """See training.data.kind.Head. Of choices: Gumbel noise given what was chosen (Maddison et al. 2014,
        arXiv:1411.0030, section 3: of the largest, then of those below; Oberst and Sontag 2019, arXiv:1905.05824)."""
        choosing = self.code.choosing
        picked = sample.index_select(1, choosing.channels)
        # Logarithms of shares have a largest noisy one that is Gumbel itself, whatever they are.
        shares = (choosing.shares(output.index_select(1, choosing.channels).float()) + _SMALL).log()
        waits = -torch.log(uniform[:, : choosing.options].clamp(_EDGE, 1 - _EDGE))  # exp(-noise)
        own = (choosing.owners[:, None] == torch.arange(choosing.choices, device=output.device)).float()
        largest = ((picked * waits) @ own) @ own.T  # of each option's choice
        below = -torch.log(torch.exp(-shares) * waits + largest)
        noise = torch.where(picked > 0.5, -torch.log(largest), below) - shares
        first = torch.exp(-torch.exp(-noise))
        if not len(self.code.channels):
            return first
        centre, spread = self._ranges(output, picked)
        place = torch.atanh(sample.index_select(1, self.code.channels).clamp(-_FARTHEST, _FARTHEST))
        return torch.cat([first, torch.sigmoid(2 * (place - centre) / spread.exp())], 1)

    def _ranges(self, output: Tensor, picked: Tensor) -> tuple[Tensor, Tensor]:
        """Centres, and logarithms of spreads, of the ranges that were picked: float32 [n, positions] each."""
        shift, spread = self.code.ranged(picked * self.shift), self.code.ranged(picked * self.spread)
        return output.index_select(1, self.code.channels).float() + shift, spread
