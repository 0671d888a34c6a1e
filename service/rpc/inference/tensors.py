"""Between the tensors of the Open Inference Protocol and orders: the counterpart of service.rpc.codec.

A request becomes the GenerateRequest that asks for the same; the rest of the way is one.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import InvalidRequest, choices, quote
from service.repository.versions import Identity
from service.rpc.codec import varint
from service.rpc.inference import grpc_predict_v2_pb2 as oip
from service.scheduling.order import Order

# Datatype of the protocol: NumPy's, and the field of InferTensorContents.
_NUMBERS: dict[str, tuple[np.dtype, str]] = {
    "INT8": (np.dtype("<i1"), "int_contents"),
    "INT16": (np.dtype("<i2"), "int_contents"),
    "INT32": (np.dtype("<i4"), "int_contents"),
    "INT64": (np.dtype("<i8"), "int64_contents"),
    "UINT8": (np.dtype("<u1"), "uint_contents"),
    "UINT16": (np.dtype("<u2"), "uint_contents"),
    "UINT32": (np.dtype("<u4"), "uint_contents"),
    "UINT64": (np.dtype("<u8"), "uint64_contents"),
    "FP32": (np.dtype("<f4"), "fp32_contents"),
    "FP64": (np.dtype("<f8"), "fp64_contents"),
}
_INTEGERS = tuple(name for name in _NUMBERS if "INT" in name)
_FLOATS = ("FP32", "FP64")

# Input: the datatypes that it may have, first the one that the metadata name.
INPUTS: dict[str, tuple[str, ...]] = {
    "label": ("BYTES", *_INTEGERS),
    "seed": ("UINT64", *(name for name in _INTEGERS if name != "UINT64")),
    "index": ("UINT64", *(name for name in _INTEGERS if name != "UINT64")),
    "truncation": _FLOATS,
}
PARAMETERS = ("n", "start_index", "seed", "truncation", "digest", "channel", "keep", "of")
_TEXTS = ("digest", "channel")
# Of Triton's scheduler: without meaning here, where the deadline is gRPC's and clients get fair shares.
_IGNORED = {"priority", "timeout", "sequence_id", "sequence_start", "sequence_end"}
OUTPUTS = ("sample", "index", "class_index", "seed")

_RAW_TAG = b"\x32"  # ModelInferResponse.raw_output_contents: field 6, length-delimited
_LENGTH = struct.Struct("<I")

# What the metadata call the datatypes of samples, in this protocol and in Triton's configuration.
DATATYPES = {
    np.dtype(kind): (name, getattr(oip, f"TYPE_{name}"))
    for name, (kind, _) in _NUMBERS.items()
    if np.dtype(kind) in artifact.DTYPES.values()
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, in terms of the contract of augmint."""

    request: pb.GenerateRequest
    outputs: list[str]  # names, in the order wanted


def pins(request: oip.ModelInferRequest) -> tuple[str, str]:
    """The parameters `digest` and `channel`; empty: not given."""
    parameters = _parameters(request)
    return parameters.get("digest", ""), parameters.get("channel", "")


def decode(request: oip.ModelInferRequest, classes: dict[str, int]) -> Asked:
    """What is asked for; raises InvalidRequest naming the input or parameter, its value and what is allowed.

    classes: class index of each label of the generator.
    """
    inputs = _inputs(request)
    parameters = _parameters(request)
    if "label" not in inputs:
        raise InvalidRequest(f"there is no input 'label', BYTES [n]; labels: {choices(list(classes))}")
    labels = inputs["label"]
    indices = inputs.get("index")
    parameters.setdefault("n", max(len(labels), 0 if indices is None else len(indices)))
    found = pb.GenerateRequest(start_index=parameters.get("start_index", 0))
    for name in ("n", "keep", "of"):
        value = parameters.get(name, 0)
        if value >= 2**32:
            raise InvalidRequest(f"parameter {quote(name)} is {value}; it must be below 2^32")
        setattr(found, name, value)
    if len(labels) == 1:
        found.label = _name(labels[0], classes)  # for all n, however many that would be
    else:
        found.class_indices.extend(_class_index(label, classes) for label in labels)
    if indices is not None:
        found.indices.extend(_whole("input 'index'", value) for value in indices)
    seed = _one("seed", inputs, parameters)
    if seed is not None:
        found.seed = _whole("seed", seed)
    truncation = _one("truncation", inputs, parameters)
    if truncation is not None:
        found.truncation = truncation
    return Asked(found, _outputs(request))


