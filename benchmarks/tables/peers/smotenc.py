"""SMOTE-NC of imbalanced-learn (Chawla et al. 2002), five neighbours: made rows of every class, none of the real ones.

It needs every number; a missing category is one of its own. Whole numbers are rounded, as those are that it came from.
"""

from __future__ import annotations

import pandas
from imblearn.over_sampling import SMOTENC
from threadpoolctl import threadpool_limits

from benchmarks.tables.peers import program

MISSING = "\0missing"


def main() -> None:
    given = program.options(__doc__)

    def fit(train: pandas.DataFrame) -> tuple[program.Draw, str]:
        table = train.drop(columns=given.label)
        numbers = [name for name in table if pandas.api.types.is_numeric_dtype(table[name])]
        whole = [name for name in numbers if pandas.api.types.is_integer_dtype(table[name])]
        categories = [name for name in table if name not in numbers]
        table = table.astype(dict.fromkeys(numbers, "float64"))
        table[categories] = table[categories].astype(object).where(table[categories].notna(), MISSING)
        labels = train[given.label].astype(str)

        def draw(rows: int, seed: int) -> pandas.DataFrame:
            counts = labels.value_counts()
            # By the largest remainder, so that they sum up.
            exact = counts * rows / len(labels)
            wanted = exact.astype(int)
            wanted[(exact - wanted).sort_values(ascending=False).index[: rows - wanted.sum()]] += 1
            strategy = (counts + wanted).to_dict()
            # It looks for neighbours in a class, and leaves the real rows in front of those that it makes.
            with threadpool_limits(given.threads):
                found, classes = SMOTENC(
                    categories, sampling_strategy=strategy, random_state=seed, k_neighbors=5
                ).fit_resample(table, labels)
            made = found.iloc[len(table) :].reset_index(drop=True)
            made[categories] = made[categories].where(made[categories] != MISSING, None)
            made[whole] = made[whole].round().astype("int64")
            made[given.label] = classes.iloc[len(table) :].reset_index(drop=True)
            return made

        return draw, ""

    program.leave(given, fit)


if __name__ == "__main__":
    main()
