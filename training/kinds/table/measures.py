"""What is measured of rows alone: how far each column, and each pair of columns, is from real rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from training.data.kind import Measurement
from training.kinds.table.associations import Associations
from training.kinds.table.columns import Column
from training.kinds.table.space import category_numbers

# Of a distance: a tenth of the rows would have to change for the column to be right. Of a sound model they are a tenth
# of that.
FAR = 0.1
_LEVEL = 0.025  # of all columns together, at the low end
_MOST_NAMED = 3


def measure(
    columns: Sequence[Column], made: np.ndarray, held: np.ndarray, train: np.ndarray
) -> tuple[Measurement, ...]:
    """float32 [n, columns] each, of the same classes in the same parts; held and made equally many."""
    own, real = distances(columns, made, train), distances(columns, held, train)
    worst = int(own.argmax())
    least = own - _reach(columns, made, train)
    far = [columns[number].name for number in np.argsort(-own, kind="stable") if least[number] > FAR]
    wrong = invalid(columns, made)
    share = float(wrong.any(1).mean())
    return (
        Measurement("distance of a column, median", float(np.median(own)), float(np.median(real))),
        Measurement(
            "distance of a column, worst",
            float(own[worst]),
            float(real.max()),
            columns[worst].name,
            limit=FAR,
            low=float(least.max()),
            advice=f"Look at {_listed(far)} in the report; train longer, or try another preset." if far else "",
        ),
        *(_correlations(columns, made, held, train) if len(columns) > 1 else ()),
        Measurement(
            "rows with a value that no real one can have",
            share,
            0.0,
            columns[int(wrong.mean(0).argmax())].name if share else "",
            limit=0.0,
            low=share,
            advice="The file is not what was exported, or there is an error in augmint: report it.",
        ),
        Measurement("different rows", different(made), different(held)),
    )


def distances(columns: Sequence[Column], first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How far each column's distributions are apart in two sets of rows, float64 [columns] in [0, 1].

    Categories: total variation, a missing one being one of them. Numbers: Kolmogorov and Smirnov's statistic, missing
    ones being below all others.
    """
    found = np.empty(len(columns))
    for number, column in enumerate(columns):
        one, other = first[:, number], second[:, number]
        if column.categories:
            shares = [_shares(values, len(column.categories)) for values in (one, other)]
            found[number] = np.abs(shares[0] - shares[1]).sum() / 2
        else:
            one, other = (np.sort(np.where(np.isnan(values), -np.inf, values)) for values in (one, other))
            at = np.unique(np.concatenate([one, other]))
            ranks = (np.searchsorted(values, at, "right") / len(values) for values in (one, other))
            found[number] = np.abs(np.subtract(*ranks)).max()
    return found


def invalid(columns: Sequence[Column], raw: np.ndarray) -> np.ndarray:
    """Which values no row of the schema can have, bool [n, columns]: a category that there is not, a number beyond the
    range or not whole, one that is missing where none may be."""
    found = np.isinf(raw)
    for number, column in enumerate(columns):
        values = raw[:, number]
        none = np.isnan(values)
        if column.categories:
            found[:, number] |= category_numbers(values, len(column.categories)) == len(column.categories)
        else:
            least, most = (
                -np.inf if column.minimum is None else column.minimum,
                np.inf if column.maximum is None else column.maximum,
            )
            with np.errstate(invalid="ignore"):
                found[:, number] |= (values < least) | (values > most)
                if column.whole:
                    found[:, number] |= ~none & (values != np.round(values))
        if not column.missing:
            found[:, number] |= none
    return found


def different(raw: np.ndarray) -> float:
    """Share of the rows that are left when of equal ones all but one are taken away."""
    plain = np.where(np.isnan(raw), np.float32(np.nan), raw + np.float32(0))  # one NaN, and no negative zero
    return len({row.tobytes() for row in plain}) / len(raw)


def _correlations(
    columns: Sequence[Column], made: np.ndarray, held: np.ndarray, train: np.ndarray
) -> tuple[Measurement, ...]:
    """Differences of what Associations measures, over all pairs of columns."""
    # Equally many rows of each: a strength that is 0 comes out the larger, the fewer rows there are.
    train = train[np.linspace(0, len(train) - 1, min(len(train), len(made))).round().astype(np.int64)]
    associations = Associations(columns, train)
    taken = associations.columns
    if len(taken) < 2:
        return ()
    wanted = associations.of(train)
    pairs = np.triu_indices(len(taken), 1)
    own, real = (np.abs(associations.of(rows) - wanted)[pairs] for rows in (made, held))
    worst = int(own.argmax())
    first, second = (taken[index[worst]].name for index in pairs)
    some = f"of the first {len(taken)} columns" if len(taken) < len(columns) else ""
    return (
        Measurement("difference of correlations, mean", float(own.mean()), float(real.mean()), some),
        Measurement("difference of correlations, worst", float(own[worst]), float(real.max()), f"{first}, {second}"),
    )


def _reach(columns: Sequence[Column], made: np.ndarray, train: np.ndarray) -> np.ndarray:
    """How much of a distance may be chance, for all columns at once: float64 [columns].

    Of numbers by Dvoretzky, Kiefer and Wolfowitz (Massart 1990). Of categories by McDiarmid (1989) around the mean
    distance of two samples of one distribution, which is not 0.
    """
    noise = 1 / len(made) + 1 / len(train)
    deviation = math.sqrt(noise * math.log(2 * len(columns) / _LEVEL) / 2)
    reach = np.full(len(columns), deviation)
    for number, column in enumerate(columns):
        if column.categories:
            shares = _shares(np.concatenate([made[:, number], train[:, number]]), len(column.categories))
            reach[number] += np.sqrt(shares * (1 - shares) * noise).sum() / math.sqrt(2 * math.pi)
    return reach


def _shares(values: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(category_numbers(values, count), minlength=count + 2) / len(values)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(repr, names[:_MOST_NAMED])) + more
