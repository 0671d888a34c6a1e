"""Between messages and arrays: the only file that knows both.

Requests come as bytes and responses leave as bytes (the servicer registers no serialisers with grpc), for two reasons:
undecodable bytes get an answer that names the fault, and samples are copied once. protobuf would copy them into the
message and again out of it: 1.2 to 2.2 ms a MiB, where joining the framed parts takes less than 0.1.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import InvalidRequest, choices, quote
from service.repository.versions import Identity
from service.scheduling.order import Order
from service.scheduling.selection import OF_LIMIT

M = TypeVar("M", bound=Message)

# Up to here Python is faster than a call of NumPy.
FEW = 64

# Of a seed that is drawn here: programs without unsigned 64-bit numbers, such as most readers of JSON and clients of
# the Open Inference Protocol, can give it back. Two of 10 million calls have the same one with a chance of 1 in 200.
DRAWN_BITS = 53

DATA_TAG = b"\x0a"  # of both responses: field 1, length-delimited


def read(raw: bytes, kind: type[M]) -> M:
    """The message in the bytes of a call; raises InvalidRequest if they are no such message."""
    try:
        return kind.FromString(raw)
    except DecodeError as error:
        raise InvalidRequest(f"the request's {len(raw)} bytes are no {kind.DESCRIPTOR.full_name} message") from error


def decode(request: pb.GenerateRequest, classes: dict[str, int], max_samples: int, scored: bool = False) -> Order:
    """The order in a request; raises InvalidRequest naming the field, its value and the allowed values.

    classes: class index of each label. scored: whether the generator can select.
    """
    n = _count(request, classes, max_samples)
    labels = _classes(request.label, request.class_indices, classes, n, "")
    indices = _indices(request, n)
    truncation = request.truncation if request.HasField("truncation") else 1.0
    if not (0 < truncation <= artifact.TRUNCATION_LIMIT) or math.isnan(truncation):
        raise InvalidRequest(f"truncation is {truncation:g}; it must be above 0 and at most 2 (1: as trained)")
    seed = request.seed if request.HasField("seed") else secrets.randbits(DRAWN_BITS)
    keep, of = request.keep, request.of
    if keep or of:
        if not 1 <= keep <= of <= OF_LIMIT:
            raise InvalidRequest(f"keep is {keep} and of is {of}; wanted 1 <= keep <= of <= {OF_LIMIT}, or neither")
        if not scored:
            raise InvalidRequest(
                f"keep {keep} of {of}: this generator has no score to select by (`python -m training fit --score`)"
            )
    return Order(labels, seed, request.start_index, truncation, indices, keep, of)


def _count(request: pb.GenerateRequest, classes: dict[str, int], max_samples: int) -> int:
    """n, in [1, max_samples], however many fields say it."""
    _check_one(request.label, request.class_indices, classes)
    lists = {"class_indices": len(request.class_indices), "indices": len(request.indices)}
    n = request.n or max(lists.values())
    for name, length in lists.items():
        if length and length != n:
            raise InvalidRequest(f"n is {n} and there are {length} {name}; leave n out or make them equal")
    if not 1 <= n <= max_samples:
        raise InvalidRequest(f"n is {n}; it must be in [1, {max_samples}]; ask for more samples in several calls")
    return n


def _indices(request: pb.GenerateRequest, n: int) -> np.ndarray | None:
    """uint64 [n], None if the samples follow start_index."""
    if request.indices:
        if request.start_index:
            raise InvalidRequest("start_index and indices are both given; give one of them")
        indices = np.array(request.indices[:], np.uint64)
        highest = int(indices.max())
        if highest >= artifact.INDEX_LIMIT:
            raise InvalidRequest(f"indices holds {highest}; an index is below 2^48 = {artifact.INDEX_LIMIT}")
        return indices
    if request.start_index > artifact.INDEX_LIMIT - n:
        raise InvalidRequest(
            f"start_index {request.start_index} with n {n} goes past the end of the stream; "
            f"start_index + n is at most 2^48 = {artifact.INDEX_LIMIT}"
        )
    return None


def _check_one(label: str, indices: Sequence[int], classes: dict[str, int], which: str = "") -> None:
    """Raise InvalidRequest unless one of two fields is given; which: what their names begin with."""
    if label and indices:
        raise InvalidRequest(f"{which}label and {which}class_indices are both given; give one of them")
    if not label and not indices:
        raise InvalidRequest(
            f"neither {which}label nor {which}class_indices is given; labels: {choices(list(classes))}"
        )


def class_indices(label: str, indices: Sequence[int], classes: dict[str, int], n: int, which: str = "") -> np.ndarray:
    """int64 [n]: one class for all, or one for each of n samples; raises InvalidRequest.

    which: what the names of the fields begin with.
    """
    _check_one(label, indices, classes, which)
    return _classes(label, indices, classes, n, which)


def _classes(label: str, indices: Sequence[int], classes: dict[str, int], n: int, which: str) -> np.ndarray:
    if indices:
        given = indices[:]  # a list at once; NumPy would ask for one element after the other
        if len(given) != n:
            raise InvalidRequest(f"there are {n} samples and {len(given)} {which}class_indices; give one for each")
        labels = np.array(given, np.int64)
        highest = max(given) if n <= FEW else int(labels.max())
        if highest >= len(classes):
            raise InvalidRequest(f"{which}class_indices holds {highest}; there are {len(classes)} classes, from 0")
        return labels
    index = classes.get(label)
    if index is None:
        known = choices(list(classes), instead_of=label)
        raise InvalidRequest(f"unknown {which}label {quote(label)}; labels: {known}")
    return np.full(n, index, np.int64)


def encode(samples: np.ndarray, order: Order, identity: Identity) -> bytes:
    """The bytes of a GenerateResponse, equal to what the generated class writes.

    samples: sample dtype [n, *sample shape], C order, little-endian.
    """
    rest = pb.GenerateResponse(
        class_indices=order.labels.tolist(),
        seed=order.seed,
        start_index=order.start_index,
        generator=identity.name,
        version=identity.version,
        digest=identity.digest,
        truncation=order.truncation,
        indices=None if order.indices is None else order.indices.tolist(),
        keep=order.keep,
        of=order.of,
    )
    # `data` is field 1, so it comes first and the other fields follow as they are.
    return b"".join((DATA_TAG, varint(samples.nbytes), samples.reshape(-1).data, rest.SerializeToString()))


def varint(value: int) -> bytes:
    """A length, as protobuf writes it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
