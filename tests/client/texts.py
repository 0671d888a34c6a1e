"""A generator of texts without training: letters drawn around those of its class, by a graph of a few operators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from augmint.v1 import generator_pb2 as pb
from tests import generators

LENGTH = 12
SPEC = pb.TextSpec(vocabulary=["", *" abcdefghijklmnopqrstuvwxyz"], end_id=0)
SAMPLE = pb.SampleSpec(shape=[LENGTH], dtype=pb.DATA_TYPE_INT32, text=SPEC)


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
    return generators.of_nodes(nodes, constants, LENGTH, SAMPLE)


def publish(models: Path, name: str, labels: tuple[str, ...]) -> Path:
    """Add a generator of texts to a repository; returns the path of its model.onnx."""
    return generators.publish_untrained(models, name, labels, SAMPLE, network(len(labels)))
