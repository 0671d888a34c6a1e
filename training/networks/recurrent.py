"""Choices one after another by one network that remembers those before: a recurrent language model.

A gated recurrent unit (Cho et al. 2014, arXiv:1406.1078) over the choices, with the label beside each of them, as in
character models of text (Graves 2013, arXiv:1308.0850). Where texts are short, no adversarial training is as good at
any temperature (Caccia et al. 2020, arXiv:1811.02549).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, dropout, linear

from training.config.config import Config
from training.data.kind import Tokens
from training.networks.autoregressive import COLDEST, choose
from training.networks.chooser import Chooser


class RecurrentGenerator(Chooser):
    """Every choice by one network, from what it remembers of those before it; see Chooser."""

    def __init__(self, tokens: Tokens, classes: int, config: Config) -> None:
        """tokens: with as many choices at every position, which mean the same at each."""
        super().__init__()
        self.choices, self.stop = max(tokens.sizes), tokens.stop
        if min(tokens.sizes) != self.choices:
            raise ValueError("a recurrent network takes samples whose positions have the same choices")
        self.draws, self.dropout = len(tokens.sizes), config.dropout
        self.label = nn.Embedding(classes, config.embedding_size)
        self.token = nn.Embedding(self.choices + 1, config.embedding_size)  # the last one begins a sample
        self.start = nn.Embedding(classes, config.width)  # what is remembered before anything was chosen
        nn.init.zeros_(self.start.weight)
        self.memory = nn.GRU(2 * config.embedding_size, config.width, batch_first=True)
        self.last = nn.Linear(config.width, self.choices)

    def drawn(self, label: Tensor, uniform: Tensor, truncation: Tensor) -> tuple[Tensor, Tensor]:
        return _drawn(self._steps(), label, uniform, truncation)

    def surprise(self, label: Tensor, tokens: Tensor) -> Tensor:
        before = torch.cat([torch.full_like(tokens[:, :1], self.choices), tokens[:, :-1]], 1)
        own = self.label(label)[:, None].expand(-1, tokens.shape[1], -1)
        seen = dropout(torch.cat([self.token(before), own], 2), self.dropout, self.training)
        hidden = dropout(self.memory(seen, self.start(label)[None])[0], self.dropout, self.training)
        found = cross_entropy(self.last(hidden).flatten(0, 1), tokens.flatten(), reduction="none").view_as(tokens)
        return found if self.stop is None else found * ((before == self.stop).cumsum(1) == 0)

    def _steps(self) -> _Steps:
        memory: Any = self.memory
        last = self.last
        of_token, of_label = memory.weight_ih_l0.split(self.token.embedding_dim, 1)
        return _Steps(
            self.stop,
            linear(self.label.weight, of_label, memory.bias_ih_l0),
            linear(self.token.weight, of_token),
            self.start.weight,
            *(memory.weight_hh_l0, memory.bias_hh_l0, last.weight, last.bias),
        )

    def folded(self) -> nn.Module:
        """The same function with what the gates read looked up, as it is exported."""
        return _Looped(self)


class _Steps(nn.Module):
    """One position after the other, from tables of what each label and each token gives to the gates."""

    def __init__(self, stop: int | None, *weights: Tensor) -> None:
        """weights: float32 [labels, 3 width], [tokens, 3 width], [labels, width], and those of a step."""
        super().__init__()
        self.stop = stop
        self.of_label, self.of_token, self.start, self.weight, self.bias, self.last_weight, self.last_bias = weights

    def forward(
        self, own: Tensor, temperature: Tensor, hidden: Tensor, token: Tensor, uniform: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """float32 [n, 3 width], [n, 1] and [n, width], int64 [n], float32 [n] -> hidden, token, rest of uniform.

        token: the one before.
        """
        reset_in, update_in, new_in = (own + self.of_token[token]).chunk(3, 1)
        reset_own, update_own, new_own = linear(hidden, self.weight, self.bias).chunk(3, 1)
        update = torch.sigmoid(update_in + update_own)
        new = torch.tanh(new_in + torch.sigmoid(reset_in + reset_own) * new_own)
        hidden = new + update * (hidden - new)
        logits = linear(hidden, self.last_weight, self.last_bias) / temperature
        following, rest = (each[:, 0] for each in choose(logits, uniform[:, None]))
        if self.stop is not None:
            following = torch.where(token == self.stop, token, following)
        return hidden, following, rest


class _Looped(nn.Module):
    """See RecurrentGenerator.folded. Its weights are buffers: nothing is learned of them any more."""

    tempered = True

    def __init__(self, generator: RecurrentGenerator) -> None:
        super().__init__()
        self.draws = generator.draws
        self.steps = generator._steps()
        for name, value in [*self.steps.named_parameters(), *vars(self.steps).items()]:
            if isinstance(value, Tensor):
                delattr(self.steps, name)
                self.steps.register_buffer(name, value.detach().clone())

    def forward(self, latent: Tensor, label: Tensor, uniform: Tensor, truncation: Tensor) -> tuple[Tensor, Tensor]:
        if torch.compiler.is_exporting():
            return _scanned(self.steps, label, uniform, truncation)
        return _drawn(self.steps, label, uniform, truncation)


def _scanned(steps: _Steps, label: Tensor, uniform: Tensor, truncation: Tensor) -> tuple[Tensor, Tensor]:
    """The same as `_drawn`, by a loop in the graph (ONNX Scan): as fast.

    At 64 positions it has a fiftieth of the nodes, and is exported in a thirteenth of the time.
    """
    from torch._higher_order_ops.scan import scan

    temperature, own = truncation.clamp(min=COLDEST)[:, None], steps.of_label[label]

    def step(state: tuple[Tensor, Tensor], drawn: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        hidden, token, left = steps(own, temperature, *state, drawn)
        return (hidden, token), (token.clone(), left)

    start = steps.start[label], torch.full_like(label, len(steps.of_token) - 1)
    _, (tokens, rest) = scan(step, start, uniform.T.contiguous(), dim=0)
    return tokens.T, rest.T


def _drawn(steps: _Steps, label: Tensor, uniform: Tensor, truncation: Tensor) -> tuple[Tensor, Tensor]:
    """See RecurrentGenerator for shapes."""
    temperature, own, hidden = truncation.clamp(min=COLDEST)[:, None], steps.of_label[label], steps.start[label]
    token = torch.full_like(label, len(steps.of_token) - 1)  # the last one begins a sample
    tokens, rest = [], []
    for at in range(uniform.shape[1]):
        hidden, token, left = steps(own, temperature, hidden, token, uniform[:, at])
        tokens.append(token)
        rest.append(left)
    return torch.stack(tokens, 1), torch.stack(rest, 1)
