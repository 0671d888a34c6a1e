"""Generators of sounds without training: tones by a graph of a few operators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from augmint.v1 import generator_pb2 as pb
from service import artifact
from tests import generators
from training.export.address import OPSET, with_latent

RATE, FRAMES, LABELS = 8000, 1024, ("no", "yes")


def network() -> onnx.ModelProto:
    """latent float32 [n, 1], label int64 [n] -> int16 [n, FRAMES]: a tone of the label, as loud as is drawn."""
    time = np.arange(FRAMES) / RATE
    tones = np.stack([np.sin(2 * np.pi * hertz * time) for hertz in (400, 1100)]).astype(np.float32)
    constants = {
        "tones": tones,
        "scale": np.array(2000, np.float32),
        "low": np.array(-32768, np.float32),
        "high": np.array(32767, np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["tones", "label"], ["tone"]),
        helper.make_node("Mul", ["tone", "latent"], ["drawn"]),
        helper.make_node("Mul", ["drawn", "scale"], ["loud"]),
        helper.make_node("Clip", ["loud", "low", "high"], ["inside"]),
        helper.make_node("Round", ["inside"], ["whole"]),
        helper.make_node("Cast", ["whole"], ["sample"], to=TensorProto.INT16),
    ]
    graph = helper.make_graph(
        nodes,
        "sounds",
        [
            helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["n", 1]),
            helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]),
        ],
        [helper.make_tensor_value_info("sample", TensorProto.INT16, ["n", FRAMES])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 10
    return model


def publish(models: Path, name: str) -> Path:
    """Add a generator of tones to a repository; returns the path of its model.onnx."""
    sample = pb.SampleSpec(shape=[FRAMES], dtype=pb.DATA_TYPE_INT16, audio=pb.AudioSpec(sample_rate_hz=RATE))
    generator = pb.Generator(
        name=name,
        labels=LABELS,
        sample=sample,
        latent_size=1,
        provenance=pb.Provenance(preset="tones", opset=OPSET),
        golden=[pb.GoldenSample(seed=7, index=1000, class_index=0, truncation=1.0)],
    )

    def build(version: int) -> bytes:
        generator.version = version
        return generators.complete(with_latent(network(), 1), generator)

    return artifact.publish(models, name, build)
