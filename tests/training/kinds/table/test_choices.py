"""Rows as tokens and back: what a column may hold, how exactly, and how evenly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.kinds.table.schemas import keeps, tables
from training.data.subset import Subset
from training.kinds.table import choices
from training.kinds.table.choices import Choices
from training.kinds.table.columns import Column


def fitted(values: np.ndarray, **column: object) -> Choices:
    """Of one column of numbers, in its own range."""
    values = np.asarray(values, np.float32)
    known = {"minimum": float(np.nanmin(values)), "maximum": float(np.nanmax(values))}
    return Choices.fit([Column("x", **{**known, **column})], values[:, None])  # type: ignore[arg-type]


def encoded(scale: Choices, *values: float) -> list[int]:
    return scale.encode(torch.tensor(values, dtype=torch.float32)[:, None])[:, 0].tolist()


def decoded(scale: Choices, tokens: object, uniform: object) -> np.ndarray:
    token, place = torch.as_tensor(tokens), torch.as_tensor(uniform, dtype=torch.float32)
    return scale.decoder()(token[:, None], place[:, None])[:, 0].numpy()


def drawn_again(scale: Choices, values: np.ndarray) -> np.ndarray:
    """Values by their tokens, each in another place of its token's range."""
    tokens = scale.encode(torch.from_numpy(values.astype(np.float32))[:, None])[:, 0]
    return decoded(scale, tokens, 1 - np.random.default_rng(1).random(len(values)))


