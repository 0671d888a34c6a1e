import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from augmint.v1 import generator_pb2 as pb
from service.errors import InvalidRequest
from service.repository import versions
from service.rpc import codec
from service.scheduling.order import Order

CLASSES = {"cat": 0, "dog": 1, "three": 2}
LIMIT = 1000
UINT64 = st.integers(0, 2**64 - 1)


def decode(**fields):
    return codec.decode(pb.GenerateRequest(**fields), CLASSES, LIMIT)


@given(
    samples=arrays.arrays(
        st.sampled_from([np.dtype("<u1"), np.dtype("<i2"), np.dtype("<f4")]),
        arrays.array_shapes(min_dims=2, max_dims=4, max_side=40),
    ),
    seed=UINT64,
    start_index=st.integers(0, 2**48),
    truncation=st.floats(0, 2, width=32),
    name=st.text(max_size=20),
    version=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_the_framed_response_is_what_the_generated_class_writes(
    samples, seed, start_index, truncation, name, version, data
):
    labels = data.draw(arrays.arrays(np.int64, len(samples), elements=st.integers(0, 2**32 - 1)))
    indices = data.draw(st.none() | arrays.arrays(np.uint64, len(samples), elements=st.integers(0, 2**48 - 1)))
    order = Order(labels, seed, start_index, truncation, indices)
    raw = codec.encode(samples, order, versions.Identity(name, version, "ab" * 32))
    message = pb.GenerateResponse(
        data=samples.tobytes(),
        class_indices=labels.tolist(),
        seed=seed,
        start_index=start_index,
        generator=name,
        version=version,
        digest="ab" * 32,
        truncation=truncation,
        indices=None if indices is None else indices.tolist(),
    )
    assert raw == message.SerializeToString()
    assert pb.GenerateResponse.FromString(raw) == message


def test_a_label_is_repeated_n_times():
    order = decode(label="dog", n=3, seed=2**64 - 1, start_index=2**48 - 3, truncation=0.5)
    assert order.labels.tolist() == [1, 1, 1]
    assert (order.seed, order.start_index, order.truncation) == (2**64 - 1, 2**48 - 3, 0.5)


def test_absent_fields_have_their_documented_meaning():
    order = decode(class_indices=[2, 0, 1])
    assert order.labels.tolist() == [2, 0, 1]
    assert (order.start_index, order.truncation) == (0, 1.0)


def test_scattered_indices_take_the_place_of_a_start():
    order = decode(class_indices=[2, 0], indices=[2**48 - 1, 5])
    assert order.indices.tolist() == [2**48 - 1, 5]
    assert order.start_index == 0
    assert decode(label="cat", indices=[4, 4, 1]).labels.tolist() == [0, 0, 0]


def test_seed_zero_is_a_seed_and_an_absent_one_is_drawn():
    assert decode(label="cat", n=1, seed=0).seed == 0
    assert len({decode(label="cat", n=1).seed for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n": 1}, "neither label nor class_indices is given; labels: 'cat', 'dog', 'three'"),
        ({"label": "cat", "class_indices": [1], "n": 1}, "label and class_indices are both given"),
        ({"label": "cow", "n": 1}, "unknown label 'cow'; labels: 'cat', 'dog', 'three'"),
        ({"label": "Cats", "n": 1}, r"labels: 'cat', 'dog', 'three'; did you mean 'cat'\?"),
        ({"label": "x\n" * 500, "n": 1}, r"unknown label 'x\\nx\\n"),
        ({"label": "cat"}, r"n is 0; it must be in \[1, 1000\]"),
        ({"label": "cat", "n": 1001}, r"n is 1001; it must be in \[1, 1000\]"),
        ({"class_indices": [0] * 1001}, r"n is 1001; it must be in \[1, 1000\]"),
        ({"class_indices": [0, 1], "n": 3}, "n is 3 and there are 2 class_indices"),
        ({"class_indices": [0, 1], "indices": [3]}, "n is 2 and there are 1 indices"),
        ({"label": "cat", "n": 1, "indices": [3, 4]}, "n is 1 and there are 2 indices"),
        ({"label": "cat", "indices": [3], "start_index": 1}, "start_index and indices are both given"),
        ({"label": "cat", "indices": [3, 2**48]}, r"indices holds 281474976710656; an index is below 2\^48"),
        ({"class_indices": [0, 3]}, "class_indices holds 3; there are 3 classes, from 0"),
        ({"label": "cat", "n": 2, "start_index": 2**48 - 1}, r"start_index 281474976710655 with n 2 .* at most 2\^48"),
        ({"label": "cat", "n": 2, "start_index": 2**64 - 1}, r"start_index 18446744073709551615 with n 2"),
        ({"label": "cat", "n": 1, "truncation": 0.0}, "truncation is 0; it must be above 0 and at most 2"),
        ({"label": "cat", "n": 1, "truncation": -1.0}, "truncation is -1"),
        ({"label": "cat", "n": 1, "truncation": 2.1}, "truncation is 2.1"),
        ({"label": "cat", "n": 1, "truncation": float("nan")}, "truncation is nan"),
        ({"label": "cat", "n": 1, "truncation": float("inf")}, "truncation is inf"),
    ],
)
def test_bad_input_is_refused_with_the_value_and_what_is_allowed(fields, message):
    with pytest.raises(InvalidRequest, match=message) as refusal:
        decode(**fields)
    assert len(str(refusal.value)) < 400
    assert "\n" not in str(refusal.value)


def test_many_labels_are_shortened_in_messages():
    classes = {f"class {number}": number for number in range(1000)}
    with pytest.raises(InvalidRequest, match="'class 11' and 988 more"):
        codec.decode(pb.GenerateRequest(label="cow", n=1), classes, LIMIT)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused(raw):
    try:
        order = codec.decode(codec.read(raw, pb.GenerateRequest), CLASSES, LIMIT)
    except InvalidRequest:
        return
    assert 1 <= order.n <= LIMIT
    assert order.start_index + order.n <= 2**48
    assert order.indices is None or (len(order.indices) == order.n and order.indices.max() < 2**48)
    assert 0 < order.truncation <= 2
    assert order.labels.min() >= 0
    assert order.labels.max() < len(CLASSES)
