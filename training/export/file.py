"""The file: graph, metadata and golden samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from service.runtime.verify import verify

GOLDEN_SAMPLES = 16
GOLDEN_BYTES = 2**18


def with_golden(message: pb.Generator, model: onnx.ModelProto) -> pb.Generator:
    """A copy of the message with golden samples: one per class, fewer of many classes or large samples."""
    message = pb.Generator.FromString(message.SerializeToString())
    size = int(np.prod(message.sample.shape)) * artifact.sample_dtype(message).itemsize
    count = max(1, min(len(message.labels), GOLDEN_SAMPLES, GOLDEN_BYTES // size))
    del message.golden[:]
    for number in range(count):
        label = number * len(message.labels) // count
        message.golden.add(seed=2**40 + number, index=10**9 * number, class_index=label, truncation=1.0)
    session = Session(model.SerializeToString())
    samples = session.run(artifact.golden_rows(message))
    for golden, sample in zip(message.golden, samples, strict=True):
        golden.data = sample.tobytes()
    if message.transforms:
        carried, _ = session.run_transform(artifact.golden_originals(message))
        for golden, sample in zip(message.golden, carried, strict=True):
            golden.transformed = sample.tobytes()
    return message


def publish(models: Path, message: pb.Generator, model: onnx.ModelProto) -> Path:
    """Publish a model as the generator's next version.

    message: complete but for version and golden samples.
    returns: path of the published model.onnx.
    """
    message = with_golden(message, model)
    return artifact.publish(models, message.name, lambda version: build(message, model, version))


def build(message: pb.Generator, model: onnx.ModelProto, version: int) -> bytes:
    """The bytes of a complete file: the message embedded, then read back and checked as the service does.

    message: with golden samples; its version is replaced.
    """
    message.version = version
    content = artifact.embed(model, message)
    verify(Session(content))
    return content