@given(tables(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_any_choices_of_any_table_are_a_row_that_its_columns_allow(table, seed) -> None:
    columns, raw = table
    learned, random = Choices.fit(columns, raw), np.random.default_rng(seed)
    tokens = np.stack([random.integers(0, size, 200) for size in learned.sizes], 1)
    uniform = (1 - random.random(tokens.shape)).astype(np.float32)
    uniform[:2] = [[1.0], [2.0**-24]]  # the ends of what is drawn
    rows = learned.decoder()(torch.from_numpy(tokens), torch.from_numpy(uniform)).numpy()
    assert rows.dtype == np.float32
    assert keeps(columns, rows) == []


@given(tables(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_row_that_was_drawn_has_the_tokens_that_it_was_drawn_by(table, seed) -> None:
    columns, raw = table
    learned, random = Choices.fit(columns, raw), np.random.default_rng(seed)
    tokens = torch.from_numpy(np.stack([random.integers(0, size, 50) for size in learned.sizes], 1))
    uniform = torch.from_numpy((0.25 + random.random(tokens.shape) / 2).astype(np.float32))
    again = learned.encode(learned.decoder()(tokens, uniform))
    free = np.array([not column.whole and column.decimals is None for column in columns])
    # Rounding may take a value to the next range, which begins where the other ends.
    assert (again == tokens)[:, free].all()
    assert (again - tokens).abs().max() <= 1


def test_a_category_and_a_number_of_few_come_back_as_they_were() -> None:
    columns = [Column("c", ("a", "b", "c"), missing=True), Column("n", minimum=-0.3, maximum=1e6, decimals=1)]
    numbers = np.array([-0.3, 0.1, 0.1, 7.7, 1e6, 1e6], np.float32)
    raw = np.stack([np.array([0, 1, 2, np.nan, 2, 0], np.float32), numbers], 1)
    learned = Choices.fit(columns, raw)
    assert learned.sizes == [4, 4]
    tokens = learned.encode(torch.from_numpy(raw))
    again = learned.decoder()(tokens, torch.rand(tokens.shape))
    np.testing.assert_array_equal(again.numpy(), raw)


def test_whole_numbers_up_to_the_last_exact_one_come_back_as_they_were() -> None:
    values = np.array([-(2**24), -1, 0, 16_777_215, 2**24], np.float32)
    learned = fitted(np.repeat(values, 20), whole=True)
    np.testing.assert_array_equal(decoded(learned, encoded(learned, *values), np.full(5, 0.7)), values)


def test_decimals_are_those_that_a_text_would_be_read_as() -> None:
    random = np.random.default_rng(0)
    values = random.normal(0, 100, 4000).round(2)
    again = drawn_again(fitted(values, decimals=2), values)
    np.testing.assert_array_equal(again, again.astype(np.float64).round(2).astype(np.float32))


@pytest.mark.parametrize("sort", ["normal", "heavy", "whole", "mostly zero", "two masses"])
def test_values_lie_as_they_did(sort: str) -> None:
    """KS of the encoded and decoded values: no bin may change by more than its pieces are wide."""
    random = np.random.default_rng(0)
    values = {
        "normal": lambda n: random.normal(size=n),
        "heavy": lambda n: np.exp(random.normal(0, 3, n)),
        "whole": lambda n: random.poisson(5000, n),
        "mostly zero": lambda n: np.where(random.random(n) < 0.9, 0, random.exponential(100, n)),
        "two masses": lambda n: np.where(random.random(n) < 0.5, random.choice([-1, 40], n), random.normal(0, 30, n)),
    }[sort](20_000).astype(np.float32)
    again = drawn_again(fitted(values, whole=sort == "whole"), values)
    grid = np.unique(np.r_[values, again])
    gap = np.abs(np.searchsorted(np.sort(values), grid, "right") - np.searchsorted(np.sort(again), grid, "right"))
    assert gap.max() / len(values) < 0.004  # 0.0005 to 0.002 of them
    assert (again == 0).mean() == pytest.approx((values == 0).mean(), abs=0.002)


def test_a_value_that_is_frequent_by_itself_has_a_token_of_its_own() -> None:
    random = np.random.default_rng(0)
    values = np.r_[np.zeros(600), random.exponential(1000, 400) + 1]
    learned = fitted(values)
    (zero,) = encoded(learned, 0.0)
    assert zero not in encoded(learned, 1.5, 1000.0)
    assert (decoded(learned, [zero] * 3, [0.1, 0.5, 1.0]) == 0).all()


def test_values_beyond_and_between_the_ranges_have_the_nearest_one() -> None:
    random = np.random.default_rng(0)
    few = fitted(np.repeat([1.0, 2.0, 10.0], 9))
    assert encoded(few, -1e30, 1.4, 1.6, 5.9, 6.1, 1e30, np.inf, -np.inf) == [0, 0, 1, 1, 2, 2, 2, 0]
    many = fitted(random.random(1000))
    assert encoded(many, -5.0, 5.0) == [0, many.sizes[0] - 1]


def test_neighbours_in_float32_are_two_choices() -> None:
    first = np.float32(1.0)
    second = np.nextafter(first, np.float32(2))
    pair = fitted(np.repeat([first, second], 10))
    assert encoded(pair, float(first), float(second)) == [0, 1]


def test_missing_values_have_a_token_where_they_may_be() -> None:
    random = np.random.default_rng(0)
    values = np.r_[random.random(500), np.full(20, np.nan)]
    learned = fitted(values, missing=True)
    last = learned.sizes[0] - 1
    assert encoded(learned, np.nan) == [last]
    assert np.isnan(decoded(learned, [last], [0.5])).all()
    assert encoded(fitted(values[:500]), np.nan) == [0]
    with pytest.raises(ValueError, match="'x' has missing values"):
        Choices.fit([Column("x")], values.astype(np.float32)[:, None])


def test_a_column_without_any_value_is_one_choice() -> None:
    raw = np.full((9, 1), np.nan, np.float32)
    learned = Choices.fit([Column("x", missing=True)], raw)
    assert learned.sizes == [1]
    assert encoded(learned, np.nan, 3.0) == [0, 0]
    assert np.isnan(decoded(learned, [0], [0.5])).all()


def test_few_rows_make_few_choices() -> None:
    """Each with some rows to learn it from: sizes follow the square root of their number."""
    random = np.random.default_rng(0)
    sizes = [fitted(random.random(count)).sizes[0] for count in (10, 100, 1000, 30_000)]
    assert sizes[0] <= 10
    assert sizes[1:] == [10, 32, 100]


def test_rows_on_disk_and_more_than_are_looked_at_keep_their_range(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    monkeypatch.setattr(choices, "MOST_ROWS", 500)
    values = random.random(5001).astype(np.float32)
    values[[7, 11]] = -3, 4  # between the rows that are looked at
    column = Column("x", minimum=-3, maximum=4)
    learned = Choices.fit([column], Subset(values[:, None], np.arange(len(values))))
    assert decoded(learned, [0, learned.sizes[0] - 1], [1e-7, 1.0]) == pytest.approx([-3, 4], abs=1e-3)
