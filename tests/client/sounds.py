"""Generators of sounds without training: tones by a graph of a few operators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from augmint.v1 import generator_pb2 as pb
from tests import generators

RATE, FRAMES, LABELS = 8000, 1024, ("no", "yes")
SAMPLE = pb.SampleSpec(shape=[FRAMES], dtype=pb.DATA_TYPE_INT16, audio=pb.AudioSpec(sample_rate_hz=RATE))


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
    return generators.of_nodes(nodes, constants, 1, SAMPLE)


def publish(models: Path, name: str) -> Path:
    """Add a generator of tones to a repository; returns the path of its model.onnx."""
    return generators.publish_untrained(models, name, LABELS, SAMPLE, network())
