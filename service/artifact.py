"""The self-describing ONNX file: training writes it, the service reads it.

One file holds the graph, its weights and, under the metadata key `METADATA_KEY`, one `augmint.v1.Generator`
message as JSON. This module owns that message's rules, the graph's signature, the mixing of seeds and the
layout of a repository (`<models>/<generator>/<version>/model.onnx`, and beside the versions `channels.json`).
It needs neither onnx nor onnxruntime.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from google.protobuf import json_format

from augmint.v1 import generator_pb2 as pb

if TYPE_CHECKING:
    import onnx

METADATA_KEY = "augmint.v1.Generator"
FILE_NAME = "model.onnx"
# Beside the file, if its maker wants the bytes checked: what `sha256sum model.onnx` writes.
DIGEST_FILE_NAME = "model.onnx.sha256"
# Beside the versions of a generator, if some of them have names: {"stable": 3, "canary": 4}.
CHANNELS_FILE_NAME = "channels.json"
CHANNELS_LIMIT = 32
# The channel that a request without version and channel gets, where it exists.
STABLE = "stable"

# What protobuf, and so ONNX, can hold in one message.
FILE_BYTES_LIMIT = 2**31 - 1

# A sample owns 2**16 draws of its seed's stream (64-bit counter = index * 2**16 + draw), hence 2**48 indices.
DRAWS_PER_INDEX = 2**16
INDEX_LIMIT = 2**48
TRUNCATION_LIMIT = 2.0

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
VERSION = re.compile(r"[1-9][0-9]{0,8}")
CHANNEL = re.compile(r"[a-z][a-z0-9._-]{0,31}")
DIGEST = re.compile(r"[0-9a-f]{64}")

DTYPES: dict[int, np.dtype] = {
    pb.DATA_TYPE_UINT8: np.dtype("<u1"),
    pb.DATA_TYPE_INT16: np.dtype("<i2"),
    pb.DATA_TYPE_INT32: np.dtype("<i4"),
    pb.DATA_TYPE_INT64: np.dtype("<i8"),
    pb.DATA_TYPE_FLOAT32: np.dtype("<f4"),
}

# Inputs of the graph, in the order that `service.session` feeds them; each has the shape [n].
INPUTS: dict[str, np.dtype] = {
    "seed": np.dtype("<u8"),  # mixed: see mix_seed
    "index": np.dtype("<u8"),  # in [0, INDEX_LIMIT)
    "label": np.dtype("<i8"),  # class index
    "truncation": np.dtype("<f4"),  # in (0, TRUNCATION_LIMIT]
}
OUTPUT = "sample"
# float32 [n], only in graphs whose metadata say `scored`; computed only when asked for.
SCORE = "score"

# A golden sample computed on another kind of device, or by another release of ONNX Runtime, may round a
# value to the next level now and then. A wrong graph or wrong weights change far more than this.
GOLDEN_TOLERANCE_LEVELS = 1
GOLDEN_TOLERANCE_SHARE = 0.02
GOLDEN_TOLERANCE_FLOAT = 1e-3


class ArtifactError(ValueError):
    """The file is not a generator that this release can serve; the message says what is wrong."""


class Withheld(ArtifactError):
    """The file is sound, and its quality card says that it should not be used."""


class Tensor(NamedTuple):
    """Name, element type and shape of a graph's input or output; a shape entry that is not an int is dynamic."""

    name: str
    dtype: np.dtype | None
    shape: tuple[int | str | None, ...]


