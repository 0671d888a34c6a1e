"""The family for samples of choices and values: networks that may be shown a part of a real sample while they learn.

When training is over nothing real is at hand: a generator then draws by itself what it would have been shown.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from training.config.config import Config
from training.data.choosing import Choosing
from training.data.kind import Block, Head
from training.networks import layers
from training.networks.layers import LEAK, embedding

_CERTAIN = 100.0  # a logit that no draw outweighs


class _Residual(nn.Module):
    """float32 [n, inputs] -> float32 [n, inputs + units]: what the layer makes of it, beside it (CTGAN, section 4.4).

    Layer norm where the paper has batch norm: a sample must not depend on its batch.
    """

    def __init__(self, inputs: int, units: int, norm: str) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(inputs, units), layers.norm(norm, units, 0)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([torch.relu(self.norm(self.layer(x))), x], 1)


class BlocksGenerator(nn.Module):
    """latent, label and uniform float32 [n, draws] -> sample float32 [n, width].

    teaches:    in training it is shown a part of real samples, float32 [n, shown_size], and answers a sample and the
                logits that `lost` takes; without uniform numbers no sample but the logits.
    told_size:  so much of what is shown, from its beginning, the discriminator is told too.
    """

    teaches = False
    shown_size = told_size = 0

    def __init__(
        self, blocks: Sequence[Block], classes: int, config: Config, head: Head, latent_size: int, given: int
    ) -> None:
        """latent_size: of what a pass takes; given: what else it takes beside latent and class."""
        super().__init__()
        self.head, self.draws = head, head.draws
        self.choosing = Choosing(blocks)
        width = sum(block.width for block in blocks)
        self.embedding = embedding(classes, config.embedding_size)
        inputs = latent_size + config.embedding_size + given
        residuals = []
        for _ in range(config.layers):
            residuals.append(_Residual(inputs, config.width, config.generator_norm))
            inputs += config.width
        self.residuals, self.last = nn.Sequential(*residuals), nn.Linear(inputs, width)

    def logits(self, latent: Tensor, label: Tensor, *given: Tensor) -> Tensor:
        return self.last(self.residuals(torch.cat([latent, self.embedding(label), *given], 1)))

    def forward(self, latent: Tensor, label: Tensor, uniform: Tensor) -> Any:
        return self.head(self.logits(latent, label), uniform)

    def explain(self, latent: Tensor, label: Tensor, sample: Tensor) -> Tensor:
        """What the head was given if it made this sample: float32 [n, width]."""
        return self.logits(latent, label)

    def again(self, latent: Tensor, label: Tensor, uniform: Tensor, sample: Tensor) -> Tensor:
        """A sample by the head's own draws, float32 [n, head.draws]; sample: whatever else is drawn, is as in it."""
        return self.head(self.logits(latent, label), uniform)

    def learn(self, pages: Callable[[], Iterable[tuple[Tensor, Tensor]]]) -> None:
        """Count what it needs to know of the training split: float32 [n, width], int64 [n] at a time, on the CPU."""

    def shown(self, real: Tensor, random: torch.Generator) -> Tensor:
        """What of each real sample is shown."""
        raise NotImplementedError

    def lost(self, logits: Tensor, real: Tensor, shown: Tensor) -> Tensor:
        """By how much logits miss the real sample, in nats: float32 [n]."""
        raise NotImplementedError


