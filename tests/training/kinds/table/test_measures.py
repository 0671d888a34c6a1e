"""Distances of columns with known answers, strengths of pairs, and values that no row may have."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import ks_2samp

from tests.training.kinds.table.schemas import tables
from training.kinds.table.associations import Associations
from training.kinds.table.columns import Column
from training.kinds.table.measures import FAR, different, distances, invalid, measure

AGE = Column("age", whole=True, minimum=0, maximum=99)
TOWN = Column("town", ("A", "B", "C"), missing=True)


def stack(*columns: object) -> np.ndarray:
    return np.stack([np.asarray(column, np.float32) for column in columns], 1)


def test_total_variation_counts_what_is_missing_as_a_category():
    first = stack([0, 0, 1, np.nan])
    second = stack([0, 1, 2, np.nan])
    assert distances((TOWN,), first, second) == pytest.approx([0.25])


def test_numbers_have_the_distance_of_kolmogorov_and_smirnov():
    random = np.random.default_rng(0)
    first, second = random.normal(size=300), random.normal(0.3, 1, 200)
    found = distances((Column("x"),), stack(first), stack(second))
    assert found == pytest.approx([ks_2samp(first.astype(np.float32), second.astype(np.float32)).statistic])


def test_a_share_of_missing_numbers_is_a_distance():
    first = stack([np.nan] * 5 + [1, 2, 3, 4, 5])
    second = stack([1, 2, 3, 4, 5] * 2)
    assert distances((Column("x", missing=True),), first, second) == pytest.approx([0.5])


@settings(max_examples=25, deadline=None)
@given(tables())
def test_rows_of_a_table_are_at_no_distance_from_themselves_and_valid(table):
    columns, rows = table
    assert (distances(columns, rows, rows[::-1]) == 0).all()
    assert not invalid(columns, rows).any()
    found = measure(columns, rows[::2], rows[1::2], rows)
    assert all(np.isfinite(each.value) for each in found)
    assert not [each for each in found if each.limit is not None and each.low > each.limit]


def test_what_no_real_row_can_have_is_counted_by_row_and_named():
    good = [[5, 0], [99, np.nan]]
    bad = [[5.5, 0], [100, 1], [-1, 1], [np.nan, 1], [np.inf, 1], [5, 3]]
    rows = np.array([*good, *bad], np.float32)
    assert invalid((AGE, TOWN), rows).any(1).tolist() == [False] * 2 + [True] * 6
    real = np.tile(np.array(good, np.float32), (4, 1))
    found = {each.name: each for each in measure((AGE, TOWN), rows, real, real)}
    wrong = found["rows with a value that no real one can have"]
    assert (wrong.value, wrong.detail, wrong.limit) == (0.75, "age", 0.0)
    assert wrong.low > wrong.limit


def halves(count: int, seed: int) -> np.ndarray:
    """Age decides the town in three of four rows."""
    random = np.random.default_rng(seed)
    age = random.integers(0, 100, count)
    town = np.where(random.random(count) < 0.75, age // 34, random.integers(0, 3, count))
    return stack(age, town)


def test_samples_of_the_same_rows_are_as_far_as_held_out_ones_and_far_columns_are_named():
    train, held, made = (halves(2000, seed) for seed in range(3))
    found = {each.name: each for each in measure((AGE, TOWN), made, held, train)}
    worst = found["distance of a column, worst"]
    assert worst.value < 0.05
    assert 0 < worst.real < 0.05
    parts = found["distance of a column in 20 parts, worst"]
    assert parts.limit == FAR
    assert parts.low < 0
    assert parts.value < 0.07
    assert found["different rows"].value == pytest.approx(found["different rows"].real, abs=0.02)

    made[:, 0] = made[:, 0] // 2
    _, worst, parts = measure((AGE, TOWN), made, held, train)[:3]
    assert (worst.name, worst.detail, parts.detail) == ("distance of a column, worst", "age", "age")
    assert worst.value == pytest.approx(0.5, abs=0.05)
    assert parts.value == pytest.approx(0.5, abs=0.05)
    assert parts.low > FAR
    assert parts.advice.startswith("Look at 'age' in the report;")


def test_few_rows_say_nothing_against_a_column():
    train, held, made = (halves(25, seed) for seed in range(3))
    made[:, 0] = made[:, 0] * 0.7 // 1
    assert measure((AGE, TOWN), made, held, train)[2].low < FAR


def test_a_column_like_a_comb_is_found_though_its_distribution_function_is_near():
    train, held, made = (halves(2000, seed) for seed in range(3))
    made[:, 0] = made[:, 0] // 10 * 10 + 5  # the middle of each ten years only
    _, worst, parts = measure((AGE, TOWN), made, held, train)[:3]
    assert worst.value < FAR
    assert parts.value == pytest.approx(0.5, abs=0.05)
    assert parts.low > FAR


def test_parts_of_a_column_hold_what_most_rows_have_and_what_is_missing():
    column = (Column("gain", missing=True),)
    train = stack([0] * 900 + [np.nan] * 50 + [*range(1, 51)])
    made = stack([0] * 850 + [np.nan] * 100 + [*range(1, 51)])
    assert measure(column, made, train, train)[2].value == pytest.approx(0.05)
    assert measure(column, train[::-1], train, train)[2].value == 0
    empty = stack([np.nan] * 10)
    assert measure(column, empty, empty, empty)[2].value == 0


def test_a_pair_that_does_not_go_together_any_more_is_found_though_its_columns_are_right():
    train, held, made = (halves(2000, seed) for seed in range(3))
    before = {each.name: each for each in measure((AGE, TOWN), made, held, train)}
    made[:, 1] = np.random.default_rng(5).permutation(made[:, 1])
    after = {each.name: each for each in measure((AGE, TOWN), made, held, train)}
    assert before["difference of correlations, worst"].value < 0.05
    assert after["difference of correlations, worst"].value > 0.5
    assert after["difference of correlations, worst"].detail == "age, town"
    assert after["distance of a column, median"] == before["distance of a column, median"]


def test_strengths_of_pairs_are_the_ones_of_the_textbook():
    random = np.random.default_rng(0)
    x = random.normal(size=4000)
    opposite, noise = -np.exp(x), random.normal(size=4000)
    town = np.digitize(x, [-0.5, 0.5])  # told by x
    same = np.array([2, 0, 1])[town]
    columns = (
        Column("x"),
        Column("opposite"),
        Column("noise"),
        Column("town", ("a", "b", "c")),
        Column("same", ("u", "v", "w")),
    )
    strength = Associations(columns, stack(x, opposite, noise, town, same)).of(stack(x, opposite, noise, town, same))
    assert np.allclose(strength, strength.T)
    assert strength[0, 1] == pytest.approx(-1, abs=1e-3)
    assert strength[0, 2] == pytest.approx(0, abs=0.05)
    assert strength[3, 4] == pytest.approx(1, abs=1e-3)
    ranks = np.argsort(np.argsort(x))
    between = sum((town == k).sum() * (ranks[town == k].mean() - ranks.mean()) ** 2 for k in range(3))
    assert strength[0, 3] == pytest.approx((between / ((ranks - ranks.mean()) ** 2).sum()) ** 0.5, abs=0.01)


def test_missing_numbers_do_not_make_a_correlation_smaller():
    random = np.random.default_rng(0)
    x = random.normal(size=4000)
    gaps = np.where(random.random(4000) < 0.4, np.nan, x)
    rows = stack(x, gaps)
    strength = Associations((Column("x"), Column("gaps", missing=True)), rows).of(rows)
    assert strength[0, 1] > 0.75


def test_a_table_too_wide_for_all_pairs_says_how_many_were_compared():
    random = np.random.default_rng(0)
    columns = tuple(Column(str(number), tuple(map(str, range(30)))) for number in range(80))
    rows = random.integers(0, 30, (100, 80)).astype(np.float32)
    found = {each.name: each for each in measure(columns, rows, rows, rows)}
    assert found["difference of correlations, mean"].detail == "of the first 50 columns"


def test_rows_that_differ_in_the_sign_of_zero_or_in_what_is_missing_only_are_equal():
    other = np.uint32(0x7FC00001).view(np.float32)  # another NaN
    assert different(np.array([[0.0, np.nan], [-0.0, other], [1.0, 2.0]], np.float32)) == pytest.approx(2 / 3)
