"""Between the messages of Transform and orders: the counterpart of service.rpc.codec, for samples that come in.

They are large, so they are not parsed: protobuf would copy them twice. What stays of them is a view of the call's own
bytes, until a lane copies it into its memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import CannotTransform, InvalidRequest
from service.repository.repository import Loaded
from service.repository.versions import Identity
from service.rpc import codec
from service.scheduling.order import Carry

_DATA_KEY = pb.TransformRequest.DESCRIPTOR.fields_by_name["data"].number << 3 | 2  # its wire type: length-delimited
# Fields that are looked at one by one; a class for each sample is one of them, where it is packed as proto3 has it.
_FIELDS_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, and its samples beside it."""

    request: pb.TransformRequest  # without data
    data: bytes | memoryview


def read(raw: bytes) -> Sent:
    """The message in the bytes of a call; raises InvalidRequest if they are no such message."""
    start, first, end = _data(raw)
    if end == start:
        request = codec.read(raw, pb.TransformRequest)
        data = request.data
        request.ClearField("data")
        return Sent(request, data)
    view = memoryview(raw)
    return Sent(codec.read(raw[:start] + raw[end:], pb.TransformRequest), view[first:end])


def _data(raw: bytes) -> tuple[int, int, int]:
    """Where the field `data` starts, its content starts and it ends; equal numbers: protobuf has to find it.

    Protobuf is asked about all that is not plain: the field twice, groups, many fields, a message that is cut off.
    """
    nothing = (0, 0, 0)
    found, at = nothing, 0
    for _ in range(_FIELDS_LIMIT):
        if at == len(raw):
            return found
        start = at
        key, at = _varint(raw, at)
        kind = key & 7
        if kind == 0:
            _, at = _varint(raw, at)
        elif kind == 2:
            size, at = _varint(raw, at)
            if key == _DATA_KEY:
                if found is not nothing:
                    return nothing
                found = start, at, at + size
            at += size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            return nothing
        if not start < at <= len(raw):
            return nothing
    return nothing


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends: beyond the end of `raw` if it does not end there."""
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(raw):
            break
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return 0, len(raw) + 1


def check_transforms(generator: Loaded) -> None:
    """Raise CannotTransform unless the generator can carry samples into other classes."""
    if not generator.message.transforms:
        identity = generator.identity
        raise CannotTransform(
            f"generator {identity.name!r} version {identity.version} cannot transform: its file has no encoder; train "
            "it with `python -m training fit --transform`"
        )


def decode(sent: Sent, generator: Loaded) -> Carry:
    """The samples to carry; raises InvalidRequest naming the field, its value and the allowed values, CannotTransform.

    They are a view of `sent.data`.
    """
    message, request, classes = generator.message, sent.request, generator.classes
    check_transforms(generator)
    content = _content(sent.data, message, generator.max_samples)
    n = len(content)
    target = codec.class_indices(request.label, request.class_indices, classes, n)
    source = np.full(n, artifact.UNKNOWN, np.int64)
    if request.source_label or request.source_class_indices:
        source = codec.class_indices(request.source_label, request.source_class_indices, classes, n, "source_")
    strength = request.strength if request.HasField("strength") else 1.0
    if not 0 <= strength <= 1 or math.isnan(strength):
        raise InvalidRequest(f"strength is {strength:g}; it must be in [0, 1] (1: all the way)")
    if fault := generator.fault(content):
        raise InvalidRequest(f"data: {fault}")
    return Carry(artifact.Originals(content, target, source, np.full(n, strength, np.float32)))


def _content(data: bytes | memoryview, message: pb.Generator, max_samples: int) -> np.ndarray:
    """Sample dtype [n, *sample shape]."""
    dtype, shape = artifact.sample_dtype(message), artifact.sample_shape(message)
    size = math.prod(shape) * dtype.itemsize
    described = f"a sample is {dtype.name} {list(shape)}, {size} bytes"
    if not data:
        raise InvalidRequest(f"data is empty; it must hold 1 to {max_samples} samples, and {described}")
    n, rest = divmod(len(data), size)
    if rest:
        raise InvalidRequest(f"data has {len(data)} bytes, which are no whole samples; {described}")
    if n > max_samples:
        raise InvalidRequest(f"data holds {n} samples; one call carries at most {max_samples}: send them in several")
    return np.frombuffer(data, dtype).reshape(n, *shape)


def encoder(carry: Carry, identity: Identity) -> Callable[[tuple[np.ndarray, np.ndarray]], bytes]:
    """What writes the bytes of a TransformResponse, equal to what the generated class writes.

    Its argument: samples, sample dtype [n, *sample shape], and their source classes, int64 [n].
    """
    # Not the order itself: that would keep the caller's samples until the answer is sent.
    target, strength = carry.originals.target, float(carry.originals.strength[0])

    def encode(result: tuple[np.ndarray, np.ndarray]) -> bytes:
        samples, recognised = result
        rest = pb.TransformResponse(
            class_indices=target.tolist(),
            source_class_indices=recognised.tolist(),
            generator=identity.name,
            version=identity.version,
            digest=identity.digest,
            strength=strength,
        )
        return b"".join(
            (codec.DATA_TAG, codec.varint(samples.nbytes), samples.reshape(-1).data, rest.SerializeToString())
        )

    return encode