def encode(asked: Asked, request_id: str, samples: np.ndarray, order: Order, identity: Identity) -> bytes:
    """The bytes of a ModelInferResponse; the samples are copied once, as in service.rpc.codec.encode."""
    name, _ = DATATYPES[samples.dtype]
    if order.indices is None:
        indices = np.arange(order.start_index, order.start_index + order.n, dtype="<u8")
    else:
        indices = order.indices
    arrays = {
        "sample": (name, samples),
        "index": ("UINT64", indices),
        "class_index": ("INT64", order.labels),
        "seed": ("UINT64", np.array([order.seed], "<u8")),
    }
    response = oip.ModelInferResponse(model_name=identity.name, model_version=str(identity.version), id=request_id)
    response.parameters["digest"].string_param = identity.digest
    parts: list[bytes | memoryview] = [b""]
    for output in asked.outputs:
        datatype, array = arrays[output]
        response.outputs.add(name=output, datatype=datatype, shape=array.shape)
        parts += [_RAW_TAG, varint(array.nbytes), array.reshape(-1).data]
    parts[0] = response.SerializeToString()
    return b"".join(parts)


# -- inputs --------------------------------------------------------------------------------------------------


def _inputs(request: oip.ModelInferRequest) -> dict[str, list]:
    """Values of each input, in order: bytes, int or float."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidRequest(
            f"there are {len(request.inputs)} inputs and {len(raw)} raw_input_contents; "
            "give one for each input, in order, or none"
        )
    found: dict[str, list] = {}
    for number, tensor in enumerate(request.inputs):
        name = tensor.name
        if name not in INPUTS:
            known = choices(list(INPUTS), instead_of=name)
            raise InvalidRequest(f"there is no input {quote(name)}; inputs: {known}")
        if name in found:
            raise InvalidRequest(f"input {quote(name)} is given twice")
        if tensor.parameters:
            raise InvalidRequest(
                f"input {quote(name)} has the parameter {quote(min(tensor.parameters))}; none is known, "
                "and there is no shared memory"
            )
        if tensor.datatype not in INPUTS[name]:
            raise InvalidRequest(
                f"input {quote(name)} has the datatype {quote(tensor.datatype)}; allowed: {', '.join(INPUTS[name])}"
            )
        count = _count(tensor)
        if raw:
            if tensor.HasField("contents"):
                raise InvalidRequest(f"input {quote(name)} has contents, and there are raw_input_contents; give one")
            read = _strings if tensor.datatype == "BYTES" else _numbers
            found[name] = read(tensor, raw[number], count)
        else:
            found[name] = _contents(tensor, count)
    return found


def _count(tensor: oip.ModelInferRequest.InferInputTensor) -> int:
    """Elements of a list in whatever shape: at most one extent is not 1."""
    shape = list(tensor.shape)
    count = math.prod(shape)
    if min(shape, default=1) < 1 or count != max(shape, default=1):
        raise InvalidRequest(
            f"input {quote(tensor.name)} has the shape {_short(shape)}; wanted [n] or [n, 1], n from 1"
        )
    return count


def _numbers(tensor: oip.ModelInferRequest.InferInputTensor, raw: bytes, count: int) -> list:
    dtype, _ = _NUMBERS[tensor.datatype]
    if len(raw) != count * dtype.itemsize:
        raise InvalidRequest(
            f"input {quote(tensor.name)} has {len(raw)} bytes; {tensor.datatype} {_short(list(tensor.shape))} "
            f"has {count * dtype.itemsize}"
        )
    return np.frombuffer(raw, dtype).tolist()


def _strings(tensor: oip.ModelInferRequest.InferInputTensor, raw: bytes, count: int) -> list[bytes]:
    """BYTES: each element after its length as uint32."""
    found: list[bytes] = []
    position = 0
    while position < len(raw) and len(found) < count:
        start = position + _LENGTH.size
        if start > len(raw):
            break
        position = start + _LENGTH.unpack_from(raw, position)[0]
        if position > len(raw):
            break
        found.append(raw[start:position])
    if position != len(raw) or len(found) != count:
        raise InvalidRequest(
            f"the {len(raw)} bytes of input {quote(tensor.name)} are not {count} elements, "
            "each after its length as uint32"
        )
    return found


def _contents(tensor: oip.ModelInferRequest.InferInputTensor, count: int) -> list:
    wanted = "bytes_contents" if tensor.datatype == "BYTES" else _NUMBERS[tensor.datatype][1]
    for field, _ in tensor.contents.ListFields():
        if field.name != wanted:
            raise InvalidRequest(f"input {quote(tensor.name)} has {field.name}; {tensor.datatype} goes into {wanted}")
    values = list(getattr(tensor.contents, wanted))
    if len(values) != count:
        raise InvalidRequest(
            f"input {quote(tensor.name)} has {len(values)} elements; its shape {_short(list(tensor.shape))} has {count}"
        )
    return values


# -- values --------------------------------------------------------------------------------------------------


def _name(label: bytes | int, classes: dict[str, int]) -> str:
    index = _class_index(label, classes)
    return next(name for name, number in classes.items() if number == index)


def _class_index(label: bytes | int, classes: dict[str, int]) -> int:
    if isinstance(label, int):
        if not 0 <= label < len(classes):
            raise InvalidRequest(f"input 'label' holds {label}; there are {len(classes)} classes, from 0")
        return label
    try:
        name = label.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"input 'label' holds bytes that are no UTF-8 text: {label[:64]!r}") from error
    index = classes.get(name)
    if index is None:
        known = choices(list(classes), instead_of=name)
        raise InvalidRequest(f"unknown label {quote(name)}; labels: {known}")
    return index


def _one(name: str, inputs: Mapping[str, list], parameters: Mapping) -> int | float | None:
    """The value of an input or of a parameter; None: neither is given."""
    values = inputs.get(name)
    if values is None:
        return parameters.get(name)
    if name in parameters:
        raise InvalidRequest(f"{name} is given as input and as parameter; give one of them")
    if any(value != values[0] for value in values[1:]):
        raise InvalidRequest(f"input {quote(name)} holds several values; one call has one {name}")
    return values[0]


def _whole(what: str, value: int | float) -> int:
    """In [0, 2^64)."""
    if not 0 <= value < 2**64:
        raise InvalidRequest(f"{what} holds {value}; it must be a whole number in [0, 2^64)")
    return int(value)


def _parameters(request: oip.ModelInferRequest) -> dict:
    """By name; digest and channel texts, truncation a number, the others whole numbers from 0."""
    found = {}
    for name, parameter in request.parameters.items():
        if name in _IGNORED:
            continue
        if name not in PARAMETERS:
            known = choices(list(PARAMETERS), instead_of=name)
            raise InvalidRequest(f"there is no parameter {quote(name)}; parameters: {known}")
        kind = parameter.WhichOneof("parameter_choice")
        value = getattr(parameter, kind) if kind else None
        if name in _TEXTS:
            good, wanted = isinstance(value, str), "a text"
        elif name == "truncation":
            good, wanted = isinstance(value, int | float) and not isinstance(value, bool), "a number"
        else:
            # As digits, too: a client whose whole numbers are int64 has no other way to give most seeds.
            if isinstance(value, str) and re.fullmatch("[0-9]{1,20}", value):
                value = int(value)
            good, wanted = (
                isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64,
                "a whole number from 0",
            )
        if not good:
            raise InvalidRequest(f"parameter {quote(name)} is {quote(str(value))}; it must be {wanted}")
        found[name] = value
    return found


def _outputs(request: oip.ModelInferRequest) -> list[str]:
    names = []
    for output in request.outputs:
        if output.name not in OUTPUTS:
            raise InvalidRequest(f"there is no output {quote(output.name)}; outputs: {choices(list(OUTPUTS))}")
        if output.name in names:
            raise InvalidRequest(f"output {quote(output.name)} is asked for twice")
        if output.parameters:
            raise InvalidRequest(
                f"output {quote(output.name)} has the parameter {quote(min(output.parameters))}; none is known, "
                "and there is no shared memory"
            )
        names.append(output.name)
    return names or list(OUTPUTS)


def _short(shape: list[int]) -> str:
    return str(shape) if len(shape) <= 8 else f"{shape[:8]} and {len(shape) - 8} more extents"
