import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmint.v1 import generator_pb2 as pb
from service.errors import InvalidRequest
from service.repository.versions import Identity
from service.rpc import codec
from service.rpc.inference import grpc_predict_v2_pb2 as oip
from service.rpc.inference import tensors
from service.rpc.inference.inputs import NUMBERS
from service.scheduling.order import Order

CLASSES = {"boot": 0, "coat": 1, "ä": 2}
U64 = st.integers(0, 2**64 - 1)


def request(raw=True, parameters=None, outputs=(), **inputs):
    """inputs: name=(datatype, shape, elements)."""
    found = oip.ModelInferRequest(model_name="clothes")
    for name, (datatype, shape, elements) in inputs.items():
        tensor = found.inputs.add(name=name, datatype=datatype, shape=shape)
        if datatype == "BYTES":
            field, packed = "bytes_contents", b"".join(struct.pack("<I", len(each)) + each for each in elements)
        else:
            dtype, field = NUMBERS[datatype]
            packed = np.array(elements, dtype).tobytes()
        if raw:
            found.raw_input_contents.append(packed)
        else:
            getattr(tensor.contents, field).extend(elements)
    for name, (kind, value) in (parameters or {}).items():
        setattr(found.parameters[name], kind, value)
    for name in outputs:
        found.outputs.add(name=name)
    return found


@given(st.lists(st.sampled_from(sorted(CLASSES)), min_size=1, max_size=9), st.data())
def test_both_ways_to_send_elements_ask_for_the_same(labels, data):
    n = len(labels)
    inputs = {
        "label": data.draw(
            st.sampled_from(
                [
                    ("BYTES", [n, 1], [label.encode() for label in labels]),
                    ("INT64", [n], [CLASSES[label] for label in labels]),
                    ("UINT8", [1, n], [CLASSES[label] for label in labels]),
                ]
            )
        ),
        "index": ("UINT64", [n], data.draw(st.lists(U64, min_size=n, max_size=n))),
        "seed": ("UINT64", [1], [data.draw(U64)]),
        "truncation": ("FP32", [1], [data.draw(st.sampled_from([0.25, 1.0, 2.0]))]),
    }
    asked = tensors.decode(request(**inputs), CLASSES).request
    assert asked == tensors.decode(request(raw=False, **inputs), CLASSES).request
    classes = [CLASSES[asked.label]] * n if asked.label else list(asked.class_indices)
    assert classes == [CLASSES[label] for label in labels]
    assert (asked.n, asked.seed) == (n, inputs["seed"][2][0])
    assert list(asked.indices) == inputs["index"][2]
    assert [asked.truncation] == inputs["truncation"][2]


def test_one_label_stands_for_all_samples_however_their_number_is_given():
    label = {"label": ("BYTES", [1], [b"coat"])}
    by_parameter = tensors.decode(request(parameters={"n": ("int64_param", 5)}, **label), CLASSES).request
    assert by_parameter == pb.GenerateRequest(label="coat", n=5)
    by_index = tensors.decode(request(index=("INT32", [3], [7, 8, 9]), **label), CLASSES).request
    assert by_index == pb.GenerateRequest(label="coat", n=3, indices=[7, 8, 9])
    # A number that would never be served costs no memory: it is refused as it stands.
    most = tensors.decode(request(parameters={"n": ("int64_param", 2**32 - 1)}, **label), CLASSES).request
    with pytest.raises(InvalidRequest, match="n is 4294967295; it must be in"):
        codec.decode(most, CLASSES, 100)


def test_parameters_say_what_inputs_say():
    parameters = {
        "n": ("uint64_param", 2),
        "start_index": ("int64_param", 40),
        "seed": ("uint64_param", 2**64 - 1),
        "truncation": ("double_param", 0.5),
        "keep": ("int64_param", 1),
        "of": ("int64_param", 4),
        "priority": ("uint64_param", 3),
        "timeout": ("int64_param", 1000),
    }
    asked = tensors.decode(request(parameters=parameters, label=("INT64", [], [2])), CLASSES).request
    assert asked == pb.GenerateRequest(label="ä", n=2, start_index=40, seed=2**64 - 1, truncation=0.5, keep=1, of=4)


@given(
    st.integers(1, 5),
    U64,
    st.sampled_from(["<u1", "<i2", "<i4", "<i8", "<f4"]),
    st.permutations(tensors.OUTPUTS),
    st.integers(0, 4),
    st.booleans(),
)
def test_a_response_is_what_the_generated_class_reads(n, seed, dtype, order_of_outputs, wanted, scattered):
    random = np.random.default_rng(n)
    samples = random.integers(0, 100, (n, 2, 3)).astype(dtype)
    indices = random.integers(0, 2**48, n).astype(np.uint64) if scattered else None
    order = Order(random.integers(0, 9, n), seed, 11, 1.0, indices)
    asked = tensors.Asked(pb.GenerateRequest(), list(order_of_outputs[:wanted]) or list(tensors.OUTPUTS))
    raw = tensors.encode(asked, "mine", samples, order, Identity("clothes", 3, "ab" * 32))
    response = oip.ModelInferResponse.FromString(raw)
    assert (response.model_name, response.model_version, response.id) == ("clothes", "3", "mine")
    assert response.parameters["digest"].string_param == "ab" * 32
    assert [output.name for output in response.outputs] == asked.outputs
    expected = {
        "sample": (samples.tobytes(), [n, 2, 3]),
        "index": ((np.arange(11, 11 + n, dtype=np.uint64) if indices is None else indices).tobytes(), [n]),
        "class_index": (order.labels.tobytes(), [n]),
        "seed": (struct.pack("<Q", seed), [1]),
    }
    for output, content in zip(response.outputs, response.raw_output_contents, strict=True):
        assert (content, list(output.shape)) == expected[output.name]


