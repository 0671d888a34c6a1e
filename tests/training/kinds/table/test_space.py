"""Rows as points: what is equal is at one place, what differs is apart, and no column outweighs the others."""

import numpy as np
import pytest
from hypothesis import given, settings

from tests.training.kinds.table.schemas import tables
from training.kinds.table.columns import Column
from training.kinds.table.space import Space, category_numbers

COLOURS = Column("colour", ("red", "green", "blue"), missing=True)


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points[None, :], axis=2)


@settings(max_examples=25, deadline=None)
@given(tables())
def test_all_rows_for_training_vary_by_one_in_the_mean_whatever_the_columns(table):
    columns, rows = table
    space = Space(columns, rows)
    values = space.values(rows)
    assert np.isfinite(values).all()
    # Each column adds the same, unless it hardly varies; then it adds less.
    assert values.std(0).mean() <= 1 + 1e-6
    points = space.compact(rows)
    assert points.dtype == np.float32
    assert np.isfinite(points).all()
    assert np.array_equal(points[:50], space.compact(rows[:50]))


def test_columns_add_equally_though_one_has_many_categories():
    random = np.random.default_rng(0)
    columns = (Column("many", tuple(map(str, range(500)))), Column("two", ("a", "b")), Column("number"))
    rows = np.stack([random.integers(0, 500, 5000), random.integers(0, 2, 5000), random.normal(size=5000)], 1)
    space = Space(columns, rows.astype(np.float32))
    narrow = rows.astype(np.float32)
    narrow[:, 1] = 0  # a third of what varies
    assert space.values(narrow).std(0).mean() == pytest.approx(2 / 3, abs=0.01)


def test_numbers_are_their_ranks_so_that_a_heavy_tail_takes_no_room():
    values = np.exp(np.linspace(-20, 20, 1001)).astype(np.float32)[:, None]
    space = Space((Column("x"),), values)
    assert np.allclose(space.ranks(values, 0), np.linspace(-1, 1, 1001), atol=0.01)
    beyond = np.array([[-1e9], [np.inf], [np.nan]], np.float32)
    assert space.ranks(beyond, 0).tolist() == pytest.approx([-1, 1, 0], abs=0.01)


def test_what_rounding_moves_by_little_keeps_its_place_even_beside_a_value_that_most_have():
    values = np.concatenate([np.zeros(900), np.linspace(1, 100, 100)]).astype(np.float32)[:, None]
    space = Space((Column("x"),), values)
    moved = np.array([[0.0], [1e-6]], np.float32)
    assert np.ptp(space.ranks(moved, 0)) < 1e-5


def test_categories_are_one_apart_and_missing_is_one_of_them():
    rows = np.array([[0], [1], [2], [np.nan], [7]], np.float32)
    apart = distances(Space((COLOURS,), rows[:4]).compact(rows))
    assert np.allclose(apart, 1 - np.eye(5), atol=1e-6)


def test_a_missing_number_is_one_apart_from_the_middle_and_farther_from_the_ends():
    rows = np.array([[0], [1], [2], [np.nan]], np.float32)
    to_missing = distances(Space((Column("x", missing=True),), rows).compact(rows))[3]
    assert to_missing[1] == pytest.approx(1)
    assert min(to_missing[0], to_missing[2]) > 1


def test_many_columns_of_many_categories_stay_narrow_and_keep_who_is_near():
    random = np.random.default_rng(0)
    columns = tuple(Column(str(number), tuple(map(str, range(300)))) for number in range(60))
    rows = random.integers(0, 300, (200, 60)).astype(np.float32)
    space = Space(columns, rows)
    near = rows.copy()
    near[:, :6] = random.integers(0, 300, (200, 6))  # a tenth of each row
    points, others = space.compact(rows), space.compact(near)
    assert points.shape[1] == 512
    found = np.linalg.norm(others[:, None] - points[None], axis=2).argmin(1)
    assert np.array_equal(found, np.arange(200))
    assert np.median(distances(points)[np.triu_indices(200, 1)]) == pytest.approx(60**0.5, rel=0.1)


def test_what_is_no_category_has_a_number_of_its_own():
    values = np.array([0, 2, 3, -1, 0.5, np.nan, np.inf], np.float32)
    assert category_numbers(values, 3).tolist() == [0, 2, 3, 3, 3, 4, 3]


def test_a_column_without_a_single_number_has_a_place():
    rows = np.full((5, 1), np.nan, np.float32)
    assert np.isfinite(Space((Column("x", missing=True),), rows).values(rows)).all()
