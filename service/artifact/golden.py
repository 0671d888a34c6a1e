"""Golden samples: a file's own proof that this device and runtime compute it rightly."""

from __future__ import annotations

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service.artifact import kinds
from service.artifact.address import INPUTS, Rows, mix_seed
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


def check_golden(generator: pb.Generator, samples: np.ndarray) -> None:
    """Raise ArtifactError if recomputed golden samples differ by more than rounding from the recorded ones.

    samples: sample dtype [number of golden samples, *sample shape], the graph's answer to golden_rows.
    """
    dtype, shape = sample_dtype(generator), sample_shape(generator)
    rounding = kinds.rounding(generator.sample)
    for number, (golden, sample) in enumerate(zip(generator.golden, samples, strict=True)):
        recorded = np.frombuffer(golden.data, dtype).reshape(shape)
        if dtype.kind == "f":
            missing = np.isnan(recorded)
            scale = max(1.0, float(np.abs(recorded[~missing]).max(initial=0.0)))
            # Written so that NaN where there was none, or none where there was, counts as a difference.
            near = np.abs(recorded - sample) <= GOLDEN_TOLERANCE_FLOAT * scale
            good = bool(np.all(near | (missing & np.isnan(sample))))
        else:
            distance = np.abs(recorded.astype(np.int64) - sample.astype(np.int64))
            share = float(np.mean(distance > rounding.uncounted))
            good = int(distance.max(initial=0)) <= rounding.most and share <= rounding.share
        if not good:
            raise ArtifactError(
                f"golden sample {number} (seed {golden.seed}, index {golden.index}, class "
                f"{generator.labels[golden.class_index]!r}) differs from the one recorded at export: "
                "the weights or the graph were changed, or this runtime computes wrongly"
            )
