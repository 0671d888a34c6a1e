"""Logistic regression over rows: the plain classifier beside gradient boosting."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from training.kinds.table.columns import Column
from training.kinds.table.space import category_numbers

_ITERATIONS = 1000
_WIDEST = 8.0  # deviations: a value further out counts as this far, so that one row does not turn the plane


class Logistic:
    """scikit-learn's, with its own settings; see training.data.kind.Pupil.

    Numbers in deviations from their mean, missing ones by the median and a mark; a category as one of as many marks,
    missing being one of them. All of it is learned from the rows that it is fitted on.
    """

    def __init__(self, columns: Sequence[Column], classes: int) -> None:
        self._columns, self._classes = tuple(columns), classes
        self._numeric = [number for number, column in enumerate(columns) if not column.categories]
        self._categories = [number for number, column in enumerate(columns) if column.categories]

    def fit(self, samples: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import OneHotEncoder

        numbers = samples[:, self._numeric].astype(np.float64)
        self._none = np.isnan(numbers).any(0)
        there = ~np.isnan(numbers).all(0)
        self._median = np.zeros(len(self._numeric))
        self._median[there] = np.nanmedian(numbers[:, there], axis=0)
        numbers = np.where(np.isnan(numbers), self._median, numbers)
        self._mean, deviation = numbers.mean(0), numbers.std(0)
        self._deviation = np.where(deviation > 0, deviation, 1.0)
        self._encoder = OneHotEncoder(handle_unknown="ignore")
        if self._categories:
            self._encoder.fit(self._codes(samples))
        self._seen = np.unique(labels)
        if len(self._seen) < 2:
            return
        self._model = LogisticRegression(max_iter=_ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # near enough: the validation split tells
            self._model.fit(self._features(samples), labels, sample_weight=weights)

    def predict_proba(self, samples: np.ndarray) -> np.ndarray:
        probabilities = np.zeros((len(samples), self._classes))
        probabilities[:, self._seen] = (
            1.0 if len(self._seen) < 2 else self._model.predict_proba(self._features(samples))
        )
        return probabilities

    def _codes(self, samples: np.ndarray) -> np.ndarray:
        codes = [category_numbers(samples[:, at], len(self._columns[at].categories)) for at in self._categories]
        return np.stack(codes, 1)

    def _features(self, samples: np.ndarray) -> np.ndarray:
        from scipy import sparse

        numbers = samples[:, self._numeric].astype(np.float64)
        none = np.isnan(numbers)
        scaled = (np.where(none, self._median, numbers) - self._mean) / self._deviation
        parts = [sparse.csr_matrix(np.clip(scaled, -_WIDEST, _WIDEST)), sparse.csr_matrix(none[:, self._none] * 1.0)]
        if self._categories:
            parts.append(self._encoder.transform(self._codes(samples)))
        return sparse.hstack(parts, format="csr")
