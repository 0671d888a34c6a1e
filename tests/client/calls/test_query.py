"""client/augmint/calls/query.py: what is refused before it is sent, as a caller meets it"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import augmint
from tests.client.fakes import FakeService


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"label": "shoe"}, "no label 'shoe'; its labels are ankle boot, bag, coat, 3"),
        ({"label": 4}, r"class index 4 .* outside \[0, 3\]"),
        ({"label": -1}, "class index -1"),
        ({"label": True}, "not bool"),
        ({"label": 1.0}, "not float"),
        ({}, "either a label or classes"),
        ({"label": "bag", "classes": ["bag"]}, "either a label or classes"),
        ({"label": "bag", "n": 0}, "n is 0; it must be a whole number in"),
        ({"label": "bag", "n": 2.5}, "n is 2.5"),
        ({"label": "bag", "n": 2**24 + 1}, "n is 16777217"),
        ({"classes": []}, "classes has the shape"),
        ({"classes": "bag"}, "classes has the shape"),
        ({"classes": ["bag", 1]}, "all of one kind"),
        ({"classes": ["bag", "shoe"]}, "no label 'shoe'"),
        ({"label": "3", "keep": 2}, "of is None"),
        ({"label": "3", "of": 2}, "keep is None"),
        ({"label": "3", "keep": 3, "of": 2}, r"keep is 3; .* \[1, 2\]"),
        ({"label": "3", "keep": 1, "of": 65}, "of is 65"),
        ({"classes": [0, 9]}, "class index 9"),
        ({"classes": [[0], [1, 2]]}, "flat sequence"),
        ({"classes": [0, 1], "n": 3}, "n is 3, but there are 2 classes"),
        ({"label": "bag", "seed": -1}, "seed is -1"),
        ({"label": "bag", "seed": 2**64}, "seed is"),
        ({"label": "bag", "seed": "0x7"}, "seed is '0x7'"),
        ({"label": "bag", "seed": 7.0}, "seed is 7.0"),
        ({"label": "bag", "seed": str(2**64)}, "seed is"),
        ({"label": "bag", "start_index": 2**48}, "start_index is"),
        ({"label": "bag", "n": 2, "start_index": 2**48 - 1}, "start_index is"),
        ({"label": "bag", "truncation": float("nan")}, "truncation is nan"),
        ({"label": "bag", "truncation": 2.1}, "truncation is 2.1"),
        ({"label": "bag", "version": 0}, "version is 0"),
        ({"label": "bag", "generator": 5}, "generator is 5"),
        ({"label": "bag", "timeout": 0}, "timeout is 0"),
    ],
)
def test_a_wrong_request_is_refused_before_it_is_sent(client, fake, arguments, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        client.generate(**arguments)
    assert fake.requests == []


@pytest.mark.parametrize(
    ("positions", "classes", "named"),
    [
        ([0, 1], [0], "one whole number per class"),
        ([0.5], [0], "one whole number per class"),
        ([-1], [0], "an index is -1"),
        ([2**48], [0], "an index is"),
    ],
)
def test_wrong_positions_are_refused(client, positions, classes, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        client.fetch(positions, classes, seed=1)


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(-2, 9))


arguments = st.fixed_dictionaries(
    {},
    optional={
        "label": anything,
        "n": anything.filter(lambda n: not (isinstance(n, int) and 100 < n <= 2**24)),
        "classes": anything,
        "seed": anything,
        "start_index": anything,
        "truncation": anything,
        "generator": anything,
        "version": anything,
        "digest": anything,
        "timeout": anything,
    },
)


@given(arguments)
def test_whatever_is_passed_the_answer_is_samples_or_a_typed_error(arguments):
    with augmint.Client(transport=FakeService()) as client:
        try:
            samples = client.generate(**arguments)
        except (augmint.InvalidRequest, augmint.GeneratorNotFound, augmint.DigestMismatch, augmint.DeadlineExceeded):
            return
        assert len(samples) >= 1
