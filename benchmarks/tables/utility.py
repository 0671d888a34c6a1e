"""What can be learned from made rows: classifiers that saw nothing else, judged on real ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from benchmarks.tables.table import Table

RESAMPLED = 300
MOST_CATEGORIES = 255
MEASURES = ("macro-F1", "balanced accuracy", "AUC")


class Score(NamedTuple):
    """The mean over draws, and the ends of its 95 % interval over draws and test rows."""

    value: float
    low: float
    high: float


def boosting(table: Table, seed: int) -> object:
    """scikit-learn's, as it comes, with early stopping on a tenth of what it learns from.

    Categories as such, but for columns of more than it takes: there they are numbers.
    """
    known = _known(table)
    codes = OrdinalEncoder(
        categories=known, handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan
    )
    columns = ColumnTransformer([("numbers", "passthrough", table.numbers), ("categories", codes, table.categories)])
    categories = [False] * len(table.numbers) + [len(each) <= MOST_CATEGORIES for each in known]
    return make_pipeline(
        columns,
        HistGradientBoostingClassifier(categorical_features=categories, early_stopping=True, random_state=seed),
    )


def logistic(table: Table, seed: int) -> object:
    """Numbers of deviation 1, categories as one-hot, missing ones marked; C = 1."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    codes = OneHotEncoder(categories=_known(table), handle_unknown="ignore")
    columns = ColumnTransformer([("numbers", numbers, table.numbers), ("categories", codes, table.categories)])
    return make_pipeline(columns, LogisticRegression(max_iter=1000, random_state=seed))


CLASSIFIERS: dict[str, Callable[[Table, int], object]] = {
    "GB": boosting,
    "LR": logistic,
}


def _known(table: Table) -> list[np.ndarray]:
    """Categories of the training rows, the same whatever a classifier learns from; NaN last, if there is one."""
    found = []
    for name in table.categories:
        values = sorted(table.train[name].dropna().unique())
        found.append(np.array([*values, np.nan] if table.train[name].isna().any() else values, object))
    return found


def probabilities(table: Table, rows: pandas.DataFrame, make: Callable[[Table, int], object], seed: int) -> np.ndarray:
    """Learn from rows, answer for the test rows: float64 [test rows, classes].

    A class that no row has gets probability 0; where rows have one class only, that is the answer.
    """
    answers = np.zeros((len(table.test), len(table.classes)))
    there = sorted(rows[table.label].unique())
    places = [table.classes.index(name) for name in there]
    if len(there) == 1:
        answers[:, places] = 1
        return answers
    model = make(table, seed)
    model.fit(rows[list(table.columns)], rows[table.label])  # type: ignore[attr-defined]
    answers[:, places] = model.predict_proba(table.test[list(table.columns)])  # type: ignore[attr-defined]
    return answers


def measures(truth: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """MEASURES of one classifier, float64 [3]; its answer is the most probable class.

    truth: int [n]; answers: float [n, classes]; weights: float [n]. AUC is the mean over classes, one against the rest.
    """
    classes = answers.shape[1]
    told = answers.argmax(1)
    counts = np.bincount(truth * classes + told, weights, minlength=classes**2).reshape(classes, classes)
    right = counts.diagonal()
    f1 = 2 * right / np.maximum(counts.sum(0) + counts.sum(1), 1e-12)
    recall = right / np.maximum(counts.sum(1), 1e-12)
    # Of two classes the second says all.
    areas = [_area(truth == one, answers[:, one], weights) for one in range(1 if classes == 2 else 0, classes)]
    return np.array([f1.mean(), recall.mean(), np.mean(areas)])


def _area(positive: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(scores)
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    sums = [np.add.reduceat((weights * chosen)[order], starts) for chosen in (positive, ~positive)]
    below = np.cumsum(sums[1]) - sums[1] / 2
    total = sums[0].sum() * sums[1].sum()
    return float((sums[0] * below).sum() / total) if total else 0.5


def score(truth: np.ndarray, answers: Sequence[np.ndarray], seed: int = 0) -> dict[str, Score]:
    """Of each of MEASURES the mean over draws; its interval is the bootstrap's, over draws and test rows.

    truth: int [n]; answers: float [n, classes] of the classifier of each draw.
    """
    everyone = np.ones(len(truth))
    value = np.mean([measures(truth, each, everyone) for each in answers], axis=0)
    random = np.random.default_rng(seed)
    found = []
    for _ in range(RESAMPLED):
        weights = np.bincount(random.integers(len(truth), size=len(truth)), minlength=len(truth)).astype(np.float64)
        chosen, times = np.unique(random.integers(len(answers), size=len(answers)), return_counts=True)
        each = [measures(truth, answers[number], weights) for number in chosen]
        found.append(np.average(each, axis=0, weights=times))
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return {name: Score(*map(float, three)) for name, *three in zip(MEASURES, value, low, high, strict=True)}


def judge(table: Table, draws: Sequence[pandas.DataFrame]) -> dict[str, dict[str, Score]]:
    """By classifier and measure: one classifier learns from each draw, with the draw's number for its seed."""
    truth = np.array([table.classes.index(name) for name in table.test[table.label]])
    return {
        name: score(truth, [probabilities(table, rows, make, seed) for seed, rows in enumerate(draws)])
        for name, make in CLASSIFIERS.items()
    }