class OneShown(BlocksGenerator):
    """Shown one choice of a real sample: Xu et al. 2019 (CTGAN, arXiv:1907.00503), section 4.3, training by sampling.

    The paper draws an option, the rare ones by the logarithm of their frequency, and looks for a real sample that has
    it. Here it is drawn among those of a sample, with the weight that this comes to: every batch is then a fair draw of
    samples, and what an option is drawn by afterwards, the frequency of what was shown, is exact.
    """

    teaches = True
    weights: Tensor
    ends: Tensor

    def __init__(self, blocks: Sequence[Block], classes: int, config: Config, head: Head) -> None:
        options = Choosing(blocks).options
        super().__init__(blocks, classes, config, head, config.latent_size, options)
        self.shown_size = self.told_size = options
        self.draws = head.draws + 1
        self.register_buffer("weights", torch.ones(options))
        self.register_buffer("ends", (torch.arange(options).float() + 1).div(options).repeat(classes, 1))

    def forward(self, latent: Tensor, label: Tensor, uniform: Tensor, shown: Tensor | None = None) -> Any:
        given = self._drawn(label, uniform[:, :1]) if shown is None else shown
        logits = self.logits(latent, label, given)
        made = self.head(logits, uniform[:, 1:])
        return made if shown is None else (made, logits)

    def explain(self, latent: Tensor, label: Tensor, sample: Tensor) -> Tensor:
        return self.logits(latent, label, self._rarest(sample))

    def again(self, latent: Tensor, label: Tensor, uniform: Tensor, sample: Tensor) -> Tensor:
        return self.head(self.logits(latent, label, self._rarest(sample)), uniform)

    def _rarest(self, sample: Tensor) -> Tensor:
        """Of what a sample has, the option that would be shown most often."""
        weighted = self._picked(sample) * self.weights
        return (weighted.argmax(1, keepdim=True) == torch.arange(self.shown_size, device=sample.device)).float()

    def _drawn(self, label: Tensor, uniform: Tensor) -> Tensor:
        # The last end is 1, but for rounding; it is not compared with.
        ends = self.ends.index_select(0, label)[:, :-1]
        option = (uniform > ends).float().sum(1, keepdim=True)
        return (option == torch.arange(self.shown_size, device=uniform.device)).float()

    @torch.no_grad()
    def learn(self, pages: Callable[[], Iterable[tuple[Tensor, Tensor]]]) -> None:
        counts = torch.zeros_like(self.weights, dtype=torch.float64)
        for real, _ in pages():
            counts += self._picked(real).sum(0)
        owners, logarithm = self.choosing.owners, torch.log1p(counts)
        each = torch.zeros(self.choosing.choices, dtype=torch.float64).index_add(0, owners, logarithm)
        self.weights.copy_(logarithm / each[owners] / counts.clamp(min=1))
        shares = torch.zeros_like(self.ends, dtype=torch.float64)
        for real, label in pages():
            weight = (self._picked(real) * self.weights).double()
            shares.index_add_(0, label, weight / weight.sum(1, keepdim=True))
        self.ends.copy_((shares / shares.sum(1, keepdim=True)).cumsum(1))

    def _picked(self, real: Tensor) -> Tensor:
        return real.index_select(1, self.choosing.channels)

    def shown(self, real: Tensor, random: torch.Generator) -> Tensor:
        picked = self._picked(real)
        option = torch.multinomial(picked * self.weights, 1, generator=random)
        return torch.zeros_like(picked).scatter_(1, option, 1.0)

    def lost(self, logits: Tensor, real: Tensor, shown: Tensor) -> Tensor:
        surprise = self.choosing.surprise(logits.index_select(1, self.choosing.channels), shown)
        return surprise.sum(1)


