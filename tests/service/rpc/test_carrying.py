"""Samples that come in: read without copies, refused with what would be right, answered as the contract says."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import CannotTransform, InvalidRequest
from service.repository.versions import Identity
from service.rpc import carrying
from service.scheduling.order import Carry

CLASSES = {"cat": 0, "dog": 1, "three": 2}
IDENTITY = Identity("tiny", 1, "ab" * 32)


def loaded(sample=None, transforms=True):
    sample = sample or pb.SampleSpec(
        shape=[2, 2, 1], dtype=pb.DATA_TYPE_UINT8, image=pb.ImageSpec(color_space=pb.COLOR_SPACE_GRAY)
    )
    message = pb.Generator(labels=list(CLASSES), sample=sample, transforms=transforms)
    return SimpleNamespace(
        identity=IDENTITY, message=message, classes=CLASSES, max_samples=5, fault=artifact.checker(sample)
    )


def decode(generator=None, **fields):
    return carrying.decode(carrying.read(pb.TransformRequest(**fields).SerializeToString()), generator or loaded())


def test_samples_are_a_view_of_the_call_s_own_bytes():
    raw = pb.TransformRequest(generator="tiny", data=bytes(range(12)), label="dog", strength=0.5).SerializeToString()
    order = carrying.decode(carrying.read(raw), loaded())
    assert order.originals.content.tobytes() == bytes(range(12))
    assert order.originals.content.shape == (3, 2, 2, 1)
    assert np.shares_memory(order.originals.content, np.frombuffer(raw, np.uint8))
    assert order.originals.target.tolist() == [1, 1, 1]
    assert order.originals.source.tolist() == [artifact.UNKNOWN] * 3
    assert order.originals.strength.tolist() == [0.5] * 3


def test_absent_fields_have_their_documented_meaning():
    order = decode(data=bytes(8), class_indices=[2, 0], source_class_indices=[1, 1])
    assert order.originals.target.tolist() == [2, 0]
    assert order.originals.source.tolist() == [1, 1]
    assert order.originals.strength.tolist() == [1, 1]
    assert decode(data=bytes(8), label="cat", source_label="dog", strength=0.0).originals.strength.tolist() == [0, 0]


@given(st.data())
def test_what_is_read_is_what_protobuf_reads(data):
    message = pb.TransformRequest(
        generator=data.draw(st.text(max_size=5)),
        version=data.draw(st.integers(0, 2**32 - 1)),
        data=data.draw(st.binary(max_size=300)),
        label=data.draw(st.text(max_size=5)),
        class_indices=data.draw(st.lists(st.integers(0, 2**32 - 1), max_size=5)),
        strength=data.draw(st.none() | st.floats(width=32, allow_nan=False)),
    )
    raw = message.SerializeToString()
    parts = [raw]
    # The order of fields is free, fields may come again, and those that nobody knows may stand between.
    parts += data.draw(
        st.lists(
            st.sampled_from(
                [b"\x2a\x03abc", b"\x2a\x00", b"\xf8\x06\x07", b"\xfd\x06abcd", b"\x38\x01", b"\x2a\x80\x00"]
            ),
            max_size=3,
        )
    )
    raw = b"".join(data.draw(st.permutations(parts)))
    wanted = pb.TransformRequest.FromString(raw)
    sent = carrying.read(raw)
    assert bytes(sent.data) == wanted.data
    wanted.ClearField("data")
    assert sent.request == wanted


@given(st.binary(max_size=120) | st.binary(max_size=60).map(lambda tail: b"\x2a\x08abcdefgh" + tail))
def test_any_bytes_are_a_request_or_refused(raw):
    try:
        sent = carrying.read(raw)
    except InvalidRequest:
        with pytest.raises(Exception, match="pars"):
            pb.TransformRequest.FromString(raw)
        return
    assert bytes(sent.data) == pb.TransformRequest.FromString(raw).data
    try:
        order = carrying.decode(sent, loaded())
    except InvalidRequest:
        return
    assert 1 <= order.n <= 5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"label": "cat"}, r"data is empty; it must hold 1 to 5 samples, and a sample is uint8 \[2, 2, 1\], 4 bytes"),
        ({"data": bytes(7), "label": "cat"}, r"data has 7 bytes, which are no whole samples; a sample is uint8 \[2, 2"),
        ({"data": bytes(24), "label": "cat"}, "data holds 6 samples; one call carries at most 5: send them in several"),
        ({"data": bytes(8)}, "neither label nor class_indices is given; labels: 'cat', 'dog', 'three'"),
        ({"data": bytes(8), "label": "cat", "class_indices": [1, 1]}, "label and class_indices are both given"),
        ({"data": bytes(8), "label": "cot"}, r"unknown label 'cot'.*did you mean 'cat'\?"),
        ({"data": bytes(8), "class_indices": [1]}, "there are 2 samples and 1 class_indices; give one for each"),
        ({"data": bytes(8), "class_indices": [1, 3]}, "class_indices holds 3; there are 3 classes, from 0"),
        ({"data": bytes(8), "label": "cat", "source_label": "cow"}, "unknown source_label 'cow'"),
        (
            {"data": bytes(8), "label": "cat", "source_label": "dog", "source_class_indices": [1, 1]},
            "source_label and source_class_indices are both given",
        ),
        ({"data": bytes(8), "label": "cat", "source_class_indices": [0, 9]}, "source_class_indices holds 9"),
        ({"data": bytes(8), "label": "cat", "source_class_indices": [0]}, "2 samples and 1 source_class_indices"),
        ({"data": bytes(8), "label": "cat", "strength": -0.1}, r"strength is -0.1; it must be in \[0, 1\]"),
        ({"data": bytes(8), "label": "cat", "strength": 1.01}, "strength is 1.01"),
        ({"data": bytes(8), "label": "cat", "strength": float("nan")}, "strength is nan"),
        ({"data": bytes(8), "label": "cat", "strength": float("inf")}, "strength is inf"),
    ],
)
def test_bad_input_is_refused_with_the_value_and_what_is_allowed(fields, message):
    with pytest.raises(InvalidRequest, match=message) as refusal:
        decode(**fields)
    assert len(str(refusal.value)) < 300


def test_a_generator_that_cannot_transform_says_how_one_can():
    with pytest.raises(CannotTransform, match=r"'tiny' version 1 cannot transform.*fit --transform"):
        decode(loaded(transforms=False), data=b"", label="cat")


TABLE = pb.SampleSpec(
    shape=[3],
    dtype=pb.DATA_TYPE_FLOAT32,
    table=pb.TableSpec(
        columns=[
            pb.ColumnSpec(name="age", integer=True, minimum=17, maximum=90),
            pb.ColumnSpec(name="town", categories=["Ulm", "Jena"], missing=True),
            pb.ColumnSpec(name="pay"),
        ]
    ),
)
TEXT = pb.SampleSpec(shape=[3], dtype=pb.DATA_TYPE_INT32, text=pb.TextSpec(vocabulary=["", "a", "b"], end_id=0))
ROLL = pb.SampleSpec(shape=[1, 3], dtype=pb.DATA_TYPE_UINT8, music=pb.MusicSpec(steps_per_quarter=4))


@pytest.mark.parametrize(
    ("sample", "rows", "message"),
    [
        (TABLE, [[17, 0, 1], [90, float("nan"), -1e9]], None),
        (
            TABLE,
            [[17, 0, 1], [16, 0, 1]],
            r"sample 1 holds 16 at \[0\]; wanted a whole number from 17 up to 90 in col.*age",
        ),
        (TABLE, [[17.5, 0, 1]], r"sample 0 holds 17.5 at \[0\]"),
        (TABLE, [[float("nan"), 0, 1]], r"sample 0 holds nan at \[0\]"),
        (TABLE, [[17, 2, 1]], r"holds 2 at \[1\]; wanted the index of a category, 0 to 1, or NaN in column 'town'"),
        (TABLE, [[17, 0.5, 1]], r"holds 0.5 at \[1\]"),
        (TABLE, [[17, 0, float("inf")]], r"holds inf at \[2\]; wanted a number in column 'pay'"),
        (TABLE, [[17, 0, float("nan")]], r"holds nan at \[2\]"),
        (TEXT, [[0, 1, 2]], None),
        (TEXT, [[0, 1, 2], [0, 3, 0]], r"sample 1 holds 3 at \[1\]; wanted the index of a token, 0 to 2"),
        (TEXT, [[0, -1, 2]], r"holds -1 at \[1\]"),
        (ROLL, [[[0, 127, 128]]], r"holds 128 at \[0, 2\]; wanted 0 to 127"),
    ],
)
def test_values_that_the_kind_cannot_mean_are_the_caller_s_fault(sample, rows, message):
    generator = loaded(sample)
    data = np.array(rows, artifact.sample_dtype(generator.message)).tobytes()
    if message is None:
        assert decode(generator, data=data, label="cat").originals.content.tobytes() == data
        return
    with pytest.raises(InvalidRequest, match=f"^data: {message}" if message.startswith("sample") else message):
        decode(generator, data=data, label="cat")


def test_the_framed_response_is_what_the_generated_class_writes():
    samples = np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1)
    originals = artifact.Originals(samples, np.array([2, 1, 0]), np.array([-1, 1, 1]), np.full(3, 0.25, np.float32))
    raw = carrying.encoder(Carry(originals), IDENTITY)((samples, np.array([0, 1, 1])))
    message = pb.TransformResponse(
        data=samples.tobytes(),
        class_indices=[2, 1, 0],
        source_class_indices=[0, 1, 1],
        generator="tiny",
        version=1,
        digest="ab" * 32,
        strength=0.25,
    )
    assert raw == message.SerializeToString()
