"""Golden samples: a file's own proof that this device and runtime compute it rightly."""

from __future__ import annotations

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service.artifact import kinds
from service.artifact.address import INPUTS, Originals, Rows, mix_seed
from service.artifact.metadata import ArtifactError, sample_dtype, sample_shape

# A golden sample computed on another kind of device, or by another release of ONNX Runtime, may round a
# value to the next level now and then (of sounds to one nearby, see service.artifact.kinds). A wrong graph or wrong
# weights change far more than this.
GOLDEN_TOLERANCE_FLOAT = 1e-3


def golden_rows(generator: pb.Generator) -> Rows:
    """The addresses of the golden samples, in order."""
    golden = generator.golden
    return Rows(
        np.array([mix_seed(g.seed) for g in golden], INPUTS["seed"]),
        np.array([g.index for g in golden], INPUTS["index"]),
        np.array([g.class_index for g in golden], INPUTS["label"]),
        np.array([g.truncation for g in golden], INPUTS["truncation"]),
    )


def golden_originals(generator: pb.Generator) -> Originals:
    """The golden samples, to be carried into the class after their own; of a generator that transforms."""
    dtype, shape = sample_dtype(generator), sample_shape(generator)
    classes = np.array([g.class_index for g in generator.golden], np.int64)
    data = b"".join(g.data for g in generator.golden)
    return Originals(
        np.frombuffer(data, dtype).reshape(-1, *shape),
        (classes + 1) % len(generator.labels),
        classes,
        np.ones(len(classes), np.float32),
    )


def check_golden(generator: pb.Generator, samples: np.ndarray) -> None:
    """Raise ArtifactError if recomputed golden samples differ by more than rounding from the recorded ones.

    samples: sample dtype [number of golden samples, *sample shape], the graph's answer to golden_rows.
    """
    for number, (golden, sample) in enumerate(zip(generator.golden, samples, strict=True)):
        if not _same(generator, golden.data, sample):
            raise ArtifactError(
                f"golden sample {number} (seed {golden.seed}, index {golden.index}, class "
                f"{generator.labels[golden.class_index]!r}) differs from the one recorded at export: "
                "the weights or the graph were changed, or this runtime computes wrongly"
            )


def check_golden_transformed(generator: pb.Generator, samples: np.ndarray) -> None:
    """As check_golden, of carried samples: the graph's answer to golden_originals."""
    for number, (golden, sample) in enumerate(zip(generator.golden, samples, strict=True)):
        if not _same(generator, golden.transformed, sample):
            raise ArtifactError(
                f"golden sample {number} carried into another class differs from the one recorded at export: "
                "the weights or the graph were changed, or this runtime computes wrongly"
            )


def _same(generator: pb.Generator, data: bytes, sample: np.ndarray) -> bool:
    """Whether a recomputed sample is a recorded one, but for rounding."""
    dtype = sample_dtype(generator)
    recorded = np.frombuffer(data, dtype).reshape(sample_shape(generator))
    if dtype.kind == "f":
        missing = np.isnan(recorded)
        scale = max(1.0, float(np.abs(recorded[~missing]).max(initial=0.0)))
        # Written so that NaN where there was none, or none where there was, counts as a difference.
        near = np.abs(recorded - sample) <= GOLDEN_TOLERANCE_FLOAT * scale
        return bool(np.all(near | (missing & np.isnan(sample))))
    rounding = kinds.rounding(generator.sample)
    distance = np.abs(recorded.astype(np.int64) - sample.astype(np.int64))
    moved = float(np.mean(distance > rounding.uncounted))
    return int(distance.max(initial=0)) <= rounding.most and moved <= rounding.share
