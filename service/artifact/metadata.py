"""The Generator message inside the file, and what it has to say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from google.protobuf import json_format

from augmint.v1 import generator_pb2 as pb
from service.artifact import kinds
from service.artifact.address import DRAWS_PER_INDEX, INDEX_LIMIT, TRUNCATION_LIMIT

if TYPE_CHECKING:
    import onnx

METADATA_KEY = "augmint.v1.Generator"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
VERSION = re.compile(r"[1-9][0-9]{0,8}")
DTYPES: dict[int, np.dtype] = {
    pb.DATA_TYPE_UINT8: np.dtype("<u1"),
    pb.DATA_TYPE_INT16: np.dtype("<i2"),
    pb.DATA_TYPE_INT32: np.dtype("<i4"),
    pb.DATA_TYPE_INT64: np.dtype("<i8"),
    pb.DATA_TYPE_FLOAT32: np.dtype("<f4"),
}


class ArtifactError(ValueError):
    """The file is not a generator that this release can serve; the message says what is wrong."""


class Withheld(ArtifactError):
    """The file is sound, and its quality card says that it should not be used."""


def sample_dtype(generator: pb.Generator) -> np.dtype:
    """Element type of the generator's samples, little-endian."""
    return DTYPES[generator.sample.dtype]


def sample_shape(generator: pb.Generator) -> tuple[int, ...]:
    """Shape of one sample, e.g. (28, 28, 1)."""
    return tuple(generator.sample.shape)


def validate(generator: pb.Generator) -> pb.Generator:
    """Return the message if it keeps every rule of generator.proto; raise ArtifactError naming the field if not."""

    def demand(holds: object, message: str) -> None:
        if not holds:
            raise ArtifactError(f"metadata {METADATA_KEY}: {message}")

    demand(NAME.fullmatch(generator.name), f"name {generator.name!r} does not match {NAME.pattern}")
    demand(generator.version >= 1, f"version {generator.version} is below 1")
    demand(generator.labels, "no labels")
    demand(all(generator.labels), "an empty label")
    demand(len(set(generator.labels)) == len(generator.labels), "labels repeat")
    demand(generator.sample.dtype in DTYPES, f"sample.dtype {generator.sample.dtype} is not a known DataType")
    demand(generator.sample.shape, "sample.shape is empty")
    demand(min(generator.sample.shape, default=1) >= 1, f"sample.shape {list(generator.sample.shape)} has a zero")
    size = int(np.prod(sample_shape(generator), dtype=object)) * sample_dtype(generator).itemsize
    demand(size <= 2**24, f"one sample is {size} bytes; at most 16 MiB")
    demand(
        generator.latent_size <= DRAWS_PER_INDEX,
        f"latent_size {generator.latent_size} is above {DRAWS_PER_INDEX}, the draws that one index owns",
    )
    fault = kinds.fault(generator.sample, len(generator.labels))
    demand(not fault, fault)
    wrong = kinds.checker(generator.sample)

    def demand_sample(what: str, data: bytes) -> None:
        demand(len(data) == size, f"{what} has {len(data)} bytes; a sample has {size}")
        values = np.frombuffer(data, sample_dtype(generator)).reshape(1, *sample_shape(generator))
        demand(not wrong(values), f"{what} holds what its kind cannot mean")

    demand(generator.golden, "no golden samples")
    for number, golden in enumerate(generator.golden):
        where = f"golden[{number}]"
        demand(golden.class_index < len(generator.labels), f"{where}.class_index {golden.class_index} is no class")
        demand(golden.index < INDEX_LIMIT, f"{where}.index {golden.index} is not below 2^48")
        demand(0 < golden.truncation <= TRUNCATION_LIMIT, f"{where}.truncation {golden.truncation} is outside (0, 2]")
        demand_sample(f"{where}.data", golden.data)
        if generator.transforms:
            demand_sample(f"{where}.transformed", golden.transformed)
        else:
            demand(not golden.transformed, f"{where}.transformed is given, and the generator transforms nothing")
    return generator


def from_json(text: str | None) -> pb.Generator:
    """Read and validate the metadata value of a file.

    text: the value under METADATA_KEY, None if the file has none. Unknown fields are ignored, so that a newer
          training run can still be served.
    """
    if text is None:
        raise ArtifactError(f"no metadata {METADATA_KEY}: not exported by `python -m training`")
    try:
        return validate(json_format.Parse(text, pb.Generator(), ignore_unknown_fields=True))
    except json_format.ParseError as error:
        raise ArtifactError(f"metadata {METADATA_KEY}: {error}") from error


def embed(model: onnx.ModelProto, generator: pb.Generator) -> bytes:
    """The model's bytes with the (validated) message as its metadata; replaces what was there."""
    validate(generator)
    kept = [(entry.key, entry.value) for entry in model.metadata_props if entry.key != METADATA_KEY]
    del model.metadata_props[:]
    text = json_format.MessageToJson(generator, indent=None, ensure_ascii=False)
    for key, value in [*kept, (METADATA_KEY, text)]:
        model.metadata_props.add(key=key, value=value)
    return model.SerializeToString(deterministic=True)


def check_verdict(generator: pb.Generator) -> None:
    """Raise Withheld if the file's own quality card says that it should not be used."""
    if generator.quality.verdict == pb.VERDICT_WITHHELD:
        reasons = " ".join(generator.quality.reasons) or "it gives no reason"
        raise Withheld(f"its quality card withholds it: {reasons}")
