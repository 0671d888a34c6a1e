"""Coverage inside a class: whether all that its real samples show is among its synthetic ones.

A class can be recognised, vary and teach, and yet lack half of what it is: the slanted scratches, the bags with
handles. Over all classes that is lost in the mean. So every held-out real sample of the class gets a ball up to its
fifth nearest neighbour (Naeem et al. 2020), and the share of balls with a synthetic sample of the class inside is
compared with the share for real training samples in their place.

What counts as near is half what the judge sees and half how the sample looks: a judge that was trained to tell classes
apart forgets what differs inside one, and pixels alone are blind to what is small and matters. Balls shrink as samples
grow more, and so does coverage; so the held-out samples are taken in groups of about GROUP, whatever their number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from training.quality.measures.intervals import wilson
from training.quality.measures.neighbours import covered

GROUP = 100  # held-out samples whose balls are looked into at once
FEWEST = 20  # real samples, held out and of the training split, below which nothing is said
MOST_HELD_OUT = 500  # of a class
MOST_OTHERS = 500  # training samples, and synthetic ones, that those of a draw are taken from
DRAWS = 4  # of training and of synthetic samples for each group; what is reported is their mean


class Inside(NamedTuple):
    """How much of a class's held-out samples is covered, in [0, 1]."""

    coverage: float  # by synthetic samples
    low: float  # ends of its 95 % interval, over the choice of held-out samples
    high: float
    ceiling: float  # by as many real training samples
    samples: int  # held-out ones


def enough(held: int, train: int, made: int) -> bool:
    """Whether these numbers of held-out, training and synthetic samples of a class can tell anything."""
    return min(held, train, made) >= FEWEST


def inside(held: np.ndarray, train: np.ndarray, made: np.ndarray, seed: int) -> Inside:
    """Compare vectors of one class, float [n, d] each, all as `vectors` makes them; at least FEWEST of each.

    seed: of the grouping and of the draws.
    """
    random = np.random.default_rng(seed)
    held = held[random.permutation(len(held))[:MOST_HELD_OUT]]
    found = {"made": 0.0, "train": 0.0}
    for group in np.array_split(held, -(-len(held) // GROUP)):
        # As many of both, so that the two shares compare.
        count = min(len(group), len(train), len(made))
        for _ in range(DRAWS):
            for name, others in (("made", made), ("train", train)):
                some = others[random.permutation(len(others))[:count]]
                found[name] += float(covered(group, some).sum()) / DRAWS
    low, high = wilson(found["made"], len(held))
    return Inside(found["made"] / len(held), low, high, found["train"] / len(held), len(held))


def vectors(features: np.ndarray, looks: np.ndarray, real: np.ndarray) -> np.ndarray:
    """What is compared: the judge's features and how samples look, each of variance 1 over the real ones.

    features: float [n, d]; looks: float [n, e], from `Kind.compact`; real: bool [n]. All of one class.
    returns:  float64 [n, d + e].
    """
    parts = []
    for part in (features, looks):
        scale = part[real].var(0, dtype=np.float64).sum() ** 0.5
        parts.append(part.astype(np.float64) / max(scale, 1e-12))
    return np.concatenate(parts, axis=1)