ONE = ("BYTES", [1], [b"coat"])


def spoilt(change, **inputs):
    found = request(**(inputs or {"label": ONE}))
    change(found)
    return found


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (request(), r"there is no input 'label', BYTES \[n\]; labels: 'boot', 'coat', 'ä'"),
        (request(label=("BYTES", [1], [b"hat"])), r"unknown label 'hat'; labels: 'boot', 'coat', 'ä'"),
        (request(label=("BYTES", [1], [b"\xff"])), r"no UTF-8 text: b'\\xff'"),
        (request(label=("INT64", [2], [0, 3])), r"input 'label' holds 3; there are 3 classes, from 0"),
        (request(label=("INT8", [1], [-1])), r"input 'label' holds -1; there are 3 classes"),
        (request(label=("FP32", [1], [1])), r"input 'label' has the datatype 'FP32'; allowed: BYTES, INT8"),
        (request(label=ONE, colour=("INT8", [1], [1])), r"no input 'colour'; inputs: 'label', 'seed'"),
        (request(label=ONE, seed=("INT64", [1], [-5])), r"seed holds -5; it must be a whole number in \[0, 2\^64\)"),
        (request(label=ONE, seed=("INT64", [2], [1, 2])), r"input 'seed' holds several values; one call has one seed"),
        (request(label=ONE, index=("INT64", [1], [-1])), r"input 'index' holds -1"),
        (request(label=("BYTES", [2, 2], [b"coat"] * 4)), r"input 'label' has the shape \[2, 2\]; wanted \[n\]"),
        (request(label=("BYTES", [0], [])), r"input 'label' has the shape \[0\]; wanted \[n\]"),
        (request(label=("BYTES", [-1, -1], [b"coat"])), r"has the shape \[-1, -1\]"),
        (request(label=("BYTES", [2], [b"coat"])), r"the 8 bytes of input 'label' are not 2 elements"),
        (request(label=("BYTES", [1], [b"coat", b"coat"])), r"the 16 bytes of input 'label' are not 1 elements"),
        (request(label=("INT64", [2], [1])), r"input 'label' has 8 bytes; INT64 \[2\] has 16"),
        (request(raw=False, label=("INT64", [2], [1])), r"input 'label' has 1 elements; its shape \[2\] has 2"),
        (spoilt(lambda r: r.raw_input_contents.append(b"")), r"there are 1 inputs and 2 raw_input_contents"),
        (spoilt(lambda r: r.inputs[0].contents.int64_contents.append(1)), r"input 'label' has contents, and there are"),
        (spoilt(lambda r: r.inputs.add(name="label"), label=ONE), r"there are 2 inputs and 1 raw_input_contents"),
        (
            request(parameters={"truncaton": ("double_param", 1)}, label=ONE),
            r"no parameter 'truncaton'; parameters: 'n'",
        ),
        (request(parameters={"n": ("string_param", "5\n")}, label=ONE), r"parameter 'n' is '5\\n'; it must be a whole"),
        (request(parameters={"n": ("bool_param", True)}, label=ONE), r"parameter 'n' is 'True'; it must be a whole"),
        (
            request(parameters={"n": ("int64_param", 2**40)}, label=ONE),
            r"parameter 'n' is 1099511627776; it must be below 2",
        ),
        (
            request(parameters={"digest": ("int64_param", 1)}, label=ONE),
            r"parameter 'digest' is '1'; it must be a text",
        ),
        (
            request(parameters={"seed": ("int64_param", 1)}, label=ONE, seed=("INT64", [1], [1])),
            r"seed is given as input and as parameter; give one of them",
        ),
        (request(outputs=["image"], label=ONE), r"no output 'image'; outputs: 'sample', 'index'"),
        (request(outputs=["index", "index"], label=ONE), r"output 'index' is asked for twice"),
        (
            spoilt(lambda r: r.inputs[0].parameters["shared_memory_region"].SetInParent()),
            r"input 'label' has the parameter 'shared_memory_region'; none is known, and there is no shared memory",
        ),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_right(wrong, message):
    with pytest.raises(InvalidRequest, match=message):
        tensors.decode(wrong, CLASSES)


def test_elements_in_the_field_of_another_datatype_are_named():
    found = oip.ModelInferRequest()
    found.inputs.add(name="label", datatype="INT64", shape=[1]).contents.int_contents.append(1)
    with pytest.raises(InvalidRequest, match="input 'label' has int_contents; INT64 goes into int64_contents"):
        tensors.decode(found, CLASSES)


@given(st.binary(max_size=40), st.integers(1, 5))
def test_any_bytes_are_elements_or_refused(raw, n):
    found = oip.ModelInferRequest(raw_input_contents=[raw])
    found.inputs.add(name="label", datatype="BYTES", shape=[n])
    with pytest.raises(InvalidRequest):
        tensors.decode(found, {"\0never": 0})
