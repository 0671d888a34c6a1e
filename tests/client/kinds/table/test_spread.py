"""How columns are spread: every row is in a bar or missing, and bars say what is in them."""

import numpy as np
import pytest
from hypothesis import given

from augmint import kinds
from augmint.kinds.table.column import columns, typed
from augmint.v1 import generator_pb2 as pb
from tests.client.tables import tables


def spreads(samples):
    return kinds.of(samples.description).face.spreads(samples)


@given(made=tables())
def test_every_row_is_in_one_bar_or_missing(samples_of, made):
    samples = samples_of(*made)
    found = spreads(samples)
    assert [one.name for one in found] == [column.name for column in made[0].columns]
    for one, column, raw in zip(found, columns(samples.description), samples.array.T, strict=True):
        assert one.missing == int(np.isnan(raw).sum())
        assert sum(bar.count for bar in one.bars) + one.missing == len(samples)
        assert len(one.bars) <= 24
        if one.ordered and one.bars:
            values = [value for value in typed(column, raw).tolist() if value is not None]
            assert (one.bars[0].count, one.bars[-1].count) != (0, 0)
            assert len(set(values)) > 1 or len(one.bars) == 1


def one_column(samples_of, values, **spec):
    table = pb.TableSpec(columns=[pb.ColumnSpec(name="x", **spec)])
    (found,) = spreads(samples_of(table, np.array(values, np.float32)[:, None]))
    return found


def test_few_whole_numbers_have_a_bar_each(samples_of):
    found = one_column(samples_of, [3, 5, 5, 4, 8], integer=True)
    assert [(bar.name, bar.count) for bar in found.bars] == [
        ("3", 1),
        ("4", 1),
        ("5", 2),
        ("6", 0),
        ("7", 0),
        ("8", 1),
    ]
    assert found.told == "3 to 8, median 5"


def test_numbers_fall_into_ranges_of_equal_width(samples_of):
    found = one_column(samples_of, [0, 0.5, 23.5, 24], decimals=1)
    assert [bar.count for bar in found.bars] == [2, *[0] * 22, 2]
    assert (found.bars[0].name, found.bars[-1].name) == ("0 to 1", "23 to 24")


def test_whole_numbers_beyond_what_floats_hold_do_not_fail(samples_of):
    found = one_column(samples_of, [-(2.0**62), 0, 2.0**62], integer=True)
    assert sum(bar.count for bar in found.bars) == 3


@pytest.mark.parametrize(("integer", "first"), [(True, "2019-04-14"), (False, "2019-04-14 12:00:00")])
def test_dates_are_written_as_dates(samples_of, integer, first):
    values = [0, 100] if integer else [0.5, 100]
    found = one_column(samples_of, values, integer=integer, unit=pb.COLUMN_UNIT_DAYS, offset=18000)
    assert found.told.startswith(f"{first} to ")
    assert found.bars[0].name.startswith(first)


def test_the_most_frequent_categories_come_first_and_the_rest_together(samples_of):
    names = [f"c{number}" for number in range(12)]
    found = one_column(samples_of, [11, 11, 11, 2, 2, *range(12)], categories=names)
    assert [(bar.name, bar.count) for bar in found.bars[:3]] == [("c11", 4), ("c2", 3), ("c0", 1)]
    assert (found.bars[-1].name, found.bars[-1].count) == ("4 others", 4)
    assert not found.ordered


def test_truths_and_columns_of_nothing_are_told(samples_of):
    found = one_column(samples_of, [1, 0, 1], unit=pb.COLUMN_UNIT_TRUTH)
    assert [(bar.name, bar.count) for bar in found.bars] == [("true", 2), ("false", 1)]
    found = one_column(samples_of, [np.nan, np.nan], missing=True)
    assert (found.bars, found.missing) == ([], 2)
