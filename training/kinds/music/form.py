"""Between rolls, uint8 [n, steps, pitches(, tracks)], and what networks see: float32 [n, 2 tracks, steps, pitches].

Of each track one channel says where it sounds and one where it is struck, 1 and else -1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

REST, HOLD = 0, 1  # what a step of a melody is, if no note is struck in it
_NOTES = 2  # the first choice that strikes one
_SEVERAL = 0.01  # of the steps of a melody that sound may have several notes
_PAGE = 1024


def encode(raw: Tensor, held: int) -> Tensor:
    rolls = raw[..., None] if raw.dim() == 3 else raw
    sounding = (rolls > 0).float()
    before = functional.pad(sounding, (0, 0, 0, 0, 1, 0))[:, :-1]
    struck = sounding * torch.maximum((rolls != held).float(), 1 - before)
    # [n, steps, pitches, tracks, 2] -> [n, tracks, 2, steps, pitches]
    both = torch.stack([sounding, struck], 4).permute(0, 3, 4, 1, 2)
    return both.flatten(1, 2) * 2 - 1


class Decoder(nn.Module):
    """float32 [n, 2 tracks, steps, pitches] -> uint8 [n, steps, pitches], with tracks behind if there are several."""

    velocities: Tensor

    def __init__(self, velocities: Sequence[int], held: int) -> None:
        super().__init__()
        self.tracks, self.held = len(velocities), float(held)
        self.register_buffer("velocities", torch.tensor(velocities).float().view(-1, 1, 1), persistent=False)

    def forward(self, sample: Tensor) -> Tensor:
        both = (sample > 0).float().unflatten(1, (self.tracks, 2))
        sounding, struck = both[:, :, 0], both[:, :, 1]
        before = functional.pad(sounding, (0, 0, 1, 0))[:, :, :-1]
        # Whatever begins is struck; what is struck and does not sound is nothing.
        begins = sounding * torch.maximum(struck, 1 - before)
        levels = begins * self.velocities + (sounding - begins) * self.held
        if self.tracks == 1:
            return levels[:, 0].to(torch.uint8)
        return levels.permute(0, 2, 3, 1).to(torch.uint8)


class Neurons(nn.Module):
    """See training.data.kind.Head: binary neurons, of which each is on or off, whichever is likelier.

    In training their gradient is that of the probability (straight through, Bengio et al. 2013, arXiv:1308.3432; for
    rolls Dong and Yang 2018, arXiv:1804.09399, who find deterministic ones as good as those that draw).
    """

    draws = 0

    def forward(self, output: Tensor, uniform: Tensor) -> Tensor:
        chosen = (output > 0).to(output.dtype)
        if self.training:
            share = output.sigmoid()
            chosen = chosen + share - share.detach()
        return chosen * 2 - 1

    def draws_of(self, output: Tensor, sample: Tensor, uniform: Tensor) -> Tensor:
        """See Head: there are none."""
        return sample.flatten(1)[:, :0]

    def surprise(self, output: Tensor, real: Tensor) -> Tensor:
        """See Head: cross-entropy of each neuron."""
        return functional.binary_cross_entropy_with_logits(output.float(), (real + 1) / 2, reduction="none")


class Voice(nn.Module):
    """See training.data.kind.Head: of the neurons of a melody at most one wins at each step, the others are off.

    Where none is likelier than silence, whose logit is 0, there is a rest. Whether a note is struck is a neuron of its
    own. In training the gradients are those of the probabilities, as those of Neurons.
    """

    draws = 0

    def forward(self, output: Tensor, uniform: Tensor) -> Tensor:
        """output: float32 [n, 2, steps, pitches]"""
        logits, struck = output[:, :1], output[:, 1:]
        best = logits.amax(3, keepdim=True)
        # Of equal ones the lowest.
        first = (logits == best).to(output.dtype)
        first = first * (first.cumsum(3) < 1.5).to(output.dtype)
        chosen = first * (best > 0).to(output.dtype)
        strikes = (struck > 0).to(output.dtype)
        if self.training:
            share, sure = _shares(logits), struck.sigmoid()
            chosen, strikes = chosen + share - share.detach(), strikes + sure - sure.detach()
        return torch.cat([chosen, strikes], 1) * 2 - 1

    def draws_of(self, output: Tensor, sample: Tensor, uniform: Tensor) -> Tensor:
        """See Head: there are none."""
        return sample.flatten(1)[:, :0]

    def surprise(self, output: Tensor, real: Tensor) -> Tensor:
        """See Head: cross-entropy of the pitch or the rest, and of the strike where something sounds."""
        logits, sounds = output[:, :1].float(), (real[:, :1] + 1) / 2
        total = torch.logaddexp(logits.logsumexp(3, keepdim=True), torch.zeros_like(logits[..., :1]))
        # Of several notes at once each has its share; a rest stands in the first channel.
        count = sounds.sum(3, keepdim=True)
        of_pitch = (total - logits) * sounds / count.clamp(min=1)
        rest = functional.pad(total * (count < 0.5), (0, sounds.shape[3] - 1))
        strikes = functional.binary_cross_entropy_with_logits(
            output[:, 1:].float(), (real[:, 1:] + 1) / 2, reduction="none"
        )
        return torch.cat([of_pitch + rest, strikes * sounds], 1)


def _shares(logits: Tensor) -> Tensor:
    """Of each pitch, a rest having the logit 0: float32 [n, 1, steps, pitches]."""
    return functional.pad(logits, (0, 1)).softmax(3)[..., :-1]


@dataclass(frozen=True)
class Choices:
    """See training.data.kind.Tokens: at each step of one voice a rest, the note before held, or one that is struck."""

    steps: int
    pitches: int
    velocity: int
    held: int

    stop = None

    @property
    def sizes(self) -> Sequence[int]:
        return [_NOTES + self.pitches] * self.steps

    def encode(self, raw: Tensor) -> Tensor:
        """uint8 [n, steps, pitches] -> int64 [n, steps]; of several notes that are struck at once the highest."""
        both = encode(raw, self.held) > 0
        sounds, strikes = both[:, 0].any(2), both[:, 1]
        place = torch.arange(self.pitches, device=raw.device) + _NOTES
        note = torch.where(strikes, place, 0).amax(2)
        return torch.where(note > 0, note, torch.where(sounds, HOLD, REST))

    def decoder(self) -> nn.Module:
        return ChoicesDecoder(self)


class ChoicesDecoder(nn.Module):
    """int64 [n, steps] and float32 [n, steps] -> uint8 [n, steps, pitches]. What is held without a note is a rest."""

    earlier: Tensor
    number: Tensor

    def __init__(self, melody: Choices) -> None:
        super().__init__()
        self.melody = melody
        steps = torch.arange(melody.steps)
        self.register_buffer("earlier", (steps[:, None] >= steps[None]).float(), persistent=False)
        self.register_buffer("number", steps.float() + 1, persistent=False)

    def forward(self, tokens: Tensor, rest: Tensor) -> Tensor:
        # The last step up to each at which something is decided: a note, or that there is none.
        decided = (tokens != HOLD).float() * self.number
        last = (decided[:, None] * self.earlier).amax(2)
        # Before all of them there is a rest.
        told = functional.pad(tokens, (1, 0)).gather(1, last.long())
        pitch = torch.arange(self.melody.pitches, device=tokens.device) + _NOTES
        sounding = (told[:, :, None] == pitch).float()
        struck = sounding * (tokens != HOLD).float()[:, :, None]
        return (struck * self.melody.velocity + (sounding - struck) * self.melody.held).to(torch.uint8)


def is_melody(raw: np.ndarray) -> bool:
    """Whether one note sounds at a time, but for few steps: uint8 [n, steps, pitches(, tracks)]."""
    if raw.ndim > 3:
        return False
    several = sounding = 0
    for start in range(0, len(raw), _PAGE):
        counts = (raw[start : start + _PAGE] > 0).sum(2)
        several, sounding = several + int((counts > 1).sum()), sounding + int((counts > 0).sum())
    return several <= _SEVERAL * sounding
