"""SMOTE-NC (Chawla et al. 2002, arXiv:1106.1813, section 6.1), by imbalanced-learn: rows between rows of one class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.kinds.table.columns import Column

NEIGHBOURS = 5  # imbalanced-learn's own default


@dataclass(frozen=True)
class Smote:
    """New rows of each scarce class until it has `share` of what the largest has; see training.data.kind.Resampler.

    Missing values of the real rows are filled in for the new ones, numbers by the median and categories by the most
    frequent, both of the rows given; the real rows stay as they are. neighbours: fewer where a class has fewer.
    """

    columns: tuple[Column, ...]
    neighbours: int = NEIGHBOURS
    share: float = 1.0

    evens = True

    def resample(self, samples: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        present, counts = np.unique(labels, return_counts=True)
        target = round(self.share * counts.max())
        wanted = {int(label): target for label, count in zip(present, counts, strict=True) if count < target}
        if not wanted:
            return samples, labels
        filled = self._filled(samples)
        single = [int(np.flatnonzero(labels == label)[0]) for label, n in zip(present, counts, strict=True) if n == 1]
        # There is nothing between one row and itself, so a class of one row is repeated.
        given = np.concatenate([np.arange(len(labels)), single]).astype(np.int64)
        least = min(int((labels[given] == label).sum()) for label in wanted)
        sampler = self._sampler(min(self.neighbours, least - 1), wanted, seed)
        rows, classes = sampler.fit_resample(filled[given], labels[given])
        made, names = rows[len(given) :], classes[len(given) :]
        again = given[len(labels) :]
        return (
            np.concatenate([samples, filled[again].astype(samples.dtype), made.astype(samples.dtype)]),
            np.concatenate([labels, labels[again], names.astype(labels.dtype)]),
        )

    def _filled(self, samples: np.ndarray) -> np.ndarray:
        """Rows without a missing value, float64; where a column has no other, 0."""
        filled = samples.astype(np.float64)
        for values, column in zip(filled.T, self.columns, strict=True):
            if (none := np.isnan(values)).any():
                there = values[~none]
                if not len(there):
                    values[none] = 0.0
                elif column.categories:
                    values[none] = np.bincount(there.astype(np.int64)).argmax()
                else:
                    values[none] = np.median(there)
        return filled

    def _sampler(self, neighbours: int, wanted: dict[int, int], seed: int) -> Any:
        from imblearn import over_sampling  # half a second to import

        options = {"sampling_strategy": wanted, "k_neighbors": neighbours, "random_state": seed}
        categories = [number for number, column in enumerate(self.columns) if column.categories]
        if not categories:
            return over_sampling.SMOTE(**options)
        if len(categories) == len(self.columns):
            return over_sampling.SMOTEN(**options)
        return over_sampling.SMOTENC(categorical_features=categories, **options)

    def __str__(self) -> str:
        to = "" if self.share == 1 else f" to {self.share:g} of the largest class"
        return f"{self.neighbours} neighbours{to}"


def trials(columns: Sequence[Column]) -> list[Smote]:
    columns = tuple(columns)
    return [Smote(columns), Smote(columns, 2 * NEIGHBOURS), Smote(columns, share=0.5)]
