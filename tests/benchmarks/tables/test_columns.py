import numpy as np
import pandas
import pytest
from scipy import stats

from benchmarks.tables import columns
from tests.benchmarks.tables import made

RANDOM = np.random.default_rng(0)


def test_equal_rows_are_at_no_distance():
    data = made.of()
    assert set(columns.distances(data.train, data.train, data.numbers).values()) == {0.0}
    assert set(columns.association_differences(data.train, data.train, data.numbers).values()) == {0.0}


def test_rows_of_the_same_law_are_nearly_at_none():
    data = made.of()
    assert max(columns.distances(data.train, data.test, data.numbers).values()) < 0.1


def test_the_distance_of_numbers_is_scipys():
    first, second = RANDOM.normal(size=200), RANDOM.normal(0.5, size=170).round(1)
    assert columns.kolmogorov_smirnov(first, second) == pytest.approx(stats.ks_2samp(first, second).statistic)


def test_numbers_that_are_shifted_by_a_fifth_of_their_range_are_a_fifth_apart():
    values = np.arange(1000.0)
    assert columns.kolmogorov_smirnov(values, values + 200) == pytest.approx(0.2)


def test_a_share_of_numbers_that_went_missing_is_the_distance():
    values = RANDOM.normal(size=1000)
    holed = np.where(np.arange(1000) < 300, np.nan, values)
    assert columns.kolmogorov_smirnov(holed, np.where(np.arange(1000) < 300, np.nan, values)) == 0
    assert columns.kolmogorov_smirnov(np.full(10, np.nan), values) == 1
    assert columns.kolmogorov_smirnov(np.array([1.0] * 10), np.array([1.0] * 7 + [np.nan] * 3)) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [("aabb", "bbaa", 0), ("aaaa", "bbbb", 1), ("aaab", "aabb", 0.25), ("ab", "abc", 1 / 3)],
)
def test_the_distance_of_categories_is_what_would_have_to_move(first, second, wanted):
    assert columns.total_variation(pandas.Series(list(first)), pandas.Series(list(second))) == pytest.approx(wanted)


def test_missing_values_are_a_category():
    assert columns.total_variation(pandas.Series(["a", None]), pandas.Series(["a", "a"])) == pytest.approx(0.5)
    assert columns.total_variation(pandas.Series(["a", None]), pandas.Series([np.nan, "a"])) == 0


def test_what_says_the_same_is_associated_wholly():
    code = RANDOM.integers(0, 3, 500)
    rows = pandas.DataFrame({"n": code * 2.0, "minus": -code * 3.0, "c": list("xyz" * 167)[:500], "same": code})
    rows["same"] = rows["same"].map({0: "p", 1: "q", 2: "r"})
    found = columns.associations(rows, ["n", "minus"])
    assert found["n", "minus"] == pytest.approx(-1)
    assert found["n", "same"] == pytest.approx(1)
    assert found["minus", "same"] == pytest.approx(1)
    assert columns.associations(rows.assign(c=rows["same"]), ["n", "minus"])["c", "same"] == pytest.approx(1)
    assert abs(found["n", "c"]) < 0.15


def test_cramers_v_is_scipys():
    first, second = RANDOM.integers(0, 3, 400), RANDOM.integers(0, 4, 400)
    second = np.where(RANDOM.random(400) < 0.3, first, second)
    counts = np.array([[np.sum((first == a) & (second == b)) for b in range(4)] for a in range(3)])
    assert columns.cramers_v(first, second) == pytest.approx(stats.contingency.association(counts, method="cramer"))


def test_the_correlation_ratio_is_that_of_an_analysis_of_variance():
    codes, noise = RANDOM.integers(0, 3, 300), RANDOM.normal(size=300)
    values = codes + noise
    groups = [values[codes == code] for code in range(3)]
    within = sum(((group - group.mean()) ** 2).sum() for group in groups)
    total = ((values - values.mean()) ** 2).sum()
    assert columns.correlation_ratio(codes, values) == pytest.approx((1 - within / total) ** 0.5)


def test_a_constant_or_empty_column_is_associated_with_nothing():
    rows = pandas.DataFrame(
        {"n": [1.0] * 4, "m": [1.0, 2, 3, 4], "c": ["a"] * 4, "gone": [np.nan] * 4, "d": list("abab")}
    )
    found = columns.associations(rows, ["n", "m", "gone"])
    assert {value for pair, value in found.items() if {"n", "c", "gone"} & set(pair)} == {0.0}


def test_columns_that_were_shuffled_alone_keep_their_distances_and_lose_their_associations():
    data = made.of()
    shuffled = data.train.apply(lambda column: column.sample(frac=1, random_state=RANDOM.integers(99)).to_numpy())
    assert set(columns.distances(data.train, shuffled, data.numbers).values()) == {0.0}
    assert columns.association_differences(data.train, shuffled, data.numbers)["age", "pay"] > 0.8
