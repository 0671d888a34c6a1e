"""What one column may be: its values, or ranges of them found by a mixture, with single values that are frequent."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from training.kinds.table.columns import Column, Unit

FEW = 20  # different numbers; up to that many are choices, not a range
MODES = 10
LEAST_SHARE = 0.005  # of a mode, or of a single value
MASSES = 20
MASS = 4  # times as frequent as the values around it is a single value that stands out
HEAVY = 2.0  # skewness from which a logarithm is tried
# Values seen in training keep this distance from the ends of tanh, which it never reaches.
REACH = 0.9
_ROUNDING = 2.0**-25 * 1.01  # of a position in a range, float32 in [-1, 1]


@dataclass(frozen=True, slots=True)
class Options:
    """What a value of a column may be, float64 [k] each: ranges (or values) in ascending order, then single values.

    lows:    where each range begins; the first one holds all that is less. As many as there are ranges.
    centres: the middle of a range, or the value.
    scales:  a range reaches from centre - scale to centre + scale; of a value 0.
    units:   above 0: centre and scale are of sign(x) log(1 + |x| / unit); 0: of x itself.
    usual:   the option that stands in for a missing value where none are known to be missing.
    """

    lows: np.ndarray
    centres: np.ndarray
    scales: np.ndarray
    units: np.ndarray
    usual: int

    def __len__(self) -> int:
        return len(self.centres)


def fit(column: Column, values: np.ndarray, rows: int, seed: int) -> Options:
    """The options of a column by its values, float32 [n], NaN where missing; rows: that a mixture is fitted to."""
    present = values[~np.isnan(values)].astype(np.float64)
    if column.categories or column.unit == Unit.TRUTH:
        count = len(column.categories) or 2
        seen = np.bincount(present.astype(np.int64), minlength=count)
        return _values(np.arange(count, dtype=np.float64), seen)
    distinct, counts = np.unique(present, return_counts=True)
    if not len(distinct):
        return _values(np.zeros(1), np.ones(1))
    if len(distinct) <= FEW:
        return _values(distinct, counts)
    masses = _masses(distinct, counts)
    rest, often = np.delete(distinct, masses), np.delete(counts, masses)
    if len(rest) <= 1:
        return _values(distinct, counts)
    return _ranges(column, rest, often, distinct[masses], counts[masses], rows, seed)


def _values(values: np.ndarray, counts: np.ndarray) -> Options:
    lows = np.concatenate([[-np.inf], (values[1:] + values[:-1]) / 2])
    nothing = np.zeros(len(values))
    return Options(lows, values, nothing, nothing, int(np.argmax(counts)))


def _masses(distinct: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Positions of the values that stand out of those around them."""
    around = np.array([np.median(counts[max(0, at - 5) : at + 6]) for at in range(len(counts))])
    out = (counts >= LEAST_SHARE * counts.sum()) & (counts >= MASS * around)
    found = np.flatnonzero(out)
    return np.sort(found[np.argsort(-counts[found], kind="stable")][:MASSES])


def _ranges(
    column: Column,
    rest: np.ndarray,
    counts: np.ndarray,
    masses: np.ndarray,
    mass_counts: np.ndarray,
    rows: int,
    seed: int,
) -> Options:
    random = np.random.default_rng(seed)
    unit = _unit(rest, counts)
    total = int(counts.sum())
    drawn = np.repeat(rest, counts) if total <= rows else random.choice(rest, rows, p=counts / total)
    starts = _starts(_folded(rest, unit), counts, _folded(drawn, unit), seed)
    lo, hi = rest[starts].copy(), rest[np.append(starts[1:], len(rest)) - 1].copy()
    # The sample that this is learned from need not hold the least and the greatest.
    lo[0] = min(lo[0], lo[0] if column.minimum is None else column.minimum)
    hi[-1] = max(hi[-1], hi[-1] if column.maximum is None else column.maximum)
    lows = np.concatenate([[-np.inf], (hi[:-1] + lo[1:]) / 2])
    units = np.where(_exact(column, lo, hi, unit), unit, 0.0)
    ends = np.stack([_folded(lo, units), _folded(hi, units)])
    nothing = np.zeros(len(masses))
    sizes = np.append(np.add.reduceat(counts, starts), mass_counts)
    return Options(
        lows,
        np.append(ends.mean(0), masses),
        np.append((ends[1] - ends[0]) / 2 / REACH, nothing),
        np.append(units, nothing),
        int(np.argmax(sizes)),
    )