def mix_seed(seed: int) -> np.uint64:
    """The graph's `seed` input for a caller's seed.

    The finaliser of splitmix64 (Steele, Lea and Flood 2014) turns neighbouring seeds into unrelated keys; Squares
    asks for odd keys (Widynski, arXiv:2004.06278).

    seed:    any integer in [0, 2**64).
    returns: uint64, odd.
    """
    mask = 2**64 - 1
    z = (int(seed) + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return np.uint64((z ^ (z >> 31)) | 1)


def digest(content: bytes) -> str:
    """SHA-256 of a file's bytes, lower-case hexadecimal: the artifact's identity."""
    return hashlib.sha256(content).hexdigest()


def sample_dtype(generator: pb.Generator) -> np.dtype:
    """Element type of the generator's samples, little-endian."""
    return DTYPES[generator.sample.dtype]


def sample_shape(generator: pb.Generator) -> tuple[int, ...]:
    """Shape of one sample, e.g. (28, 28, 1)."""
    return tuple(generator.sample.shape)


# -- metadata ---------------------------------------------------------------------------------------------


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
        1 <= generator.latent_size <= DRAWS_PER_INDEX,
        f"latent_size {generator.latent_size} is outside [1, {DRAWS_PER_INDEX}]",
    )
    if generator.sample.WhichOneof("kind") == "image":
        channels = {pb.COLOR_SPACE_GRAY: 1, pb.COLOR_SPACE_RGB: 3}.get(generator.sample.image.color_space)
        shape = sample_shape(generator)
        demand(channels, "sample.image.color_space is not set")
        demand(
            len(shape) == 3 and shape[2] == channels and generator.sample.dtype == pb.DATA_TYPE_UINT8,
            f"an image is uint8 [height, width, {channels}], but sample.shape is {list(shape)}",
        )
    demand(generator.golden, "no golden samples")
    for number, golden in enumerate(generator.golden):
        where = f"golden[{number}]"
        demand(golden.class_index < len(generator.labels), f"{where}.class_index {golden.class_index} is no class")
        demand(golden.index < INDEX_LIMIT, f"{where}.index {golden.index} is not below 2^48")
        demand(0 < golden.truncation <= TRUNCATION_LIMIT, f"{where}.truncation {golden.truncation} is outside (0, 2]")
        demand(len(golden.data) == size, f"{where}.data has {len(golden.data)} bytes; a sample has {size}")
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


# -- graph ------------------------------------------------------------------------------------------------


