"""Between the tensors of the Open Inference Protocol and orders: the counterpart of service.rpc.codec.

A request becomes the GenerateRequest that asks for the same; the rest of the way is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import InvalidRequest, choices, quote
from service.repository.versions import Identity
from service.rpc.codec import varint
from service.rpc.inference import grpc_predict_v2_pb2 as oip
from service.rpc.inference.inputs import FLOATS, INTEGERS, NUMBERS, inputs_of
from service.scheduling.order import Order

# Input: the datatypes that it may have, first the one that the metadata name.
INPUTS: dict[str, tuple[str, ...]] = {
    "label": ("BYTES", *INTEGERS),
    "seed": ("UINT64", *(name for name in INTEGERS if name != "UINT64")),
    "index": ("UINT64", *(name for name in INTEGERS if name != "UINT64")),
    "truncation": FLOATS,
}
PARAMETERS = ("n", "start_index", "seed", "truncation", "digest", "channel", "keep", "of")
_TEXTS = ("digest", "channel")
_FRACTIONS = ("truncation", "strength")
# Of Triton's scheduler: without meaning here, where the deadline is gRPC's and clients get fair shares.
_IGNORED = {"priority", "timeout", "sequence_id", "sequence_start", "sequence_end"}
OUTPUTS = ("sample", "index", "class_index", "seed")

_RAW_TAG = b"\x32"  # ModelInferResponse.raw_output_contents: field 6, length-delimited

# What the metadata call the datatypes of samples, in this protocol and in Triton's configuration.
DATATYPES = {
    np.dtype(kind): (name, getattr(oip, f"TYPE_{name}"))
    for name, (kind, _) in NUMBERS.items()
    if np.dtype(kind) in artifact.DTYPES.values()
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, in terms of the contract of augmint."""

    request: pb.GenerateRequest
    outputs: list[str]  # names, in the order wanted


def pins(request: oip.ModelInferRequest) -> tuple[str, str]:
    """The parameters `digest` and `channel`; empty: not given."""
    parameters = read_parameters(request, (*PARAMETERS, "strength"))
    return parameters.get("digest", ""), parameters.get("channel", "")


def decode(request: oip.ModelInferRequest, classes: dict[str, int]) -> Asked:
    """What is asked for; raises InvalidRequest naming the input or parameter, its value and what is allowed.

    classes: class index of each label of the generator.
    """
    inputs = inputs_of(request, INPUTS)
    parameters = read_parameters(request, PARAMETERS)
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
    found.label, each = one_or_each("label", labels, classes)
    found.class_indices.extend(each)
    if indices is not None:
        found.indices.extend(_whole("input 'index'", value) for value in indices)
    seed = one_value("seed", inputs, parameters)
    if seed is not None:
        found.seed = _whole("seed", seed)
    truncation = one_value("truncation", inputs, parameters)
    if truncation is not None:
        found.truncation = truncation
    return Asked(found, read_outputs(request, OUTPUTS))


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
    return write(identity, request_id, {output: arrays[output] for output in asked.outputs})


def write(identity: Identity, request_id: str, outputs: Mapping[str, tuple[str, np.ndarray]]) -> bytes:
    """The bytes of a ModelInferResponse; outputs: datatype and values of each, in order."""
    response = oip.ModelInferResponse(model_name=identity.name, model_version=str(identity.version), id=request_id)
    response.parameters["digest"].string_param = identity.digest
    parts: list[bytes | memoryview] = [b""]
    for output, (datatype, array) in outputs.items():
        response.outputs.add(name=output, datatype=datatype, shape=array.shape)
        parts += [_RAW_TAG, varint(array.nbytes), array.reshape(-1).data]
    parts[0] = response.SerializeToString()
    return b"".join(parts)


# -- values --------------------------------------------------------------------------------------------------


def one_or_each(what: str, labels: list[bytes | int], classes: dict[str, int]) -> tuple[str, list[int]]:
    """The name of the class that an input holds for all samples, or the index of each; the other is empty.

    labels: names or class indices. Raises InvalidRequest.
    """
    if len(labels) > 1:
        return "", [_class_index(what, label, classes) for label in labels]
    index = _class_index(what, labels[0], classes)
    return next(name for name, number in classes.items() if number == index), []


def _class_index(what: str, label: bytes | int, classes: dict[str, int]) -> int:
    if isinstance(label, int):
        if not 0 <= label < len(classes):
            raise InvalidRequest(f"input {quote(what)} holds {label}; there are {len(classes)} classes, from 0")
        return label
    try:
        name = label.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"input {quote(what)} holds bytes that are no UTF-8 text: {label[:64]!r}") from error
    index = classes.get(name)
    if index is None:
        known = choices(list(classes), instead_of=name)
        raise InvalidRequest(f"unknown label {quote(name)}; labels: {known}")
    return index


def one_value(name: str, inputs: Mapping[str, list], parameters: Mapping) -> Any:
    """The value of an input or of a parameter; None: neither is given. Raises InvalidRequest."""
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


def read_parameters(request: oip.ModelInferRequest, known: Sequence[str]) -> dict:
    """By name: texts, numbers, the others whole numbers from 0; raises InvalidRequest for what is not known."""
    found = {}
    for name, parameter in request.parameters.items():
        if name in _IGNORED:
            continue
        if name not in known:
            others = choices(list(known), instead_of=name)
            raise InvalidRequest(f"there is no parameter {quote(name)}; parameters: {others}")
        kind = parameter.WhichOneof("parameter_choice")
        value = getattr(parameter, kind) if kind else None
        if name in _TEXTS:
            good, wanted = isinstance(value, str), "a text"
        elif name in _FRACTIONS:
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


def read_outputs(request: oip.ModelInferRequest, known: Sequence[str]) -> list[str]:
    """The outputs that are asked for, in order, or all that are known; raises InvalidRequest."""
    names = []
    for output in request.outputs:
        if output.name not in known:
            raise InvalidRequest(f"there is no output {quote(output.name)}; outputs: {choices(list(known))}")
        if output.name in names:
            raise InvalidRequest(f"output {quote(output.name)} is asked for twice")
        if output.parameters:
            raise InvalidRequest(
                f"output {quote(output.name)} has the parameter {quote(min(output.parameters))}; none is known, "
                "and there is no shared memory"
            )
        names.append(output.name)
    return names or list(known)
