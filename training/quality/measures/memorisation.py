"""Whether samples are copies: how near they are to single training samples, against what chance would give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augmint.v1 import generator_pb2 as pb
from training.data import Dataset, Samples
from training.data.kind import Kind
from training.data.splits import Splits
from training.quality.measures.intervals import wilson

PERCENTILE = 0.05
# Samples to compare, over all classes: a share is then known to about one in a hundred.
SAMPLES = 2000
# Held-out samples of a class that are the yardstick for the distance to the training split.
_YARDSTICK = 500
_BLOCK = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Synthetic samples beside their nearest training samples of the same class; arrays have the shape [n]."""

    labels: np.ndarray  # int64, the class asked for
    nearest: np.ndarray  # int64, position in the data set of the nearest training sample of the class
    distance: np.ndarray  # float64, to it
    typical: np.ndarray  # float64, median over held-out real samples of the class of the same distance
    limit: np.ndarray  # float64, the PERCENTILE of it
    nearer: np.ndarray  # float64, 1 if that one is nearer than every held-out one, 0 if not; if equal, chance
    chance: np.ndarray  # float64, what `nearer` is on average for a generator that knows the distribution only
    real: np.ndarray  # int64, real samples of the class, training and held-out
    owner: np.ndarray  # int64, position in the data set of the nearest real sample, training or held-out
    exact: np.ndarray  # bool, equal to a training sample in every element
    held_exact: np.ndarray  # float64, share of the class's held-out real samples that are

    def summary(self, label: int | None = None) -> pb.Memorisation:
        """Of one class, or of all."""
        chosen = self.labels >= 0 if label is None else self.labels == label
        low, high = self._interval(chosen)
        real, train = self._real_samples(chosen)
        return pb.Memorisation(
            share=float((self.distance < self.limit)[chosen].mean()),
            percentile=PERCENTILE,
            distance_ratio=float(np.median(self._ratio()[chosen])),
            nearer_share=even(float(self.nearer[chosen].mean()), float(self.chance[chosen].mean())),
            nearer_deviations=self._deviations(chosen),
            nearer_low=low,
            nearer_high=high,
            exact_copies=int(self.exact[chosen].sum()),
            samples=len(self.distance[chosen]),
            train_samples=train,
            held_out_samples=real - train,
            held_out_exact_share=float(self.held_exact[chosen].mean()),
        )

    def worst(self, count: int) -> np.ndarray:
        """Numbers of the samples that are nearest to a training sample for their class, nearest first: int64."""
        return np.argsort(self._ratio(), kind="stable")[:count]

    def _interval(self, chosen: np.ndarray) -> tuple[float, float]:
        """95 % interval of `nearer_share`, over which of the real samples happened to be held out.

        What repeats is not the synthetic sample but the real one that it is nearest to: it was held out or it was not,
        and all synthetic samples around it follow. So the share is known as if from as many samples as real ones own
        equal parts (Kish 1965: the square of the sum over the sum of squares), at most one for each real sample. All
        samples of a class with 8 training and 4 held-out samples may be nearer to training samples, and the interval
        still reaches down to what chance would give.
        """
        owned = np.unique(self.owner[chosen], return_counts=True)[1].astype(np.float64)
        count = float(owned.sum() ** 2 / (owned**2).sum())
        low, high = wilson(float(self.nearer[chosen].mean()) * count, count)
        chance = float(self.chance[chosen].mean())
        return even(low, chance), even(high, chance)

    def _real_samples(self, chosen: np.ndarray) -> tuple[int, int]:
        """Of the chosen samples' classes: all, and those of the training split."""
        _, first = np.unique(self.labels[chosen], return_index=True)
        real, chance = self.real[chosen][first], self.chance[chosen][first]
        return int(real.sum()), int(np.rint(real * chance).sum())

    def _deviations(self, chosen: np.ndarray) -> float:
        """How far the number of `nearer` samples is from chance, in its standard deviations.

        Chance is that a class's real samples had been divided between training and held-out in another way: each takes
        along the synthetic samples that it is nearest to, so that a few hubs make the number vary a lot.
        """
        excess, variance = 0.0, 0.0
        for label in np.unique(self.labels[chosen]):
            members = self.labels == label
            chance, real = float(self.chance[members][0]), int(self.real[members][0])
            owned = np.zeros(real)
            counts = np.unique(self.owner[members], return_counts=True)[1]
            owned[: len(counts)] = counts
            excess += float((self.nearer - self.chance)[members].sum())
            variance += real * chance * (1 - chance) * float(owned.var(ddof=1))
        return excess / max(variance, 1e-12) ** 0.5

    def _ratio(self) -> np.ndarray:
        # Where held-out samples equal training samples (constant data), any distance is far.
        return self.distance / np.maximum(self.typical, 1e-9)


