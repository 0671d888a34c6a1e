import gzip

import numpy as np
import pandas
import pytest

from benchmarks.tables import table
from tests.benchmarks.tables import made


def test_the_first_rows_are_to_learn_from_and_the_rest_to_judge_by(tmp_path):
    path = tmp_path / "rows.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("age,job,income\n20,smith,low\n30,?,high\n40,,low\n50,NA,high\n")
    data = table.read(path, "income", 2)
    assert list(data.train["age"]) == [20, 30]
    assert list(data.test["income"]) == ["low", "high"]
    assert (data.numbers, data.categories, data.classes) == (("age",), ("job",), ("high", "low"))
    # NA is what somebody wrote, and no missing value.
    assert data.train["job"].isna().tolist() == [False, True]
    assert data.test["job"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("label", "train_rows", "said"),
    [
        ("clas", 10, "no column 'clas'; it has age, job"),
        ("class", 20, "leave none to judge"),
        ("class", 0, "or are none"),
    ],
)
def test_a_split_that_leaves_nothing_is_refused(label, train_rows, said):
    with pytest.raises(ValueError, match=said):
        table.of(made.rows(20, 0), label, train_rows)


def test_a_class_that_is_on_one_side_only_is_refused():
    rows = pandas.DataFrame({"x": range(4), "y": ["a", "b", "a", "a"]})
    with pytest.raises(ValueError, match="class 'b' of table is not on both sides of row 2"):
        table.of(rows, "y", 2)


def test_rows_of_a_generator_come_into_the_types_of_the_table():
    data = made.of()
    rows = data.train.iloc[:4].copy()
    shuffled = rows[list(rows)[::-1]].astype({"age": "float32", "town": "category"})
    assert data.conform(shuffled).equals(rows.reset_index(drop=True))


def test_numbers_are_compared_as_exactly_as_float32_holds_them():
    data = made.of()
    again = data.train.assign(pay=data.train["pay"].to_numpy(np.float32))
    assert data.conform(again).equals(data.train)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.drop(columns="job"), "no column 'job'"),
        (lambda rows: rows.assign(age="old"), "column 'age' is of numbers"),
        (lambda rows: rows.assign(**{"class": None}), "column 'class', the label, has missing values"),
        (lambda rows: rows.assign(**{"class": "king"}), "holds 'king'; the classes are poor, rich"),
    ],
)
def test_rows_of_another_table_are_refused(change, said):
    data = made.of()
    with pytest.raises(ValueError, match=said):
        data.conform(change(data.train))


@pytest.mark.parametrize("count", [1, 7, 600, 1000])
def test_classes_keep_their_frequencies_in_any_number_of_rows(count):
    data = made.of()
    natural = data.natural(count)
    assert sum(natural.values()) == count
    for name, found in natural.items():
        assert abs(found - count * (data.train["class"] == name).mean()) < 1


def test_as_many_rows_as_there_are_to_learn_from_have_the_same_classes():
    data = made.of()
    assert data.natural(600) == data.train["class"].value_counts().to_dict()
