"""Names, dtypes and shapes of the graph's inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service.artifact.address import INPUTS
from service.artifact.metadata import ArtifactError, sample_dtype, sample_shape

OUTPUT = "sample"
# float32 [n], only in graphs whose metadata say `scored`; computed only when asked for.
SCORE = "score"
# Only in graphs whose metadata say `transforms`; each input has an initializer of no rows: it may be left out.
CONTENT, TARGET, SOURCE, STRENGTH = "content", "target", "source", "strength"
ORIGINAL_INPUTS = (CONTENT, TARGET, SOURCE, STRENGTH)
TRANSFORMED, RECOGNISED = "transformed", "recognised"


class Tensor(NamedTuple):
    """Name, element type and shape of a graph's input or output; a shape entry that is not an int is dynamic."""

    name: str
    dtype: np.dtype | None
    shape: tuple[int | str | None, ...]


def original_inputs(generator: pb.Generator) -> list[Tensor]:
    """The inputs of a graph that transforms, in the order of Originals."""
    rows = ("m",)
    return [
        Tensor(CONTENT, sample_dtype(generator), (*rows, *sample_shape(generator))),
        Tensor(TARGET, np.dtype("<i8"), rows),
        Tensor(SOURCE, np.dtype("<i8"), rows),
        Tensor(STRENGTH, np.dtype("<f4"), rows),
    ]


def check_signature(
    generator: pb.Generator, inputs: Sequence[Tensor], outputs: Sequence[Tensor], optional: Sequence[Tensor] = ()
) -> None:
    """Raise ArtifactError unless the graph has exactly the inputs and outputs that its metadata promise.

    optional: inputs that the graph has values of its own for, where none are given.
    """
    wanted = [Tensor(name, dtype, ("n",)) for name, dtype in INPUTS.items()]
    _match("input", wanted, inputs)
    _match("optional input", original_inputs(generator) if generator.transforms else [], optional)
    dtype, shape = sample_dtype(generator), sample_shape(generator)
    wanted = [Tensor(OUTPUT, dtype, ("n", *shape))]
    if generator.scored:
        wanted.append(Tensor(SCORE, np.dtype("<f4"), ("n",)))
    if generator.transforms:
        wanted += [Tensor(TRANSFORMED, dtype, ("m", *shape)), Tensor(RECOGNISED, np.dtype("<i8"), ("m",))]
    _match("output", wanted, outputs)


def _match(kind: str, wanted: Sequence[Tensor], found: Sequence[Tensor]) -> None:
    by_name = {tensor.name: tensor for tensor in found}
    if set(by_name) != {tensor.name for tensor in wanted}:
        names = ", ".join(tensor.name for tensor in wanted) or "none"
        raise ArtifactError(f"graph {kind}s are {sorted(by_name)}; wanted {names}")
    for tensor in wanted:
        other = by_name[tensor.name]
        dynamic = len(other.shape) > 0 and not isinstance(other.shape[0], int)
        if other.dtype != tensor.dtype or not dynamic or other.shape[1:] != tensor.shape[1:]:
            raise ArtifactError(
                f"graph {kind} {tensor.name} is {other.dtype} {list(other.shape)}; "
                f"wanted {tensor.dtype} {list(tensor.shape)} with {tensor.shape[0]} dynamic"
            )