def _unit(values: np.ndarray, counts: np.ndarray) -> float:
    """Of the signed logarithm that makes a heavy tail light; 0: there is none."""
    unit = float(np.median(np.abs(values[values != 0]))) if np.any(values) else 0.0
    if not unit:
        return 0.0
    skew = abs(_skewness(values, counts))
    return unit if skew > HEAVY and abs(_skewness(_folded(values, unit), counts)) < skew / 2 else 0.0


def _skewness(values: np.ndarray, counts: np.ndarray) -> float:
    centred = values - np.average(values, weights=counts)
    deviation = np.sqrt(np.average(centred**2, weights=counts))
    return float(np.average((centred / deviation) ** 3, weights=counts)) if deviation else 0.0


def _folded(values: np.ndarray, unit: float | np.ndarray) -> np.ndarray:
    safe = np.where(np.asarray(unit) > 0, unit, 1.0)
    return np.where(np.asarray(unit) > 0, np.sign(values) * np.log1p(np.abs(values) / safe), values)


def _starts(sorted_values: np.ndarray, counts: np.ndarray, drawn: np.ndarray, seed: int) -> np.ndarray:
    """Where ranges begin among ascending values: where the likeliest mode of a mixture changes."""
    # Half a second to import, and only numbers of tables need it.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture

    middle, deviation = drawn.mean(), drawn.std() or 1.0
    scaled = ((drawn - middle) / deviation)[:, None]
    mixture = BayesianGaussianMixture(
        n_components=min(MODES, len(np.unique(scaled))),
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=0.001,
        random_state=seed % 2**32,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(scaled)
    used = np.flatnonzero(mixture.weights_ >= LEAST_SHARE)
    place = ((sorted_values - middle) / deviation)[:, None]
    spread = np.sqrt(mixture.covariances_[used, 0, 0])
    fit = np.log(mixture.weights_[used] / spread) - ((place - mixture.means_[used, 0]) / spread) ** 2 / 2
    mode = fit.argmax(1)
    starts = [0, *(np.flatnonzero(np.diff(mode)) + 1)]
    total = counts.sum()
    # A wide mode may lie on both sides of a narrow one; slivers join the nearer neighbour.
    while len(starts) > 1:
        sizes = np.add.reduceat(counts, starts)
        least = int(sizes.argmin())
        if sizes[least] >= LEAST_SHARE * total:
            break
        before = sorted_values[starts[least]] - sorted_values[starts[least] - 1] if least else np.inf
        end = starts[least + 1] if least + 1 < len(starts) else None
        after = np.inf if end is None else sorted_values[end] - sorted_values[end - 1]
        del starts[least if before <= after else least + 1]
    return np.array(starts)


def _exact(column: Column, lo: np.ndarray, hi: np.ndarray, unit: float) -> np.ndarray:
    """Whether a position in the logarithm of each range tells neighbouring numbers apart, as the column writes them."""
    if not unit or (not column.whole and column.decimals is None):
        return np.full(len(lo), unit > 0)
    step = 10.0 ** -(0 if column.whole else column.decimals or 0)
    scale = (_folded(hi, unit) - _folded(lo, unit)) / 2 / REACH
    return scale * _ROUNDING * (np.maximum(np.abs(lo), np.abs(hi)) + unit) < step / 2
