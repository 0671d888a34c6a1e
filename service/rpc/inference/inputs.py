"""What the tensors of a ModelInferRequest hold, whatever they mean."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from service.errors import InvalidRequest, choices, quote
from service.rpc.inference import grpc_predict_v2_pb2 as oip

# Datatype of the protocol: NumPy's, and the field of InferTensorContents.
NUMBERS: dict[str, tuple[np.dtype, str]] = {
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
INTEGERS = tuple(name for name in NUMBERS if "INT" in name)
FLOATS = ("FP32", "FP64")

_LENGTH = struct.Struct("<I")


def inputs_of(
    request: oip.ModelInferRequest, known: Mapping[str, tuple[str, ...]], shapes: Mapping[str, tuple[int, ...]] = {}
) -> dict[str, Any]:
    """Values of each input, in order, as a list: bytes, int or float; of an input with a shape its bytes.

    known:  the datatypes that each input may have. shapes: of what is no list, without n.
    """
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidRequest(
            f"there are {len(request.inputs)} inputs and {len(raw)} raw_input_contents; "
            "give one for each input, in order, or none"
        )
    found: dict[str, Any] = {}
    for number, tensor in enumerate(request.inputs):
        name = tensor.name
        if name not in known:
            others = choices(list(known), instead_of=name)
            raise InvalidRequest(f"there is no input {quote(name)}; inputs: {others}")
        if name in found:
            raise InvalidRequest(f"input {quote(name)} is given twice")
        if tensor.parameters:
            raise InvalidRequest(
                f"input {quote(name)} has the parameter {quote(min(tensor.parameters))}; none is known, "
                "and there is no shared memory"
            )
        if tensor.datatype not in known[name]:
            raise InvalidRequest(
                f"input {quote(name)} has the datatype {quote(tensor.datatype)}; allowed: {', '.join(known[name])}"
            )
        count = _count(tensor) if name not in shapes else _count_shaped(tensor, shapes[name])
        if raw:
            if tensor.HasField("contents"):
                raise InvalidRequest(f"input {quote(name)} has contents, and there are raw_input_contents; give one")
            if name in shapes:
                found[name] = _checked(tensor, raw[number], count)
            elif tensor.datatype == "BYTES":
                found[name] = _strings(tensor, raw[number], count)
            else:
                found[name] = np.frombuffer(_checked(tensor, raw[number], count), _dtype(tensor)).tolist()
        else:
            values = _contents(tensor, count)
            found[name] = _packed(tensor, values) if name in shapes else values
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


def _count_shaped(tensor: oip.ModelInferRequest.InferInputTensor, shape: tuple[int, ...]) -> int:
    """Elements of a tensor of n samples."""
    given = list(tensor.shape)
    if given[1:] != list(shape) or given[0] < 0:
        wanted = ", ".join(["n", *map(str, shape)])
        raise InvalidRequest(f"input {quote(tensor.name)} has the shape {_short(given)}; wanted [{wanted}]")
    return math.prod(given)


def _dtype(tensor: oip.ModelInferRequest.InferInputTensor) -> np.dtype:
    return NUMBERS[tensor.datatype][0]


def _checked(tensor: oip.ModelInferRequest.InferInputTensor, raw: bytes, count: int) -> bytes:
    """The bytes of so many numbers, and no others."""
    size = count * _dtype(tensor).itemsize
    if len(raw) != size:
        raise InvalidRequest(
            f"input {quote(tensor.name)} has {len(raw)} bytes; {tensor.datatype} {_short(list(tensor.shape))} "
            f"has {size}"
        )
    return raw


def _packed(tensor: oip.ModelInferRequest.InferInputTensor, values: list) -> bytes:
    """As raw contents have them."""
    dtype = _dtype(tensor)
    try:
        return np.array(values, dtype).tobytes()
    except OverflowError:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        wrong = next(value for value in values if not low <= value <= high)
        raise InvalidRequest(
            f"input {quote(tensor.name)} holds {wrong}; {tensor.datatype} has {low} to {high}"
        ) from None


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
    wanted = "bytes_contents" if tensor.datatype == "BYTES" else NUMBERS[tensor.datatype][1]
    for field, _ in tensor.contents.ListFields():
        if field.name != wanted:
            raise InvalidRequest(f"input {quote(tensor.name)} has {field.name}; {tensor.datatype} goes into {wanted}")
    values = list(getattr(tensor.contents, wanted))
    if len(values) != count:
        raise InvalidRequest(
            f"input {quote(tensor.name)} has {len(values)} elements; its shape {_short(list(tensor.shape))} has {count}"
        )
    return values


def _short(shape: list[int]) -> str:
    return str(shape) if len(shape) <= 8 else f"{shape[:8]} and {len(shape) - 8} more extents"
