"""Ranges of columns, as rows for training have them."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.subset import Subset
from training.kinds.table import space
from training.kinds.table.columns import Column

_COLUMNS = (Column("age", missing=True, whole=True), Column("sex", ("f", "m")), Column("weight"))


@pytest.mark.parametrize("on_disk", [False, True])
def test_ranges_are_of_the_numbers_that_are_there(on_disk: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "_BLOCK", 2)
    raw = np.array([[3, 1, 0.5], [np.nan, 0, -1.5], [-7, np.nan, 2.25], [np.nan, 0, 0], [9, 1, 0]], np.float32)
    samples = Subset(raw, np.arange(4)) if on_disk else raw[:4]
    age, sex, weight = space.ranges(_COLUMNS, samples)
    assert (age.minimum, age.maximum) == (-7, 3)
    assert sex == _COLUMNS[1]
    assert (weight.minimum, weight.maximum) == (-1.5, 2.25)


def test_a_column_without_a_number_keeps_the_range_it_had() -> None:
    raw = np.full((3, 1), np.nan, np.float32)
    assert space.ranges([Column("empty", missing=True)], raw) == (Column("empty", missing=True),)
