"""client/augmint/kinds/table/like.py and real.py: synthetic columns in the dtypes of a real table."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import augmint
from augmint.kinds.table.encoding import encode_frame
from augmint.kinds.table.like import Like
from augmint.v1 import generator_pb2 as pb
from tests.client.tables import tables

DAY = {"integer": True, "unit": pb.COLUMN_UNIT_DAYS, "minimum": 0, "maximum": 400}
TIME = {"unit": pb.COLUMN_UNIT_DAYS}
TRUTH = {"unit": pb.COLUMN_UNIT_TRUTH}
NAN = np.nan


def put(samples_of, spec, raw, real):
    """The rows of a generator of one column, as the real one has them."""
    table = pb.TableSpec(columns=[pb.ColumnSpec(name="x", **spec)])
    samples = samples_of(table, np.array(raw, np.float32)[:, None])
    real = real if isinstance(real, pd.Series) else pd.Series(real)
    return Like(samples.description, pd.DataFrame({"x": real}))(samples)["x"]


def noon(day, zone=None):
    return pd.Timestamp(f"2020-01-{day:02} 12:00:00", tz=zone)


@pytest.mark.parametrize(
    ("spec", "raw", "real", "wanted"),
    [
        ({"categories": "ab"}, [1, 0], ["b", "a"], ["b", "a"]),
        ({"categories": "ab"}, [1, 0], pd.Series(["b"], dtype=object), ["b", "a"]),
        ({"categories": "ab", "missing": True}, [1, NAN], pd.Series(["b", None], dtype=object), ["b", None]),
        ({"categories": "ab"}, [1, 0], pd.Series(["b"], dtype=pd.CategoricalDtype(["z", "b", "a"])), ["b", "a"]),
        ({"categories": "ab"}, [1, 0], pd.Series(["b"], dtype="string"), ["b", "a"]),
        ({"categories": ["1", "2", "30"]}, [2, 0], [1, 2], [30, 1]),
        ({"categories": ["1", "2", "30"]}, [2, 0], [1.0, 2.0], [30.0, 1.0]),
        ({"categories": ["1", "2", "30"]}, [2, 0], pd.Series([1, 2], dtype=np.int8), [30, 1]),
        ({"categories": ["1", "2"], "missing": True}, [1, NAN], pd.Series([1], dtype="Int64"), [2, pd.NA]),
        ({"categories": ["1", "2"]}, [1, 0], pd.Series([1, "x"], dtype=object)[:1], [2, 1]),
        ({"categories": ["1.0", "2.0"]}, [1, 0], [1], [2, 1]),
        ({"categories": ["1", "2"]}, [1, 0], pd.Series([2, 1], dtype="category"), [2, 1]),
        ({"categories": ["True", "False"]}, [1, 0], [True, True], [False, True]),
        ({"integer": True}, [3, -1], [7], [3, -1]),
        ({"integer": True}, [3, -1], [7.0], [3.0, -1.0]),
        ({"integer": True}, [3, -1], pd.Series([7], dtype=np.int8), [3, -1]),
        ({"integer": True, "missing": True}, [3, NAN], [7.0, NAN], [3.0, NAN]),
        ({"integer": True, "missing": True}, [3, NAN], pd.Series([7], dtype="Int16"), [3, pd.NA]),
        ({"integer": True, "missing": True}, [3, NAN], pd.Series([7, None], dtype=object), [3, None]),
        ({"integer": True, "missing": True}, [3, NAN], pd.Series([7], dtype="int64[pyarrow]"), [3, pd.NA]),
        ({"decimals": 0}, [3, -1], [7], [3, -1]),
        ({"decimals": 1}, [0.1], pd.Series([7], dtype=np.float32), [float(np.float32(0.1))]),
        ({"decimals": 1, "missing": True}, [0.1, NAN], pd.Series([7], dtype="Float64"), [0.1, pd.NA]),
        (TRUTH, [1, 0], [True], [True, False]),
        (TRUTH, [1, 0], [1], [1, 0]),
        (TRUTH, [1, 0], [0.0], [1.0, 0.0]),
        (TRUTH, [1, 0], ["true"], ["true", "false"]),
        (TRUTH, [1, 0], ["FALSE"], ["TRUE", "FALSE"]),
        (TRUTH, [1, 0], pd.Series([True, "x"], dtype=object)[:1], [True, False]),
        (TRUTH | {"missing": True}, [1, NAN], pd.Series([True], dtype="boolean"), [True, pd.NA]),
        (TRUTH, [1, 0], pd.Series([True, False], dtype="category"), [True, False]),
        (DAY, [0, 1], ["2020-05-01"], ["1970-01-01", "1970-01-02"]),
        (DAY, [1], pd.Series([datetime.date(2020, 5, 1)], dtype=object), [datetime.date(1970, 1, 2)]),
        (DAY, [1], pd.to_datetime(pd.Series(["2020-05-01"])).astype("datetime64[ns]"), [pd.Timestamp("1970-01-02")]),
        (DAY, [1], pd.to_datetime(pd.Series(["2020-05-01"])).astype("datetime64[s]"), [pd.Timestamp("1970-01-02")]),
        (DAY | {"missing": True}, [1, NAN], pd.Series([noon(1)]), [pd.Timestamp("1970-01-02"), pd.NaT]),
        (TIME, [0.5], ["2020-05-01T10:00:00"], ["1970-01-01T12:00:00"]),
        (TIME, [0.5], ["2020-05-01 10:00"], ["1970-01-01 12:00:00"]),
        (TIME | {"offset": 18262}, [0.5], pd.Series([noon(3, "Asia/Tokyo")]), [pd.Timestamp("2020-01-01 21:00+09:00")]),
    ],
)
def test_a_column_comes_in_the_form_of_the_real_one(samples_of, spec, raw, real, wanted):
    found = put(samples_of, spec, raw, real)
    assert found.dtype == pd.Series(real).dtype
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert (pd.isna(one) and pd.isna(other)) or (one == other and isinstance(one, type(other) | np.generic))


@pytest.mark.parametrize(
    ("spec", "real", "named"),
    [
        ({"categories": "ab"}, ["c"], r"holds 'c', which the generator does not make: its values are a, b"),
        ({"categories": "ab"}, [NAN, NAN], "is float64, and the generator makes 'a' in it: give it as names"),
        ({"categories": ["1", "2.5"]}, [1], "is int64, and the generator makes '2.5' in it"),
        ({"categories": "ab"}, pd.Series(["a"], dtype="category"), "a category dtype without 'b'"),
        ({"categories": "01", "missing": True}, [0, 1], "is int64, and the generator's may be missing"),
        (TRUTH | {"missing": True}, [True], "is bool, and the generator's may be missing: .* boolean"),
        (TRUTH, ["yes"], "holds 'yes', which the generator does not make: its values are False, True"),
        ({"integer": True}, [True], "is bool, and the generator makes whole numbers"),
        ({"integer": True}, ["7"], "is str, and the generator's holds whole numbers: pandas.to_numeric reads them"),
        ({"integer": True}, [noon(1)], "holds Timestamp.*; the generator's holds whole numbers"),
        ({}, [1], "is int64, and the generator makes numbers with a fraction: use float64"),
        (DAY, [1.0], "holds 1.0; the generator's holds dates: pandas.to_datetime reads them"),
        (DAY, ["1.5.2020"], "holds '1.5.2020'; the generator's holds dates"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_drawn(samples_of, spec, real, named):
    table = pb.TableSpec(columns=[pb.ColumnSpec(name="x", **spec)])
    samples = samples_of(table, np.empty((0, 1), np.float32))
    with pytest.raises(augmint.InvalidRequest, match=named) as raised:
        Like(samples.description, pd.DataFrame({"x": real}))
    assert str(raised.value).startswith("column 'x' ")


def test_rare_categories_that_the_generator_has_not_learned_are_told_of(samples_of):
    real = pd.Series(["a", "b"] * 19 + ["Holland", "a"])
    with pytest.warns(UserWarning, match=r"'x' holds 'Holland', .* Such rows \(1 of 40\) stay; none is added"):
        assert put(samples_of, {"categories": "ab"}, [1, 0], real).tolist() == ["b", "a"]
    with pytest.raises(augmint.InvalidRequest, match="holds 'Holland'"):
        put(samples_of, {"categories": "ab"}, [1], pd.concat([real, real[-2:], real[-2:]]))
    description = samples_of(pb.TableSpec(columns=[pb.ColumnSpec(name="x", categories="ab")]), [[0]]).description
    with pytest.raises(augmint.InvalidRequest, match="holds 'Holland'"):
        encode_frame(description, pd.DataFrame({"x": real}))


def test_numbers_that_a_dtype_does_not_hold_do_not_wrap_around(samples_of):
    with pytest.raises(augmint.InvalidRequest, match="is int8, and the generator makes numbers from 3 to 200"):
        put(samples_of, {"integer": True}, [3, 200], pd.Series([1], dtype=np.int8))
    with pytest.raises(
        augmint.InvalidRequest, match=r"is datetime64\[ns\], which does not hold what the generator makes"
    ):
        put(samples_of, {**DAY, "maximum": 1e6}, [1e6], pd.Series([noon(1)]).astype("datetime64[ns]"))
    with pytest.raises(augmint.InvalidRequest, match="is uint16, and the generator makes numbers from -1 to -1"):
        put(samples_of, {"integer": True}, [-1], pd.Series([1], dtype=np.uint16))


@settings(max_examples=50)
@given(tables(), st.randoms())
def test_a_table_of_the_generator_takes_its_own_rows_and_encodes_back(samples_of, drawn, random):
    table, rows = drawn
    samples = samples_of(table, rows)
    frame = samples.to_frame()
    frame = frame[random.sample(list(frame), len(list(frame)))]
    real = frame.drop(columns=samples.to_frame().columns[-1])
    pd.testing.assert_frame_equal(Like(samples.description, real)(samples), real)
    again = encode_frame(samples.description, real)
    assert again.dtype == np.float32
    for number, column in enumerate(table.columns):
        # Digits that the spec takes away, and parts of a second, are gone.
        lost = 10.0**-column.decimals if column.HasField("decimals") else 1 / 86400 if column.unit == 1 else 0
        exact = np.spacing(np.abs(rows[:, number]) + np.float32(1))
        assert np.array_equal(np.isnan(again[:, number]), np.isnan(rows[:, number]))
        assert not (np.abs(again[:, number] - rows[:, number]) > lost + exact).any()
        if column.categories or column.integer:
            assert np.array_equal(again[:, number], rows[:, number], equal_nan=True)
