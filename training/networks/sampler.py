"""From what a generator is given to raw samples: heads that choose, and the end that decodes."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from training.data.kind import Head, Kind


class Chance(NamedTuple):
    """What a generator takes beside latent and label.

    draws:    uniform numbers in (0, 1] for a sample; 0: it takes none.
    tempered: it takes the truncation too, float32 [n], and makes less likely choices rarer as that falls.
    """

    draws: int
    tempered: bool

    def inputs(self, uniform: Tensor, truncation: Tensor) -> tuple[Tensor, ...]:
        """What of these is given: float32 [n, draws], float32 [n]."""
        return (*((uniform,) if self.draws else ()), *((truncation,) if self.tempered else ()))


def chance(generator: nn.Module) -> Chance:
    """What the generator says that it takes, by its attributes `draws` and `tempered`; nothing if it says nothing."""
    return Chance(int(getattr(generator, "draws", 0)), bool(getattr(generator, "tempered", False)))  # type: ignore[arg-type]


class Headed(nn.Module):
    """latent float32 [n, latent_size], label int64 [n], uniform float32 [n, draws] -> sample float32 [n, *form].

    plain: what the head would have been given, for a likelihood; so it is without the uniform numbers of a head that
    takes some.
    """

    def __init__(self, trunk: nn.Module, head: Head) -> None:
        super().__init__()
        trunk.output = nn.Identity()
        self.trunk, self.head = trunk, head
        self.draws = head.draws

    @property
    def embedding(self) -> nn.Module:
        return self.trunk.embedding  # type: ignore[return-value]

    def forward(self, latent: Tensor, label: Tensor, uniform: Tensor | None = None, plain: bool = False) -> Tensor:
        made = self.trunk(latent, label)
        if uniform is None:
            if plain or self.draws:
                return made
            uniform = latent[:, :0]
        return self.head(made, uniform)

    def explain(self, latent: Tensor, label: Tensor, sample: Tensor) -> Tensor:
        """What the head was given if it made this sample."""
        return self.trunk(latent, label)

    def again(self, latent: Tensor, label: Tensor, uniform: Tensor, sample: Tensor) -> Tensor:
        """A sample by the head's own draws."""
        return self(latent, label, uniform)


class Sampler(nn.Module):
    """latent, label and what else the generator takes -> what a client receives: dtype [n, *shape] of the kind.

    A generator of forms ends in the kind's decoder. One of tokens answers int64 [n, positions] and float32
    [n, positions], and ends in the tokens' decoder.
    """

    def __init__(self, generator: nn.Module, kind: Kind) -> None:
        super().__init__()
        self.generator = generator
        self.decoder, self.tokens_decoder = kind.decoder(), None if kind.tokens is None else kind.tokens.decoder()

    def forward(self, latent: Tensor, label: Tensor, *chance: Tensor) -> Tensor:
        made: Any = self.generator(latent, label, *chance)
        if isinstance(made, tuple):
            assert self.tokens_decoder is not None, "only kinds that have tokens have generators of them"
            return self.tokens_decoder(*made)
        return self.decoder(made.float())


def drawn(count: int, taken: Chance, random: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    """What a generator takes beside latent and label, for `count` samples that nobody asks for by address."""
    if taken == Chance(0, False):
        return ()
    uniform = 1 - torch.rand(count, taken.draws, generator=random, device=device)
    return taken.inputs(uniform, torch.ones(count, device=device))
