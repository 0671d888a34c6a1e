"""Random tables: columns of all sorts and rows that keep to them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from training.kinds.table.columns import Column, Unit


def _numbers(random: np.random.Generator, sort: str, rows: int) -> np.ndarray:
    if sort == "normal":
        return random.normal(random.uniform(-1e3, 1e3), random.uniform(0.1, 1e3), rows)
    if sort == "heavy":
        return random.choice([-1.0, 1.0], rows, p=[0.1, 0.9]) * np.exp(random.normal(3, 2.5, rows))
    if sort == "mostly zero":
        return np.where(random.random(rows) < 0.9, 0.0, random.exponential(1000, rows))
    if sort == "two modes":
        return np.where(random.random(rows) < 0.3, random.normal(-50, 1, rows), random.normal(80, 5, rows))
    if sort == "few":
        return random.integers(-3, 4, rows) * 1.5
    if sort == "large":
        return random.integers(-(2**24) + 1, 2**24, rows)
    return np.full(rows, random.normal())  # constant


SORTS = ("normal", "heavy", "mostly zero", "two modes", "few", "large", "constant")


def column(random: np.random.Generator, name: str, sort: str, missing: bool, rows: int) -> tuple[Column, np.ndarray]:
    """A column and its values, float32 [rows], NaN where missing. sort: of SORTS, "category", "truth" or "date"."""
    if sort == "category":
        count = int(random.integers(1, 40))
        values = np.minimum(random.geometric(0.2, rows) - 1, count - 1).astype(np.float32)
        made = Column(name, tuple(f"c{number}" for number in range(count)), missing)
    elif sort == "truth":
        values = random.integers(0, 2, rows).astype(np.float32)
        made = Column(name, missing=missing, whole=True, minimum=0, maximum=1, unit=Unit.TRUTH)
    else:
        date = sort == "date"
        numbers = random.integers(-5000, 20000, rows) if date else _numbers(random, sort, rows)
        whole = date or sort == "large" or bool(random.random() < 0.4)
        decimals = None if whole or random.random() < 0.5 else int(random.integers(0, 3))
        rounded = np.round(numbers, 0 if whole else decimals) if whole or decimals is not None else numbers
        values = rounded.astype(np.float32)
        unit = Unit.DAYS if date else Unit.NUMBER
        least, most = float(values.min()), float(values.max())
        made = Column(name, (), missing, whole, least, most, decimals=decimals, unit=unit)
    if missing:
        values[random.random(rows) < 0.2] = np.nan
    return made, values


@st.composite
def tables(draw: st.DrawFn, rows: int = 300, most: int = 6) -> tuple[tuple[Column, ...], np.ndarray]:
    """Columns, and rows float32 [rows, columns]."""
    sorts = draw(st.lists(st.sampled_from([*SORTS, "category", "truth", "date"]), min_size=1, max_size=most))
    gaps = draw(st.lists(st.booleans(), min_size=len(sorts), max_size=len(sorts)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pairs = [
        column(random, f"x{number}", sort, gap, rows)
        for number, (sort, gap) in enumerate(zip(sorts, gaps, strict=True))
    ]
    return tuple(made for made, _ in pairs), np.stack([values for _, values in pairs], 1)


def keeps(columns: tuple[Column, ...], rows: np.ndarray) -> list[str]:
    """What in the rows, float32 [n, columns], the columns do not allow; empty if all is as they say."""
    wrong = []
    for made, values in zip(columns, rows.T, strict=True):
        present = values[~np.isnan(values)]
        if len(present) < len(values) and not made.missing:
            wrong.append(f"{made.name}: missing")
        if made.categories and not np.isin(present, np.arange(len(made.categories))).all():
            wrong.append(f"{made.name}: no category")
        if made.whole and (present != np.round(present)).any():
            wrong.append(f"{made.name}: not whole")
        if made.minimum is not None and (present < made.minimum).any():
            wrong.append(f"{made.name}: below {made.minimum}")
        if made.maximum is not None and (present > made.maximum).any():
            wrong.append(f"{made.name}: above {made.maximum}")
        if made.decimals is not None:
            written = np.round(present.astype(np.float64), made.decimals).astype(np.float32)
            if (present != written).any():
                wrong.append(f"{made.name}: more than {made.decimals} digits")
    return wrong