class InSteps(BlocksGenerator):
    """Makes a sample in several passes, each of which sees what those before it have made.

    A masked autoencoder, as in Li et al. 2024 (TAEGAN, arXiv:2410.01933), which warms up by learning the rest of a real
    sample from a part of it. They hide parts at random and generate from one choice; here the parts have an order, and
    what competes with real samples is what is made from nothing. Values come a pass after the choices behind them.
    """

    teaches = True
    turns: Tensor

    def __init__(self, blocks: Sequence[Block], classes: int, config: Config, head: Head) -> None:
        turns = _turns(blocks, config.passes)
        self._passes, self._width = max(turns) + 1, len(turns)
        # Each pass has its part of the latent: a part that is known would say what the latent was.
        self._size = max(1, config.latent_size // self._passes)
        self.shown_size = self._width + self._passes
        super().__init__(blocks, classes, config, head, self._size, self.shown_size)
        self.register_buffer("turns", torch.tensor(turns), persistent=False)

    def explain(self, latent: Tensor, label: Tensor, sample: Tensor) -> Tensor:
        latent, found = self._parts(latent), torch.zeros_like(sample)
        for number in range(self._passes):
            before = sample * (self.turns < number)
            logits = self.logits(latent[:, number], label, before, self._turn(latent, number))
            found = torch.where(self.turns == number, logits.float(), found)
        return found

    def again(self, latent: Tensor, label: Tensor, uniform: Tensor, sample: Tensor) -> Tensor:
        return self._made(self._parts(latent), label, uniform)

    def _parts(self, latent: Tensor) -> Tensor:
        """float32 [n, passes, size]"""
        return latent[:, : self._passes * self._size].unflatten(1, (self._passes, self._size))

    def _turn(self, latent: Tensor, number: int) -> Tensor:
        turn = torch.zeros_like(latent[:, :, 0])
        turn[:, number] = 1.0
        return turn

    def forward(self, latent: Tensor, label: Tensor, uniform: Tensor | None = None, shown: Tensor | None = None) -> Any:
        latent = self._parts(latent)
        made = None if uniform is None else self._made(latent, label, uniform)
        if shown is None:
            return made
        logits = self.logits((latent * shown[:, self._width :, None]).sum(1), label, shown)
        return logits if made is None else (made, logits)

    def _made(self, latent: Tensor, label: Tensor, uniform: Tensor) -> Tensor:
        sample = torch.zeros_like(latent[:, 0, :1]).expand(-1, self._width)
        for number in range(self._passes):
            logits = self.logits(latent[:, number], label, sample, self._turn(latent, number))
            # The head is certain of what is made already, since values go by the choices behind them.
            certain = torch.where(self.turns < number, (2 * sample - 1) * _CERTAIN, logits.float())
            sample = torch.where(self.turns == number, self._firm(self.head(certain, uniform)), sample)
        return sample

    def _firm(self, made: Tensor) -> Tensor:
        """In training choices as they will be, with the gradient of soft ones (straight through, Bengio et al. 2013).

        Passes would else read what they never meet afterwards, and a discriminator tell fakes by being soft.
        """
        if not self.training:
            return made
        soft = made.index_select(1, self.choosing.channels)
        change = (self.choosing.chosen(soft) - soft).detach()
        return made.index_add(1, self.choosing.channels, change)

    def shown(self, real: Tensor, random: torch.Generator) -> Tensor:
        at = torch.randint(self._passes, (len(real), 1), generator=random, device=real.device)
        turn = (at == torch.arange(self._passes, device=real.device)).float()
        return torch.cat([real * (self.turns < at), turn], 1)

    def lost(self, logits: Tensor, real: Tensor, shown: Tensor) -> Tensor:
        """Of the channels whose turn it is, or will be."""
        at = shown[:, self._width :].argmax(1, keepdim=True)
        return (self.head.surprise(logits, real) * (self.turns >= at)).sum(1)


def _turns(blocks: Sequence[Block], passes: int) -> list[int]:
    """The pass that makes each channel: choices in order, evenly; values after the choice behind them."""
    choices = sum(block.choice for block in blocks)
    passes = min(passes, choices)
    found: list[int] = []
    number = 0
    for block in blocks:
        step = number * passes // choices
        found += [step if block.choice else step + 1] * block.width
        number += block.choice
    return found


def generator(blocks: Sequence[Block], classes: int, config: Config, head: Head) -> BlocksGenerator:
    if config.shown == "none":
        return BlocksGenerator(blocks, classes, config, head, config.latent_size, 0)
    return {"one": OneShown, "first": InSteps}[config.shown](blocks, classes, config, head)


class BlocksDiscriminator(nn.Module):
    """sample float32 [n, width], label int64 [n], told float32 [n, told_size] -> verdict float32 [n / pack, 1].

    pack: neighbours that are judged together, which shows whether they are too alike (Lin et al. 2018, PacGAN,
    arXiv:1712.04086). Where they do not come out even the first ones are judged again.
    """

    def __init__(self, width: int, told_size: int, classes: int, config: Config) -> None:
        super().__init__()
        self.pack = config.pack
        told = config.discriminator_conditioning == "concatenation"
        self.embedding = embedding(classes, config.embedding_size) if told else None
        inputs = (width + told_size + (config.embedding_size if told else 0)) * self.pack
        sizes = [inputs, *[config.width] * config.layers]
        found: list[nn.Module] = []
        for a, b in itertools.pairwise(sizes):
            found += [nn.Linear(a, b), nn.LeakyReLU(LEAK), nn.Dropout(config.dropout)]
        self.layers, self.head = nn.Sequential(*found), layers.VerdictHead(config.width, classes, config)

    def forward(self, sample: Tensor, label: Tensor, *told: Tensor) -> Tensor:
        parts = [sample, *told] if self.embedding is None else [sample, *told, self.embedding(label)]
        joined = torch.cat(parts, 1)
        if lacking := -len(joined) % self.pack:
            joined = torch.cat([joined, joined.repeat(self.pack, 1)[:lacking]])
            label = torch.cat([label, label.repeat(self.pack)[:lacking]])
        features = self.layers(joined.view(len(joined) // self.pack, -1))
        return self.head(features, label[:: self.pack])
