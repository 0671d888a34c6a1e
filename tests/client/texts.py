"""A generator of texts without training: letters drawn around those of its class, by a graph of a few operators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from augmint.v1 import generator_pb2 as pb
from service import artifact
from tests import generators
from training.export.address import OPSET, with_latent

LENGTH = 12
SPEC = pb.TextSpec(vocabulary=["", *" abcdefghijklmnopqrstuvwxyz"], end_id=0)


def network(classes: int) -> onnx.ModelProto:
    """latent float32 [n, LENGTH], label int64 [n] -> ids int32 [n, LENGTH], none of which ends a text."""
    most = len(SPEC.vocabulary) - 1
    constants = {
        "middle": np.linspace(4, most - 4, classes, dtype=np.float32)[:, None],
        "wide": np.array(3, np.float32),
        "low": np.array(1, np.float32),
        "high": np.array(most, np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["middle", "label"], ["own"]),
        helper.make_node("Mul", ["latent", "wide"], ["spread"]),
        helper.make_node("Add", ["spread", "own"], ["drawn"]),
        helper.make_node("Clip", ["drawn", "low", "high"], ["inside"]),
        helper.make_node("Cast", ["inside"], ["sample"], to=TensorProto.INT32),
    ]
    graph = helper.make_graph(
        nodes,
        "text",
        [
            helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["n", LENGTH]),
            helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]),
        ],
        [helper.make_tensor_value_info("sample", TensorProto.INT32, ["n", LENGTH])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 10
    return model


def publish(models: Path, name: str, labels: tuple[str, ...]) -> Path:
    """Add a generator of texts to a repository; returns the path of its model.onnx."""
    generator = pb.Generator(
        name=name,
        labels=labels,
        sample=pb.SampleSpec(shape=[LENGTH], dtype=pb.DATA_TYPE_INT32, text=SPEC),
        latent_size=LENGTH,
        provenance=pb.Provenance(preset="random-text", opset=OPSET),
        golden=[pb.GoldenSample(seed=7, index=1000, class_index=0, truncation=1.0)],
    )

    def build(version: int) -> bytes:
        generator.version = version
        return generators.complete(with_latent(network(len(labels)), LENGTH), generator)

    return artifact.publish(models, name, build)
