"""client/augmint/kinds/table/frame.py and column.py"""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import augmint
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService
from tests.client.tables import CATEGORIES, LABELS, SPEC, tables

NAN = np.nan
ROWS = [
    [0, -20, 3, 0.1, 7, 0, 0.25, 1, 0],
    [2, 50, NAN, -0.004, -1, 365, NAN, 0, NAN],
    [NAN, 0, 0, 999.99, 0, -4000, 3000, 0, 1],
]


def only(column, **spec):
    return pb.TableSpec(columns=[pb.ColumnSpec(name=column, **spec)])


def test_every_column_has_its_type_and_order(samples_of):
    frame = samples_of(SPEC, ROWS).to_frame()
    assert list(frame) == [*(column.name for column in SPEC.columns), "income"]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "job": "category",
        "age": "int64",
        "children": "Int64",
        "amount": "float64",
        "account": "int64",
        "since": "datetime64[us]",
        "seen": "datetime64[us]",
        "owner": "bool",
        "insured": "boolean",
        "income": "category",
    }
    assert frame["job"].cat.categories.tolist() == list(CATEGORIES)
    assert frame["income"].cat.categories.tolist() == list(LABELS)


def test_values_are_those_of_the_real_table(samples_of):
    frame = samples_of(SPEC, ROWS).to_frame()
    assert frame["job"].tolist()[:2] == ["Private", "Self-emp, inc"]
    assert frame["age"].tolist() == [20, 90, 40]
    assert frame["children"][1] is pd.NA
    assert [repr(value) for value in frame["amount"].tolist()] == ["0.1", "0.0", "999.99"]
    assert frame["account"].tolist() == [2**40 + 8, 2**40, 2**40 + 1]
    assert frame["since"].dt.strftime("%Y-%m-%d").tolist() == ["2019-04-14", "2020-04-13", "2008-05-01"]
    assert frame["seen"][0] == pd.Timestamp("2016-07-18 18:00:00")
    assert frame["seen"][1] is pd.NaT
    assert frame["owner"].tolist() == [True, False, False]
    assert frame["insured"][1] is pd.NA
    assert frame["income"].tolist() == ["<=50K", ">50K", "<=50K"]


def test_types_do_not_depend_on_the_rows(samples_of):
    all_there, all_missing = ROWS[0], [NAN, 0, NAN, 0, 0, 0, NAN, 0, NAN]
    dtypes = [samples_of(SPEC, [row]).to_frame().dtypes.to_dict() for row in (all_there, all_missing)]
    assert dtypes[0] == dtypes[1]


def test_the_label_never_hides_a_column(samples_of):
    table = pb.TableSpec(columns=[pb.ColumnSpec(name="label"), pb.ColumnSpec(name="label_")])
    assert list(samples_of(table, [[1, 2]]).to_frame()) == ["label", "label_", "label__"]


def test_what_an_old_description_lacks_changes_nothing(samples_of):
    table = only("x", integer=True)
    assert samples_of(table, [[16777216], [-3]]).to_frame()["x"].tolist() == [16777216, -3]
    assert samples_of(only("x"), [[0.1]]).to_frame()["x"].tolist() == [float(np.float32(0.1))]


def test_the_ends_of_a_range_are_kept_in_float64(samples_of):
    frame = samples_of(only("x", minimum=0.1, maximum=0.7), [[0.1], [0.7]]).to_frame()
    assert frame["x"].tolist() == [0.1, 0.7]


def test_whole_numbers_beyond_2_53_are_exact(samples_of):
    frame = samples_of(only("x", integer=True, offset=2.0**60), [[1], [-1]]).to_frame()
    assert frame["x"].tolist() == [2**60 + 1, 2**60 - 1]


def test_whole_numbers_beyond_64_bits_are_floats(samples_of):
    frame = samples_of(only("x", integer=True, minimum=0, maximum=1e20), [[1e20], [3]]).to_frame()
    assert frame["x"].tolist() == [1e20, 3.0]


