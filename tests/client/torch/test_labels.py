"""client/augmint/torch/labels.py"""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import augmint
from augmint.torch.labels import check_makes, keys_of, make, read

NUMBERS = st.integers(0, 9)
FORMS = st.sampled_from(
    [
        int,
        float,
        np.int8,
        np.uint16,
        np.float64,
        torch.tensor,
        lambda number: torch.tensor([number], dtype=torch.uint8),
        lambda number: torch.tensor(float(number), dtype=torch.float16),
        lambda number: np.array(number),
        lambda number: np.array([number], np.int32),
        lambda number: np.eye(10, dtype=bool)[number],
        lambda number: torch.eye(10, dtype=torch.long)[number],
    ]
)


@given(FORMS, NUMBERS, NUMBERS)
def test_a_label_that_is_made_reads_as_its_class_and_has_the_form_of_its_example(form, example, number):
    label = make(number, form(example))
    assert read(label, "") == number
    want = form(number)
    assert type(label) is type(want)
    assert getattr(label, "dtype", None) == getattr(want, "dtype", None)
    assert getattr(label, "shape", None) == getattr(want, "shape", None)


@given(FORMS, st.lists(NUMBERS, min_size=1, max_size=20))
def test_many_labels_read_as_one_by_one(form, numbers):
    labels = [form(number) for number in numbers]
    assert keys_of(labels, "labels").tolist() == numbers
    if hasattr(labels[0], "shape"):
        stacked = torch.stack(labels) if isinstance(labels[0], torch.Tensor) else np.stack(labels)
        assert keys_of(stacked, "labels").tolist() == numbers


@pytest.mark.parametrize("name", ["cat", np.str_("cat"), b"cat", np.bytes_(b"cat"), np.array("cat"), np.array(["cat"])])
def test_names_come_in_many_forms_too(name):
    assert read(name, "") == "cat"
    assert type(make("mouse", name)) is type(name)
    assert read(make("mouse", name), "") == "mouse"
    assert keys_of([name, name], "labels").tolist() == ["cat", "cat"]


def test_labels_of_a_table_are_taken_as_they_are():
    pandas = pytest.importorskip("pandas")
    assert keys_of(pandas.Series([1, 0, 2], index=[7, 8, 9]), "labels").tolist() == [1, 0, 2]
    assert keys_of(pandas.Series(["a", "b"]), "labels").tolist() == ["a", "b"]
    assert keys_of(pandas.Series(["a", "b"], dtype="category"), "labels").tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        ([0, 1, 0.5], r"labels\[2\] has the label 0.5"),
        (np.array([0, np.nan]), r"labels\[1\] has the label nan"),
        (np.array([0, np.inf]), r"labels\[1\] has the label inf"),
        ([0, None], r"labels\[1\] has no label"),
        ([[0, 1], [1, 0]], r"labels\[0\] has a label of type list"),
        (np.array([[0, 1], [1, 1]]), r"labels\[1\] has a label with 2 ones among 2"),
        (np.array([[0.2, 0.8]]), r"labels\[0\] has the label \[0.2, 0.8\], .*soft"),
        ([0, "cat"], "labels has both numbers and names"),
        ([{"label": 0}], r"labels\[0\] has a label of type dict"),
        (np.array([0, 1j]), "a label of type complex128"),
    ],
)
def test_labels_that_are_no_classes_are_refused_with_their_place(labels, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        keys_of(labels, "labels")


@pytest.mark.parametrize("example", [True, torch.tensor(1, dtype=torch.int8), np.eye(3)[0], np.uint8(3)])
def test_a_class_that_a_label_cannot_stand_for_is_refused(example):
    check_makes([0, 1], example)
    with pytest.raises(augmint.InvalidRequest, match="which cannot stand for class 300"):
        check_makes([0, 300], example)
