"""Who may see what: generator and judge learn from train, choices are made on validation, test is for the card."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from augmint.v1 import generator_pb2 as pb
from training.data import Dataset

# Equal shares for validation and test: the card compares the two for its real-against-real floor.
TEST_SHARE = 0.15
VALIDATION_SHARE = 0.15
# Where the source has its own test split, the rest is mostly for training.
VALIDATION_SHARE_BESIDE_OFFICIAL_TEST = 0.1
# Most of validation, and of test: they tell an accuracy to within 0.7 points, and more of them teach better than they
# measure. A source's own test split may be larger.
MOST_HELD_OUT = 20_000
# Of each class in each split: a variance takes two.
FEWEST = 2


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """Positions in the data set, int64, ascending; no position is in two splits, and every one is in one."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def counts(self, dataset: Dataset) -> list[pb.SplitCounts]:
        """Samples per class and a digest of each split, for the provenance."""
        return [
            pb.SplitCounts(split=name, counts=dataset.counts(positions), digest=digest(positions))
            for name, positions in self._named()
        ]

    def _named(self) -> Iterator[tuple[str, np.ndarray]]:
        yield "train", self.train
        yield "validation", self.validation
        yield "test", self.test


def split(dataset: Dataset, seed: int = 0) -> Splits:
    """Divide every class in the same proportions; the source's own test split stays as it is, and groups whole.

    seed: any int; the same data set and seed give the same splits.
    Validation and test have MOST_HELD_OUT samples at most, a few more where there are very many classes.
    Every class is in every split, at least twice (a data set has at least 8 samples of each).
    """
    random = np.random.default_rng(seed)
    free = np.ones(len(dataset.labels), bool)
    if dataset.official_test is not None:
        free[dataset.official_test] = False
    test_share, validation_share = (
        (TEST_SHARE, VALIDATION_SHARE)
        if dataset.official_test is None
        else (0.0, VALIDATION_SHARE_BESIDE_OFFICIAL_TEST)
    )
    most = MOST_HELD_OUT / max(1, int(free.sum()))
    test_share, validation_share = min(test_share, most), min(validation_share, most)
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for label in range(dataset.classes):
        positions = random.permutation(np.flatnonzero(free & (dataset.labels == label)))
        held = max(FEWEST, round(test_share * len(positions))) if test_share else 0
        chosen = max(FEWEST, round(validation_share * len(positions)))
        if dataset.groups is not None:
            positions, held, chosen = _whole(positions, dataset.groups[positions], held, chosen)
        for part, piece in zip(parts, np.split(positions, [held, held + chosen]), strict=True):
            part.append(piece)
    test, validation, train = (np.sort(np.concatenate(part)) for part in parts)
    return Splits(train, validation, test if dataset.official_test is None else np.sort(dataset.official_test))


def _whole(positions: np.ndarray, groups: np.ndarray, held: int, chosen: int) -> tuple[np.ndarray, int, int]:
    """Positions with those of a group beside each other, and the nearest numbers of them at which no group is divided.

    positions: int64 [n], drawn; groups: int64 [n], theirs, eight or more. The largest groups are for training: one of
    them would be most of a small split, and of what it is to tell of the others.
    """
    names, first, sizes = np.unique(groups, return_index=True, return_counts=True)
    drawn = np.argsort(first)  # the order in which they were drawn
    large = sizes[drawn] > max(chosen, held, FEWEST) // 2
    # Half of them are small, whatever their sizes.
    least = -(-len(drawn) // 2)
    if (~large).sum() < least:
        large = np.argsort(np.argsort(sizes[drawn], kind="stable")) >= least
    small = int((~large).sum())
    drawn = np.concatenate([drawn[~large], drawn[large]])
    ends = np.cumsum(sizes[drawn])
    # Of nearly equal ones all are small, and some must be left for training.
    taken = _reach(ends, 0, held, small // 2) if held else 0
    more = _reach(ends, taken, chosen, min(small, len(drawn) - 1))
    place = np.argsort(drawn)[np.searchsorted(names, groups)]
    first_end, second_end = (int(ends[at - 1]) if at else 0 for at in (taken, more))
    return positions[np.argsort(place, kind="stable")], first_end, second_end - first_end


def _reach(ends: np.ndarray, taken: int, wanted: int, most: int) -> int:
    """How many groups there are when so many samples more are reached, nearest to it; at least FEWEST samples."""
    before = int(ends[taken - 1]) if taken else 0
    counts = ends[taken:most] - before
    enough = int(np.searchsorted(counts, FEWEST))
    at = max(enough, int(np.abs(counts - wanted).argmin()))
    return taken + min(at, len(counts) - 1) + 1


def digest(positions: np.ndarray) -> str:
    """Lower-case hexadecimal SHA-256 of the positions as little-endian uint64."""
    return hashlib.sha256(positions.astype("<u8").data).hexdigest()