def check_signature(generator: pb.Generator, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    """Raise ArtifactError unless the graph has exactly the inputs and outputs that its metadata promise."""
    wanted = [Tensor(name, dtype, ("n",)) for name, dtype in INPUTS.items()]
    _match("input", wanted, inputs)
    wanted = [Tensor(OUTPUT, sample_dtype(generator), ("n", *sample_shape(generator)))]
    if generator.scored:
        wanted.append(Tensor(SCORE, np.dtype("<f4"), ("n",)))
    _match("output", wanted, outputs)


def _match(kind: str, wanted: Sequence[Tensor], found: Sequence[Tensor]) -> None:
    by_name = {tensor.name: tensor for tensor in found}
    if set(by_name) != {tensor.name for tensor in wanted}:
        names = ", ".join(tensor.name for tensor in wanted)
        raise ArtifactError(f"graph {kind}s are {sorted(by_name)}; wanted {names}")
    for tensor in wanted:
        other = by_name[tensor.name]
        dynamic = len(other.shape) > 0 and not isinstance(other.shape[0], int)
        if other.dtype != tensor.dtype or not dynamic or other.shape[1:] != tensor.shape[1:]:
            raise ArtifactError(
                f"graph {kind} {tensor.name} is {other.dtype} {list(other.shape)}; "
                f"wanted {tensor.dtype} {list(tensor.shape)} with n dynamic"
            )


@dataclass(frozen=True, slots=True)
class Rows:
    """One batch of addresses, as the graph takes them; every array has the shape [n]."""

    seed: np.ndarray  # uint64, mixed
    index: np.ndarray  # uint64
    label: np.ndarray  # int64
    truncation: np.ndarray  # float32


def golden_rows(generator: pb.Generator) -> Rows:
    """The addresses of the golden samples, in order."""
    golden = generator.golden
    return Rows(
        np.array([mix_seed(g.seed) for g in golden], INPUTS["seed"]),
        np.array([g.index for g in golden], INPUTS["index"]),
        np.array([g.class_index for g in golden], INPUTS["label"]),
        np.array([g.truncation for g in golden], INPUTS["truncation"]),
    )


def check_golden(generator: pb.Generator, samples: np.ndarray) -> None:
    """Raise ArtifactError if recomputed golden samples differ by more than rounding from the recorded ones.

    samples: sample dtype [number of golden samples, *sample shape], the graph's answer to golden_rows.
    """
    dtype, shape = sample_dtype(generator), sample_shape(generator)
    for number, (golden, sample) in enumerate(zip(generator.golden, samples, strict=True)):
        recorded = np.frombuffer(golden.data, dtype).reshape(shape)
        if dtype.kind == "f":
            scale = max(1.0, float(np.abs(recorded).max(initial=0.0)))
            # Written so that NaN counts as a difference.
            good = bool(np.all(np.abs(recorded - sample) <= GOLDEN_TOLERANCE_FLOAT * scale))
        else:
            distance = np.abs(recorded.astype(np.int64) - sample.astype(np.int64))
            good = (
                int(distance.max(initial=0)) <= GOLDEN_TOLERANCE_LEVELS
                and float(np.mean(distance > 0)) <= GOLDEN_TOLERANCE_SHARE
            )
        if not good:
            raise ArtifactError(
                f"golden sample {number} (seed {golden.seed}, index {golden.index}, class "
                f"{generator.labels[golden.class_index]!r}) differs from the one recorded at export: "
                "the weights or the graph were changed, or this runtime computes wrongly"
            )


# -- repository layout ------------------------------------------------------------------------------------


def check_digest(content: bytes, recorded: str) -> None:
    """Raise ArtifactError unless a file's bytes have the digest that its DIGEST_FILE_NAME records.

    recorded: that file's text: 64 hexadecimal digits, then whatever.
    """
    wanted = (recorded.split() or [""])[0].lower()
    if not DIGEST.fullmatch(wanted):
        raise ArtifactError(f"{DIGEST_FILE_NAME} does not begin with 64 hexadecimal digits")
    if digest(content) != wanted:
        raise ArtifactError(f"the file's SHA-256 is {digest(content)}, and {DIGEST_FILE_NAME} says {wanted}")


def channels(text: str) -> dict[str, int]:
    """Version of each channel, as the text of CHANNELS_FILE_NAME says; raises ArtifactError naming the fault."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ArtifactError(f"{CHANNELS_FILE_NAME} is not JSON: {error}") from error
    except RecursionError as error:
        raise ArtifactError(f"{CHANNELS_FILE_NAME} is nested too deeply") from error
    if not isinstance(found, dict) or len(found) > CHANNELS_LIMIT:
        raise ArtifactError(
            f'{CHANNELS_FILE_NAME} must be one object of at most {CHANNELS_LIMIT} channels, like {{"stable": 3}}'
        )
    for name, version in found.items():
        if not CHANNEL.fullmatch(name):
            raise ArtifactError(f"{CHANNELS_FILE_NAME}: channel {name[:64]!r} does not match {CHANNEL.pattern}")
        if type(version) is not int or not VERSION.fullmatch(str(version)):
            raise ArtifactError(
                f"{CHANNELS_FILE_NAME}: channel {name!r} leads to {str(version)[:64]!r}; wanted a version, a whole "
                "number from 1"
            )
    return found


def published_versions(models: Path, name: str) -> list[int]:
    """Versions of a generator that a repository holds, ascending; empty if there are none."""
    folder = models / name
    if not folder.is_dir():
        return []
    # A link counts, though what it leads to be away just now.
    folders = (entry for entry in folder.iterdir() if entry.is_dir() or entry.is_symlink())
    return sorted(int(entry.name) for entry in folders if VERSION.fullmatch(entry.name))


def publish(models: Path, name: str, build: Callable[[int], bytes]) -> Path:
    """Add the next version of a generator to a repository, atomically: readers see all of the file or nothing.

    models: the repository's folder; made if missing.
    build:  gets the version number, returns the file's bytes. Called again with a higher number if somebody else
            publishes the same version meanwhile.
    returns: path of the new model.onnx.
    """
    if not NAME.fullmatch(name):
        raise ArtifactError(f"generator name {name!r} does not match {NAME.pattern}")
    folder = models / name
    folder.mkdir(parents=True, exist_ok=True)
    version = max(published_versions(models, name), default=0) + 1
    while True:
        # A leading dot: readers take only whole numbers for versions.
        staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=folder))
        try:
            content = build(version)
            with open(staging / FILE_NAME, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            staging.chmod(0o755)
            try:
                # Renaming a folder onto a non-empty one fails, so a taken version is never overwritten.
                staging.rename(folder / str(version))
                return folder / str(version) / FILE_NAME
            except OSError:
                if not (folder / str(version)).exists():
                    raise
                version += 1
        finally:
            shutil.rmtree(staging, ignore_errors=True)
