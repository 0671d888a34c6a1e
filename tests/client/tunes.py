"""Generators of music without training: two tunes of each label by a graph of a few operators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from augmint.v1 import generator_pb2 as pb
from tests import generators

STEPS, PITCHES, LOWEST, VELOCITY, HELD = 32, 16, 60, 90, 89
LABELS = ("hornpipes", "jigs", "reels", "waltzes")
SPEC = pb.MusicSpec(
    steps_per_quarter=4,
    lowest_pitch=LOWEST,
    programs=[73],
    tempos=[160, 110, 200, 140],
    metres=[pb.Metre(beats=beats, unit=unit) for beats, unit in ((4, 4), (6, 8), (4, 4), (3, 4))],
    held_velocity=HELD,
)
SAMPLE = pb.SampleSpec(shape=[STEPS, PITCHES], dtype=pb.DATA_TYPE_UINT8, music=SPEC)


def tunes() -> np.ndarray:
    """uint8 [2, labels, steps, pitches]: eighth notes that wander in steps of their label's number, and backwards."""
    rolls = np.zeros((len(LABELS), STEPS, PITCHES), np.uint8)
    for number, roll in enumerate(rolls):
        for at in range(0, STEPS, 2):
            pitch = at // 2 * (number + 2) % PITCHES
            roll[at, pitch], roll[at + 1, pitch] = VELOCITY, HELD
    backwards = rolls[:, ::-1].copy()
    backwards[:, 0::2], backwards[:, 1::2] = backwards[:, 1::2].copy(), backwards[:, 0::2].copy()
    return np.stack([rolls, backwards])


def network() -> onnx.ModelProto:
    """latent float32 [n, 1], label int64 [n] -> uint8 [n, STEPS, PITCHES]: one of the label's tunes, as is drawn."""
    first, second = tunes().astype(np.int32)
    constants = {
        "first": first,
        "second": second,
        "zero": np.array(0, np.float32),
        "axis": np.array([2], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["first", "label"], ["one"]),
        helper.make_node("Gather", ["second", "label"], ["other"]),
        helper.make_node("Greater", ["latent", "zero"], ["drawn"]),
        helper.make_node("Unsqueeze", ["drawn", "axis"], ["which"]),
        helper.make_node("Where", ["which", "one", "other"], ["chosen"]),
        helper.make_node("Cast", ["chosen"], ["sample"], to=TensorProto.UINT8),
    ]
    return generators.of_nodes(nodes, constants, 1, SAMPLE)


def publish(models: Path, name: str) -> Path:
    """Add a generator of tunes to a repository; returns the path of its model.onnx."""
    return generators.publish_untrained(models, name, LABELS, SAMPLE, network())
