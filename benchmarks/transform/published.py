"""The generator of a published file as a network again: its weights, in the layers that its configuration names."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from training import networks
from training.config.config import Config
from training.data.kind import Kind
from training.export import file, graph, parity
from training.judge.classifier import Classifier


def network(path: Path, kind: Kind) -> tuple[nn.Module, Config, pb.Generator]:
    """Of the family `conv`, in evaluation: the same function as the file's, but for rounding."""
    content = path.read_bytes()
    message = artifact.from_json(Session(content).metadata)
    config = Config(**json.loads(message.provenance.configuration_json))
    generator = networks.folded(networks.build(kind.form, len(message.labels), config)[0].eval())
    stored = {
        tensor.name.rpartition("generator.")[2]: torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in onnx.load_from_string(content).graph.initializer
        if "generator." in tensor.name
    }
    state = generator.state_dict()
    for name, value in state.items():
        if name in stored:
            state[name] = stored[name]
        elif name.endswith("running_mean"):  # the exporter has put these statistics into the layer before
            state[name] = torch.zeros_like(value)
        elif name.endswith("running_var"):
            state[name] = torch.ones_like(value) - 1e-5
        elif not name.endswith("num_batches_tracked"):
            raise ValueError(f"{path} has no {name}")
    generator.load_state_dict(state)
    return generator, config, message


def extended(path: Path, carrier: networks.Carrier, kind: Kind, judge: Classifier) -> bytes:
    """The file with what carries samples beside what draws them, which stays as it is; without the old card."""
    content = path.read_bytes()
    message = artifact.from_json(Session(content).metadata)
    model = onnx.load_from_string(content)
    del model.metadata_props[:]
    classes = len(message.labels)
    model = graph.with_carrier(model, carrier, kind, classes, judge)
    parity.prove_transform(carrier, model, kind, classes, judge)
    message.transforms = True
    message.ClearField("quality")
    return file.build(file.with_golden(message, model), model, message.version)