def test_the_calendar_ends_where_pythons_does(samples_of):
    table = only("x", integer=True, unit=pb.COLUMN_UNIT_DAYS)
    frame = samples_of(table, [[-719162], [2932896]]).to_frame()
    assert frame["x"].dt.strftime("%Y").str.zfill(4).tolist() == ["0001", "9999"]


@pytest.mark.parametrize(
    ("spec", "value", "named"),
    [
        ({"categories": "ab"}, 2, "none of its 2 categories"),
        ({"categories": "ab"}, -1, "none of its 2 categories"),
        ({"categories": "ab"}, 0.5, "none of its 2 categories"),
        ({"integer": True}, NAN, "a missing value, and says that it has none"),
        ({"integer": True}, 1e30, "beyond those of 64 bits"),
        ({"unit": pb.COLUMN_UNIT_TRUTH}, 0.5, "neither 0 nor 1"),
        ({"unit": pb.COLUMN_UNIT_DAYS, "integer": True}, 2932897, "years 1 to 9999"),
    ],
)
def test_a_row_that_the_column_cannot_have_is_no_value(samples_of, spec, value, named):
    with pytest.raises(augmint.ServiceFault, match=rf"column 'x' of the generator holds .*{named}"):
        samples_of(only("x", **spec), [[value]]).to_frame()


def test_columns_that_do_not_match_the_shape_are_a_fault(samples_of):
    samples = samples_of(SPEC, ROWS)
    del samples.description.message.sample.table.columns[0]
    with pytest.raises(augmint.ServiceFault, match="describes 8 columns, and its rows are \\[9\\]"):
        samples.to_frame()


def test_what_is_no_table_has_no_frame():
    with (
        augmint.Client(transport=FakeService()) as client,
        pytest.raises(augmint.InvalidRequest, match="generator 'fake' makes image, not rows of a table"),
    ):
        client.generate("3").to_frame()


def test_the_extra_is_named_when_pandas_is_missing():
    code = "import sys; sys.modules['pandas'] = None; from augmint import extras; extras.load('pandas', 'table')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "MissingExtra: this needs pandas: pip install 'augmint[table]'" in done.stderr


def test_a_slice_of_samples_is_a_slice_of_the_frame(client):
    samples = client.generate(classes=[0, 1] * 20, seed=7)
    whole, part = samples.to_frame(), samples[5:31:3].to_frame()
    pd.testing.assert_frame_equal(part, whole[5:31:3].reset_index(drop=True))


@given(tables())
def test_any_table_has_its_types_categories_ranges_and_missing_values(samples_of, drawn):
    table, rows = drawn
    frame = samples_of(table, rows).to_frame()
    assert len(frame) == len(rows)
    assert list(frame)[:-1] == [column.name for column in table.columns]
    assert len(set(frame)) == len(table.columns) + 1
    for number, column in enumerate(table.columns):
        series, values = frame[column.name], rows[:, number]
        there = ~np.isnan(values)
        assert np.array_equal(series.notna(), there)
        seen = series[there]
        if column.categories:
            assert series.cat.categories.tolist() == list(column.categories)
            assert np.array_equal(series.cat.codes[there], values[there])
        elif column.unit == pb.COLUMN_UNIT_TRUTH:
            assert str(series.dtype) == ("boolean" if column.missing else "bool")
            assert seen.astype(int).tolist() == values[there].tolist()
        elif column.unit == pb.COLUMN_UNIT_DAYS:
            days = (seen - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
            wanted = values[there].astype(np.float64) + column.offset
            assert (np.abs(days - wanted) <= 0.5001 / 86400).all()
            assert not column.integer or (seen.dt.normalize() == seen).all()
        elif column.integer:
            assert str(series.dtype) == ("Int64" if column.missing else "int64")
            assert seen.tolist() == [int(value) + int(column.offset) for value in values[there].tolist()]
        else:
            digits = column.decimals if column.HasField("decimals") else None
            wanted = values[there].astype(np.float64) + column.offset
            assert seen.tolist() == [
                value if digits is None else round(value, digits) + 0.0 for value in wanted.tolist()
            ]
        if column.HasField("minimum") and not column.unit:
            assert ((seen >= column.minimum + column.offset) & (seen <= column.maximum + column.offset)).all()
