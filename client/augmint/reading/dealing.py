"""Which samples an epoch of a mixture has, and in which order: a function of seed, epoch and amounts alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augmint.reading.mixing import EPOCH_LIMIT, Advice, Amounts, Portion


def again(members: Sequence[np.ndarray], repeated: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """int64 [sum of repeated]: the real samples that come again in this epoch, class after class.

    Each sample of a class comes as often as the others or once more; who does so changes from epoch to epoch.
    members: per class, int64 [real samples]: their positions. repeated: int64 [classes], 0 where there are no members.
    """
    parts = [np.zeros(0, np.int64)]
    for number, (own, times) in enumerate(zip(members, repeated.tolist(), strict=True)):
        if not times:
            continue
        whole, rest = divmod(times, len(own))
        # Beyond all epochs, whose orders are seeded by (seed, epoch).
        turn = np.random.default_rng((seed, EPOCH_LIMIT + number)).permutation(own)
        parts += [np.tile(own, whole), turn[(epoch * rest + np.arange(rest)) % len(own)]]
    return np.concatenate(parts)


def pool(members: Sequence[np.ndarray], known: np.ndarray, number: int) -> np.ndarray:
    """int64: positions of the real samples that may be carried into a class: of the classes that have more of them than
    it has, or, where none has, of all others.

    members: per class, positions. known: bool [classes], whether the generator has the class.
    """
    others = [own for other, own in enumerate(members) if other != number and known[other]]
    more = [own for own in others if len(own) > len(members[number])]
    return np.sort(np.concatenate([np.zeros(0, np.int64), *(more or others)]))


def origins(
    members: Sequence[np.ndarray], known: np.ndarray, carried: np.ndarray, amounts: np.ndarray, seed: int, epoch: int
) -> np.ndarray:
    """int64 [sum of amounts]: the real sample that each synthetic one is made of, class after class; -1: it is drawn.

    Of a class every sample of the pool comes once before one comes again, epoch after epoch of the same amount.
    carried: bool [classes]. amounts: int64 [classes].
    """
    parts = [np.zeros(0, np.int64)]
    for number, (moves, amount) in enumerate(zip(carried.tolist(), amounts.tolist(), strict=True)):
        if not moves or not amount:
            parts.append(np.full(amount, -1))
            continue
        # Beyond all epochs, and beyond the classes whose own samples come again (`again`).
        turn = np.random.default_rng((seed, 2 * EPOCH_LIMIT + number, 1)).permutation(pool(members, known, number))
        parts.append(turn[(epoch * amount + np.arange(amount)) % len(turn)])
    return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class Epoch:
    """The samples of one epoch.

    number: from 0. portions: how many, by class.
    real:    int64 [real and repeated]: positions of real samples, each once and then those that come again.
    classes: int64 [synthetic]: the class of each synthetic sample, class after class.
    origins: int64 [synthetic]: the position of the real sample that each is made of; -1: it is drawn.
    order:   int64 [len], a permutation: places in `real` and, behind its end, in `classes`.
    """

    number: int
    portions: list[Portion]
    real: np.ndarray
    classes: np.ndarray
    origins: np.ndarray
    order: np.ndarray

    @classmethod
    def of(
        cls,
        number: int,
        seed: int,
        amounts: Amounts,
        members: Sequence[np.ndarray],
        labels: Sequence[str],
        advice: Sequence[Advice],
        known: np.ndarray | None = None,
    ) -> Epoch:
        """A function of its arguments alone. members: per class, int64 [real samples], their positions. known: bool
        [classes], whether the generator has each class; absent: it has all.
        """
        counts = np.array([len(own) for own in members])
        portions = amounts.plan(number, counts, labels, advice)
        repeats = again(members, np.array([portion.repeated for portion in portions]), seed, number)
        real = np.concatenate([np.arange(counts.sum()), repeats])
        amounts_made = np.array([portion.synthetic for portion in portions])
        classes = deal(amounts_made)
        carried = np.array([entry.carried for entry in advice])
        there = np.ones(len(members), bool) if known is None else known
        made_of = origins(members, there, carried, amounts_made, seed, number)
        return cls(number, portions, real, classes, made_of, shuffled(seed, number, len(real) + len(classes)))

    def __len__(self) -> int:
        return len(self.order)

    @property
    def synthetic(self) -> np.ndarray:
        """bool [len]."""
        return self.order >= len(self.real)

    def at(self, indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is at these places of the order.

        returns: bool [n], whether it is real; the real ones' positions in the data set; the synthetic ones' in
                 `classes`. Each in the order of `indices`.
        """
        chosen = self.order[np.asarray(indices, np.int64)]
        is_real = chosen < len(self.real)
        return is_real, self.real[chosen[is_real]], chosen[~is_real] - len(self.real)


def deal(amounts: np.ndarray) -> np.ndarray:
    """int64 [sum of amounts]: the class of each synthetic sample of an epoch, class after class."""
    return np.repeat(np.arange(len(amounts)), amounts)


def shuffled(seed: int, epoch: int, n: int) -> np.ndarray:
    """int64 [n]: the order of an epoch, a permutation that depends on seed and epoch alone."""
    return np.random.default_rng((seed, epoch)).permutation(n)
