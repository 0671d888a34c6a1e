"""A real sample carried into another class: by a latent that an encoder finds, through a generator that stays as it is.

What a head draws by chance is found, too: draws by which the generator, in the sample's own class, makes the sample. In
another class, by the same draws, it makes what the sample would have been there (Oberst and Sontag 2019,
arXiv:1905.05824). What they leave open follows from the sample: the same bytes in give the same bytes out, and a sample
with a head is itself again in its own class.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from training.networks.encoder import Encoder

_PRIME = 2**31 - 1
ROUNDS = 2  # of the encoder, where what it makes is not the sample already


class Carrier(nn.Module):
    """sample float32 [n, *form] in [-1, 1], source, target int64 [n], strength float32 [n] in [0, 1] -> the sample in
    another class, float32 [n, *form] in [-1, 1].

    strength: 1 is the target class, 0 the sample's own; between them the generator is given a blend of both classes,
              and so is the encoder.
    """

    def __init__(self, generator: nn.Module, encoder: Encoder) -> None:
        """generator: in evaluation; it is not changed."""
        super().__init__()
        self.generator: Any = generator
        self.encoder = encoder
        # A head that draws nothing leaves nothing to be found again: what it makes is compared, as that of any other.
        self.explains = hasattr(generator, "explain") and bool(getattr(generator, "draws", 0))
        self.rounds = 1 if self.explains else ROUNDS
        self.chance = _Chance(int(self._head.draws)) if self.explains else None

    def forward(self, sample: Tensor, source: Tensor, target: Tensor, strength: Tensor) -> Tensor:
        return self.carried(sample, source, target, strength)[0]

    def carried(self, sample: Tensor, source: Tensor, target: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
        """The carried sample, and the latent that makes it: float32 [n, latent_size]."""
        before, after = blend(self._classes, source, target, strength)
        own, towards = self.encoder.source(source), blend(self.encoder.target, source, target, strength)[1]
        latent = torch.zeros_like(own[:, :1]).expand(-1, self.encoder.change.out_features)
        made = torch.zeros_like(sample)
        for _ in range(self.rounds):
            latent = self.encoder(sample, made, own, towards, latent)
            made = self.made(latent, before, after, sample)
        return made, latent

    def made(self, latent: Tensor, before: Tensor, after: Tensor, sample: Tensor) -> Tensor:
        """What a latent makes of a sample; before, after: the class that it is of, and of which it is to be."""
        if not self.explains:
            return self.generator(latent, after)
        assert self.chance is not None, "a generator that explains has a head that draws"
        given = self.generator.explain(latent, before, sample)
        uniform = self._head.draws_of(given.float(), sample, self.chance(sample))
        return self.generator.again(latent, after, uniform, sample)

    def surprise(self, latent: Tensor, label: Tensor, sample: Tensor) -> Tensor:
        """Of a generator with a head: see training.data.kind.Head.surprise."""
        return self._head.surprise(self.generator.explain(latent, label, sample), sample)

    @property
    def _head(self) -> Any:
        return self.generator.head

    @property
    def _classes(self) -> nn.Module:
        """Of the generator, from classes to what it is given of them."""
        return self.generator.embedding

    def train(self, mode: bool = True) -> Carrier:
        """The encoder learns; a head chooses softly while it does. Statistics of the generator stay as they are."""
        super().train(mode)
        for module in self.generator.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self


class _Chance(nn.Module):
    """float32 [n, *form] -> numbers in (0, 1) that look drawn and are the sample's own, float32 [n, draws].

    A hash of the elements in steps of 2^-9, and lines of it modulo a prime (Carter and Wegman 1979): any two draws are
    as if independent. In whole numbers below 2^63, so that every device has the same.
    """

    weights: Tensor
    slopes: Tensor
    starts: Tensor

    def __init__(self, draws: int) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(0)
        for name, count in (("weights", 4096), ("slopes", draws), ("starts", draws)):
            self.register_buffer(name, torch.randint(1, _PRIME, (count,), generator=random), persistent=False)

    def forward(self, sample: Tensor) -> Tensor:
        # An element at a time would be below 2^63 for any form; so are sums of remainders.
        steps = ((sample.float().flatten(1) + 1) * 512).round().long()
        weights = self.weights[torch.arange(steps.shape[1], device=sample.device) % len(self.weights)]
        hashed = ((steps * weights) % _PRIME).sum(1, keepdim=True) % _PRIME
        return ((hashed * self.slopes + self.starts) % _PRIME).float() / _PRIME


def blend(classes: nn.Module, source: Tensor, target: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
    """What the source is, and what lies so far on the way to the target: float32 [n, size] each."""
    first, last = classes(source), classes(target)
    share = strength[:, None]
    # Both ends exactly.
    return first, first * (1 - share) + last * share
