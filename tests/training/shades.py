"""Two classes, dark and light, and a published generator that says it was made from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from tests import generators
from training.data.splits import split
from training.export import file
from training.kinds import load
from training.source import SourceOptions


def write(folder: Path, count: int, names: tuple[str, str] = ("dark", "light")) -> Path:
    """An .npz file of 8 x 8 images."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = (random.integers(0, 100, (count, 8, 8, 1)) + 120 * labels[:, None, None, None]).astype(np.uint8)
    path = folder / "shades.npz"
    np.savez(path, images=images, labels=labels, class_names=np.array(names))
    return path


def publish(models: Path, data: Path, config: str, change: Callable[[pb.Generator], None], **options: Any) -> Path:
    """A random perceptron that says it was made from the data: valid in every way, and worth nothing.

    config: what its provenance says; change: of its message, more; options: of generators.build.
    """
    dataset = load(str(data), SourceOptions(size=8))
    content = generators.build("shades", labels=tuple(dataset.class_names), **options)
    message = artifact.from_json(Session(content).metadata)
    message.provenance.data_digest = dataset.digest
    message.provenance.data_name = str(data)
    message.provenance.seed = 5
    message.provenance.configuration_json = config
    message.provenance.splits.extend(split(dataset, seed=5).counts(dataset))
    change(message)
    return file.publish(models, message, onnx.load_from_string(content))