def compare(samples: np.ndarray, labels: np.ndarray, dataset: Dataset, splits: Splits, seed: int = 0) -> Neighbours:
    """Look for the nearest training sample, and the nearest held-out one, of every synthetic sample.

    samples: raw, [n, *shape]; labels: int64 [n], every class at least once.
    seed:    of the choice of real samples.

    Held out are validation and test split together: the generator has seen neither. A generator that knows only the
    distribution has its nearest real sample in either by chance, in proportion to their sizes. That comparison is fair
    to samples that are smoother than real ones, which are near to everything.
    """
    random = np.random.default_rng(seed)
    n, kind = len(samples), dataset.kind
    nearest, real, owner = (np.empty(n, np.int64) for _ in range(3))
    exact = np.empty(n, bool)
    distance, typical, limit, nearer, chance, held_exact = (np.empty(n, np.float64) for _ in range(6))
    held_out = np.concatenate([splits.validation, splits.test])
    for label in range(dataset.classes):
        members = np.flatnonzero(labels == label)
        made = kind.compact(samples[members])
        train = splits.train[dataset.labels[splits.train] == label]
        held = random.permutation(held_out[dataset.labels[held_out] == label])
        held_samples = dataset.part(held)
        # Both at once: the training samples may be on disk, and more than memory holds.
        yard = kind.compact(held_samples[:_YARDSTICK])
        distances, where = nearest_of(kind, dataset.part(train), np.concatenate([made, yard]))
        distance[members], yard_distance = np.split(distances, [len(made)])
        nearest[members] = train[where[: len(made)]]
        held_distance, held_where = nearest_of(kind, held_samples, made)
        owner[members] = np.where(distance[members] <= held_distance, nearest[members], held[held_where])
        real[members] = len(train) + len(held)
        chance[members] = len(train) / (len(train) + len(held))
        nearer[members] = np.where(
            distance[members] == held_distance, chance[members], distance[members] < held_distance
        )
        typical[members], limit[members] = np.median(yard_distance), np.quantile(yard_distance, PERCENTILE)
        exact[members] = _equal(samples[members], dataset.samples[nearest[members]])
        held_exact[members] = _equal(dataset.samples[train[where[len(made) :]]], held_samples[:_YARDSTICK]).mean()
    return Neighbours(labels, nearest, distance, typical, limit, nearer, chance, real, owner, exact, held_exact)


def even(share: float, chance: float) -> float:
    """A share that is `chance` by chance, as it would be if chance were one half: the odds, corrected."""
    odds = share * (1 - chance)
    return odds / (odds + (1 - share) * chance)


def nearest_of(kind: Kind, among: Samples, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(distance float64 [n], position int64 [n]) of the nearest of `among`, raw samples, for each compact point."""
    # Relative to the middle and in float64, so that products tell distances apart.
    middle = points.mean(0, dtype=np.float64)
    centred = points - middle
    least, position = np.full(len(points), np.inf), np.zeros(len(points), np.int64)
    distance, rows = np.full(len(points), np.inf), np.arange(len(points))
    for start in range(0, len(among), _BLOCK):
        block = kind.compact(among[start : start + _BLOCK]) - middle
        # Half the squared distance, less what is the point's alone.
        found = (block**2).sum(1) / 2 - centred @ block.T
        where = found.argmin(1)
        nearer = np.flatnonzero(found[rows, where] < least)
        least[nearer], position[nearer] = found[nearer, where[nearer]], start + where[nearer]
        # Again from the differences: of equal samples exactly 0.
        distance[nearer] = np.linalg.norm(centred[nearer] - block[where[nearer]], axis=1)
    return distance, position


def _equal(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Which samples are equal in every element: bool [n]."""
    # By bytes: of numbers that stand for nothing, NaN, no two would be equal.
    return np.array([one.tobytes() == other.tobytes() for one, other in zip(first, second, strict=True)], bool)
