"""A labelled table with the split that everybody is judged on: the first rows to learn from, the rest to judge by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """train, test: rows as `conform` leaves them. label: column of the classes. numbers, categories: the other ones."""

    name: str
    train: pandas.DataFrame
    test: pandas.DataFrame
    label: str
    numbers: tuple[str, ...]
    categories: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All but the label."""
        return (*self.numbers, *self.categories)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(sorted(self.train[self.label].unique()))

    def conform(self, rows: pandas.DataFrame) -> pandas.DataFrame:
        """Rows of a generator in the types of this table: numbers float64, all else text, NaN where a value is missing.

        Raises ValueError, in one sentence, for rows of another table.
        """
        wanted = (*self.columns, self.label)
        if lacking := [name for name in wanted if name not in rows]:
            raise ValueError(f"the rows have no column {lacking[0]!r}; they have {', '.join(map(str, rows.columns))}")
        shaped = {}
        for name in wanted:
            column = rows[name].reset_index(drop=True)
            if name in self.numbers:
                try:
                    values = pandas.to_numeric(column).to_numpy(np.float64, na_value=np.nan)
                except (ValueError, TypeError) as error:
                    raise ValueError(f"column {name!r} is of numbers here, and of other values in the rows") from error
                # As exact as a float32 is, which a generator gives; else no row could be equal to a real one.
                shaped[name] = pandas.Series(values.astype(np.float32).astype(np.float64))
            else:
                shaped[name] = column.astype(object).map(str, na_action="ignore").where(column.notna(), np.nan)
        if shaped[self.label].isna().any():
            raise ValueError(f"column {self.label!r}, the label, has missing values")
        if len(self.train) and (unknown := set(shaped[self.label]) - set(self.classes)):
            raise ValueError(f"column {self.label!r} holds {min(unknown)!r}; the classes are {', '.join(self.classes)}")
        return pandas.DataFrame(shaped)

    def natural(self, rows: int) -> dict[str, int]:
        """How many of so many rows are of each class, as frequent as in the training rows; by the largest remainder."""
        counts = self.train[self.label].value_counts().sort_index()
        exact = counts * rows / len(self.train)
        wanted = np.floor(exact).astype(int)
        first = (exact - wanted).sort_values(ascending=False, kind="stable").index[: rows - int(wanted.sum())]
        wanted[first] += 1
        return {str(name): int(count) for name, count in wanted.items()}


def of(frame: pandas.DataFrame, label: str, train_rows: int, name: str = "table") -> Table:
    """The first `train_rows` rows to learn from, the others to judge by.

    Raises ValueError, in one sentence, where that leaves nothing to judge.
    """
    if label not in frame:
        raise ValueError(f"{name} has no column {label!r}; it has {', '.join(map(str, frame.columns))}")
    if not 0 < train_rows < len(frame):
        raise ValueError(f"{name} has {len(frame)} rows: {train_rows} to learn from leave none to judge, or are none")
    features = [column for column in frame if column != label]

    def number(column: str) -> bool:
        dtype = frame[column].dtype
        return pandas.api.types.is_numeric_dtype(dtype) and not pandas.api.types.is_bool_dtype(dtype)

    numbers = tuple(str(column) for column in features if number(column))
    categories = tuple(str(column) for column in features if not number(column))
    shape = Table(name, frame.iloc[:0], frame.iloc[:0], label, numbers, categories)
    whole = shape.conform(frame)
    train, test = whole.iloc[:train_rows], whole.iloc[train_rows:].reset_index(drop=True)
    if missed := sorted(set(train[label]) ^ set(test[label])):
        raise ValueError(f"class {missed[0]!r} of {name} is not on both sides of row {train_rows}")
    return Table(name, train, test, label, numbers, categories)


def read(path: Path, label: str, train_rows: int, missing: str = "?") -> Table:
    """A CSV file with a header, gzipped or not. missing: what stands for a missing value, beside nothing."""
    frame = pandas.read_csv(path, na_values=["", missing], keep_default_na=False, skipinitialspace=True)
    return of(frame, label, train_rows, path.name)
