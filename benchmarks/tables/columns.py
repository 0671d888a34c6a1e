"""How far the columns of made rows are from those of real ones, one by one and in pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pandas


def distances(real: pandas.DataFrame, made: pandas.DataFrame, numbers: Sequence[str]) -> dict[str, float]:
    """Of each column of `real`, in [0, 1]: Kolmogorov-Smirnov for the numbers, total variation for all others.

    A missing value is a category of its own, or a number above all.
    """
    return {
        str(name): kolmogorov_smirnov(real[name].to_numpy(), made[name].to_numpy())
        if name in numbers
        else total_variation(real[name], made[name])
        for name in real
    }


def kolmogorov_smirnov(first: np.ndarray, second: np.ndarray) -> float:
    """The greatest difference of the two distribution functions; NaN counts as a number above all."""
    first, second = (np.sort(np.where(np.isnan(each), np.inf, each)) for each in (first, second))
    every = np.concatenate([first, second])
    shares = [np.searchsorted(each, every, side="right") / len(each) for each in (first, second)]
    return float(np.abs(shares[0] - shares[1]).max())


def total_variation(first: pandas.Series, second: pandas.Series) -> float:
    """Half the sum of the differences of all categories' shares; missing values are one of them."""
    shares = [each.value_counts(normalize=True, dropna=False) for each in (first, second)]
    return float(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)


def associations(rows: pandas.DataFrame, numbers: Sequence[str]) -> dict[tuple[str, str], float]:
    """Of each pair of columns: Pearson's correlation, in [-1, 1], of two numbers; Cramer's V of two categories and the
    correlation ratio of one of each, in [0, 1]. 0 where a column is constant.

    A missing category is one of its own; rows whose number is missing are left out of that number's pairs.
    """
    return dict(_associations(rows, set(numbers)))


def _associations(rows: pandas.DataFrame, numbers: set[str]) -> Iterator[tuple[tuple[str, str], float]]:
    values = {
        str(name): rows[name].to_numpy(np.float64)
        if name in numbers
        else pandas.factorize(rows[name], use_na_sentinel=False)[0]
        for name in rows
    }
    for first, second in combinations(values, 2):
        there = ~np.isnan(values[first]) & ~np.isnan(values[second])
        one, other = values[first][there], values[second][there]
        if first in numbers and second in numbers:
            yield (first, second), pearson(one, other)
        elif first in numbers:
            yield (first, second), correlation_ratio(other, one)
        elif second in numbers:
            yield (first, second), correlation_ratio(one, other)
        else:
            yield (first, second), cramers_v(one, other)


def pearson(first: np.ndarray, second: np.ndarray) -> float:
    if len(first) == 0 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def correlation_ratio(codes: np.ndarray, values: np.ndarray) -> float:
    """The root of the share of the variance that lies between the categories; codes: int [n], from 0."""
    if len(values) == 0 or np.ptp(values) == 0:
        return 0.0
    counts = np.bincount(codes)
    sums = np.bincount(codes, weights=values - values.mean())
    there = counts > 0
    between = float((sums[there] ** 2 / counts[there]).sum())
    return float((between / ((values - values.mean()) ** 2).sum()) ** 0.5)


def cramers_v(first: np.ndarray, second: np.ndarray) -> float:
    """Of two arrays of codes, int [n], from 0; without a correction for small samples."""
    if len(first) == 0:
        return 0.0
    width = int(second.max()) + 1
    counts = np.bincount(first * width + second, minlength=(int(first.max()) + 1) * width).reshape(-1, width)
    counts = counts[counts.sum(1) > 0][:, counts.sum(0) > 0]
    least = min(counts.shape) - 1
    if least == 0:
        return 0.0
    expected = counts.sum(1, keepdims=True) * counts.sum(0, keepdims=True) / counts.sum()
    return float((((counts - expected) ** 2 / expected).sum() / counts.sum() / least) ** 0.5)


def association_differences(
    real: pandas.DataFrame, made: pandas.DataFrame, numbers: Sequence[str]
) -> dict[tuple[str, str], float]:
    """Of each pair of columns of `real`: how far its association is off in the made rows."""
    wanted = associations(real, numbers)
    found = associations(made[list(real)], numbers)
    return {pair: abs(found[pair] - value) for pair, value in wanted.items()}
