"""Transposition: what a piece may be without being another, for discriminators and for classifiers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.kinds.music import form, rolls

REACH = 5  # semitones either way: with it every key is reached


class Transposition:
    """See training.data.kind.Augmentation: each sample higher or lower, as far as the range of pitches goes."""

    def __init__(self, held: int) -> None:
        self._held = held

    def apply(self, samples: Tensor, probability: float, random: torch.Generator) -> Tensor:
        """samples: float32 [n, channels, steps, pitches] in [-1, 1]."""
        if probability <= 0:
            return samples
        n, device = len(samples), samples.device
        chosen = torch.rand(n, generator=random, device=device) < probability
        by = torch.randint(-REACH, REACH + 1, (n,), generator=random, device=device)
        return moved(samples, by * chosen)

    def properties(self, raw: np.ndarray) -> np.ndarray:
        """The mean pitch of the notes, from the lowest one of the range: float64 [n, 1]."""
        found = rolls.find(raw, self._held)
        count = np.bincount(found.sample, minlength=len(raw))
        return (np.bincount(found.sample, found.pitch, len(raw)) / np.maximum(count, 1))[:, None]

    def unseen(self, form: tuple[int, ...]) -> np.ndarray:
        """A quarter of a semitone."""
        return np.array([0.25])


def moved(samples: Tensor, by: Tensor) -> Tensor:
    """Each of [n, channels, steps, pitches] higher by so many semitones, but none out of the range: int64 [n]."""
    pitches = samples.shape[3]
    used = (samples > 0).flatten(1, 2).any(1)
    place = torch.arange(pitches, device=samples.device)
    room_below = torch.where(used, place, pitches).amin(1)
    room_above = pitches - 1 - torch.where(used, place, -1).amax(1)
    # Where nothing sounds there is room for anything.
    by = torch.minimum(torch.maximum(by, -room_below), room_above)
    source = place[None] - by[:, None]
    inside = (source >= 0) & (source < pitches)
    index = source.clamp(0, pitches - 1)[:, None, None].expand_as(samples)
    return torch.where(inside[:, None, None], samples.gather(3, index), -1.0)


@dataclass(frozen=True, slots=True)
class Transposed:
    """A recipe: samples higher or lower by up to so many semitones."""

    held: int
    reach: int = REACH

    def vary(self, raw: Tensor) -> Tensor:
        """uint8 [n, steps, pitches(, tracks)] -> varied float32 [n, channels, steps, pitches]."""
        by = torch.randint(-self.reach, self.reach + 1, (len(raw),), device=raw.device)
        return moved(form.encode(raw, self.held), by)

    def __str__(self) -> str:
        return f"transposition {self.reach}"
