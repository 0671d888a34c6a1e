"""A small table with a known law: two numbers, two categories with missing values, two classes."""

import numpy as np
import pandas

from benchmarks.tables import table


def rows(count, seed):
    """The class depends on `age` and `job`; `pay` on `age`; `town` on nothing."""
    random = np.random.default_rng(seed)
    age = random.integers(17, 90, count)
    job = random.choice(["clerk", "smith", "nurse"], count, p=[0.5, 0.3, 0.2])
    pay = age * 10 + random.normal(0, 50, count)
    town = np.where(random.random(count) < 0.1, None, random.choice(list("abcdef"), count))
    rich = random.random(count) < 1 / (1 + np.exp(-(age - 60) / 8 - (job == "smith")))
    label = np.where(rich, "rich", "poor")
    return pandas.DataFrame({"age": age, "job": job, "pay": pay, "town": town, "class": label})


def of(train=600, test=600, seed=0):
    return table.of(rows(train + test, seed), "class", train)


def independent(data, count, seed=1):
    """Other rows of the same law, in the table's types."""
    return data.conform(rows(count, seed))


def copying(train, label):
    """A generator that gives the rows that it learned from, in another order."""
    return lambda count, seed: train.sample(count, random_state=seed)


def failing(train, label):
    """A generator of another table."""
    return lambda count, seed: train.drop(columns="pay")
