"""Export: the graph equals the network, stands alone, and is published whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.engine import Session
from training import export, networks
from training.presets import Config, resolve

# Operators with a kernel in ONNX Runtime 1.31's CUDA provider at opset 20 for the types that the graph uses.
ON_CUDA = {
    *("Add", "BatchNormalization", "Cast", "Concat", "Conv", "ConvTranspose", "Cos", "Div", "Gather", "Gemm"),
    *("Identity", "LeakyRelu", "Log", "MatMul", "Mul", "Relu", "Reshape", "Sin", "Slice", "Sqrt", "Tanh"),
    *("Transpose", "Unsqueeze"),
    *("Clip", "ReduceMean", "Reciprocal", "Sub"),
}
SHAPES = {"clothes": (28, 28, 1), "cells": (32, 32, 3)}
# Every kind of generator, in shapes that differ in channels and stages. Every preset, trained: test_systems.py.
KINDS: dict[str, tuple[str, str, dict[str, object]]] = {
    "conditional-batch": ("rpgan", "clothes", {}),
    "conditional-batch, colour": ("rpgan", "cells", {}),
    "batch": ("dcgan", "clothes", {}),
    "layer and spectral": ("sngan", "clothes", {"generator_norm": "layer", "spectral_norm": "both"}),
    "perceptron": ("cgan", "cells", {}),
    "progressive": ("progan", "clothes", {}),
    "progressive, colour": ("progan", "cells", {"generator_norm": "none"}),
}


def generator(config: Config, shape: tuple[int, int, int] = (8, 8, 1), classes: int = 3) -> nn.Module:
    """An untrained generator with batch-norm statistics and gains that are not the initial ones."""
    torch.manual_seed(5)
    module = networks.build(shape, classes, config)[0]
    for _ in range(3):
        module(torch.randn(64, config.latent_size), torch.arange(64) % classes)
    for parameter in module.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return module.eval()


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def exported(request: pytest.FixtureRequest) -> tuple[nn.Module, onnx.ModelProto, Config]:
    preset, shape, settings = request.param
    config = resolve(preset, {"latent_size": 24, **settings})
    module = generator(config, SHAPES[shape])
    return module, export.to_onnx(module, 24, 3), config


def test_graph_equals_network_in_every_batch(exported: tuple[nn.Module, onnx.ModelProto, Config]) -> None:
    module, model, config = exported
    export.prove_parity(module, model, config.latent_size, 3)


def test_graph_runs_wholly_on_a_gpu(exported: tuple[nn.Module, onnx.ModelProto, Config]) -> None:
    model = exported[1]
    assert {node.op_type for node in model.graph.node} <= ON_CUDA
    assert {node.domain for node in model.graph.node} == {""}
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 20)]
    for node in model.graph.node:
        if node.op_type == "ConvTranspose":
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            assert attributes.get("auto_pad", b"NOTSET") == b"NOTSET"
            assert attributes["pads"] == [1, 1, 1, 1]


def test_file_stands_alone_and_names_no_path(exported: tuple[nn.Module, onnx.ModelProto, Config]) -> None:
    model = exported[1]
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert str(Path(__file__).parents[2]).encode() not in model.SerializeToString()


def test_parity_notices_a_changed_weight(exported: tuple[nn.Module, onnx.ModelProto, Config]) -> None:
    module, model, config = exported
    changed = onnx.ModelProto.FromString(model.SerializeToString())
    tensor = max(changed.graph.initializer, key=lambda t: int(np.prod(t.dims)))
    values = onnx.numpy_helper.to_array(tensor) * np.float32(1.2)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    with pytest.raises(export.ExportError, match="differ by up to"):
        export.prove_parity(module, changed, config.latent_size, 3)


def test_parity_notices_a_sample_that_depends_on_its_batch() -> None:
    class Leaky(nn.Module):
        """Centres each batch, as a generator left in training mode does."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(24, 64)

        def forward(self, latent: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
            x = self.layer(latent) + label[:, None]
            return torch.tanh(x - x.mean(0)).unflatten(1, (1, 8, 8))

    torch.manual_seed(0)
    module = Leaky()
    with pytest.raises(export.ExportError, match="1 at a time differ"):
        export.prove_parity(module, export.to_onnx(module, 24, 3), 24, 3)


def message(labels: tuple[str, ...] = ("a", "b", "c"), shape: tuple[int, ...] = (8, 8, 1)) -> pb.Generator:
    image = pb.ImageSpec(color_space=pb.COLOR_SPACE_GRAY)
    spec = pb.SampleSpec(shape=shape, dtype=pb.DATA_TYPE_UINT8, image=image)
    return pb.Generator(name="letters", labels=labels, sample=spec, latent_size=24)


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    config = resolve("rpgan", {"latent_size": 24})
    return export.to_onnx(generator(config), 24, 3)


def test_published_file_describes_and_proves_itself(tmp_path: Path, model: onnx.ModelProto) -> None:
    path = export.publish(tmp_path, message(), model)
    assert path == tmp_path / "letters" / "1" / "model.onnx"
    session = Session(path.read_bytes())
    read = artifact.from_json(session.metadata)
    assert (read.name, read.version, list(read.labels)) == ("letters", 1, ["a", "b", "c"])
    assert {golden.class_index for golden in read.golden} == {0, 1, 2}
    artifact.check_signature(read, session.inputs, session.outputs)
    artifact.check_golden(read, session.run(artifact.golden_rows(read)))


def test_versions_count_up_and_nothing_else_is_left(tmp_path: Path, model: onnx.ModelProto) -> None:
    for version in (1, 2, 3):
        assert export.publish(tmp_path, message(), model).parent.name == str(version)
    assert sorted(entry.name for entry in (tmp_path / "letters").iterdir()) == ["1", "2", "3"]


def test_a_message_that_does_not_fit_the_graph_is_not_published(tmp_path: Path, model: onnx.ModelProto) -> None:
    with pytest.raises(artifact.ArtifactError, match=r"golden\[0\]\.data|sample"):
        export.publish(tmp_path, message(shape=(8, 4, 1)), model)
    assert not list(tmp_path.rglob("model.onnx"))


def test_golden_samples_are_few_when_classes_are_many(model: onnx.ModelProto) -> None:
    many = message(labels=tuple(f"c{number}" for number in range(100)))
    config = resolve("rpgan", {"latent_size": 24})
    large = export.to_onnx(generator(config, classes=100), 24, 100)
    assert len(export.with_golden(many, large).golden) == export.GOLDEN_SAMPLES
