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
from service.runtime.engine import Engine
from service.runtime.session import Session
from service.scheduling.order import Order
from service.scheduling.selection import Selection
from tests import generators
from training import networks
from training.config.presets import Config, resolve
from training.export import file, graph, parity
from training.judge import classifier, fitting
from training.kinds.image import Image

# Operators with a kernel in ONNX Runtime 1.31's CUDA provider at opset 20 for the types that the graph uses.
ON_CUDA = {
    *("Add", "BatchNormalization", "Cast", "Concat", "Conv", "ConvTranspose", "Cos", "Div", "Gather", "Gemm"),
    *("Identity", "LeakyRelu", "Log", "MatMul", "Mul", "Relu", "Reshape", "Sin", "Slice", "Sqrt", "Tanh"),
    *("Transpose", "Unsqueeze"),
    *("Clip", "ReduceMean", "Reciprocal", "Sub"),
    *("GatherElements", "Softmax"),
}
LETTERS = Image(8, 8, 1)
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
    module = networks.build(Image(*shape).form, classes, config)[0]
    for _ in range(3):
        module(torch.randn(64, config.latent_size), torch.arange(64) % classes)
    for parameter in module.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return module.eval()


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def exported(request: pytest.FixtureRequest) -> tuple[nn.Module, onnx.ModelProto, Config, Image]:
    preset, shape, settings = request.param
    config = resolve(preset, {"latent_size": 24, "width": 16, **settings})
    module = generator(config, SHAPES[shape])
    kind = Image(*SHAPES[shape])
    return module, graph.to_onnx(module, kind, 24, 3), config, kind


def test_graph_equals_network_in_every_batch(exported: tuple[nn.Module, onnx.ModelProto, Config, Image]) -> None:
    module, model, config, kind = exported
    parity.prove_parity(module, model, kind, config.latent_size, 3)


def test_graph_runs_wholly_on_a_gpu(exported: tuple[nn.Module, onnx.ModelProto, Config, Image]) -> None:
    check_operators(exported[1])


def check_operators(model: onnx.ModelProto) -> None:
    assert {node.op_type for node in model.graph.node} <= ON_CUDA
    assert {node.domain for node in model.graph.node} == {""}
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 20)]
    for node in model.graph.node:
        if node.op_type == "ConvTranspose":
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            assert attributes.get("auto_pad", b"NOTSET") == b"NOTSET"
            assert attributes["pads"] == [1, 1, 1, 1]


def test_file_stands_alone_and_names_no_path(exported: tuple[nn.Module, onnx.ModelProto, Config, Image]) -> None:
    model = exported[1]
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert str(Path(__file__).parents[3]).encode() not in model.SerializeToString()


def test_parity_notices_a_changed_weight(exported: tuple[nn.Module, onnx.ModelProto, Config, Image]) -> None:
    module, model, config, kind = exported
    changed = onnx.ModelProto.FromString(model.SerializeToString())
    tensor = max(changed.graph.initializer, key=lambda t: int(np.prod(t.dims)))
    values = onnx.numpy_helper.to_array(tensor) * np.float32(1.2)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    with pytest.raises(parity.ExportError, match="differ by up to"):
        parity.prove_parity(module, changed, kind, config.latent_size, 3)


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
    with pytest.raises(parity.ExportError, match="1 at a time differ"):
        parity.prove_parity(module, graph.to_onnx(module, LETTERS, 24, 3), LETTERS, 24, 3)


def message(labels: tuple[str, ...] = ("a", "b", "c"), shape: tuple[int, ...] = (8, 8, 1)) -> pb.Generator:
    image = pb.ImageSpec(color_space=pb.COLOR_SPACE_GRAY)
    spec = pb.SampleSpec(shape=shape, dtype=pb.DATA_TYPE_UINT8, image=image)
    return pb.Generator(name="letters", labels=labels, sample=spec, latent_size=24)


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return graph.to_onnx(Bands(), LETTERS, 24, 3)


def test_published_file_describes_and_proves_itself(tmp_path: Path, model: onnx.ModelProto) -> None:
    path = file.publish(tmp_path, message(), model)
    assert path == tmp_path / "letters" / "1" / "model.onnx"
    session = Session(path.read_bytes())
    read = artifact.from_json(session.metadata)
    assert (read.name, read.version, list(read.labels)) == ("letters", 1, ["a", "b", "c"])
    assert {golden.class_index for golden in read.golden} == {0, 1, 2}
    artifact.check_signature(read, session.inputs, session.outputs)
    artifact.check_golden(read, session.run(artifact.golden_rows(read)))


def test_versions_count_up_and_nothing_else_is_left(tmp_path: Path, model: onnx.ModelProto) -> None:
    for version in (1, 2, 3):
        assert file.publish(tmp_path, message(), model).parent.name == str(version)
    assert sorted(entry.name for entry in (tmp_path / "letters").iterdir()) == ["1", "2", "3"]


def test_a_message_that_does_not_fit_the_graph_is_not_published(tmp_path: Path, model: onnx.ModelProto) -> None:
    with pytest.raises(artifact.ArtifactError, match=r"golden\[0\]\.data|sample"):
        file.publish(tmp_path, message(shape=(8, 4, 1)), model)
    assert not list(tmp_path.rglob("model.onnx"))


def test_golden_samples_are_few_when_classes_are_many() -> None:
    many = message(labels=tuple(f"c{number}" for number in range(100)))
    large = onnx.load_from_string(generators.build(labels=tuple(many.labels)))
    assert len(file.with_golden(many, large).golden) == file.GOLDEN_SAMPLES


class Bands(nn.Module):
    """8 x 8 images of a class's bright band, faded into the next one's by the first draw: a third shows more of it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("own", torch.from_numpy(BANDS))
        self.register_buffer("other", torch.from_numpy(np.roll(BANDS, -1, 0)))

    def forward(self, latent: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        fade = (0.5 * latent[:, :1, None, None] + 0.3).clamp(0, 1)
        return self.own.index_select(0, label) * (1 - fade) + self.other.index_select(0, label) * fade


BANDS = np.full((3, 1, 8, 8), -0.8, np.float32)
for band, image in enumerate(BANDS):
    image[:, 2 * band + 1 : 2 * band + 3] = 0.8


def judge_of_bands(seed: int) -> classifier.Classifier:
    labels = np.arange(300) % 3
    noise = np.random.default_rng(seed).normal(0, 0.2, (300, 1, 8, 8))
    levels = np.clip(BANDS[labels] + noise, -1, 1) * 127.5 + 127.5
    return fitting.fit(LETTERS, levels.transpose(0, 2, 3, 1).astype(np.uint8), labels, 3, seed=seed, steps=60)


@pytest.fixture(scope="module")
def judge() -> classifier.Classifier:
    return judge_of_bands(seed=0)


@pytest.fixture(scope="module")
def other_judge() -> classifier.Classifier:
    return judge_of_bands(seed=1)


@pytest.fixture(scope="module")
def scored(judge: classifier.Classifier) -> onnx.ModelProto:
    return graph.to_onnx(Bands(), LETTERS, 24, 3, judge)


def test_scores_are_the_judges_in_every_batch(scored: onnx.ModelProto, judge: classifier.Classifier) -> None:
    parity.prove_parity(Bands(), scored, LETTERS, 24, 3, judge)
    check_operators(scored)
    rows = parity._rows(100, 3, seed=3)
    samples, scores = Session(scored.SerializeToString()).run_scored(rows)
    assert (scores.dtype, scores.shape) == (np.float32, (100,))
    assert 0 <= scores.min() < 0.5 < scores.max() <= 1
    np.testing.assert_allclose(scores, judge.predict_proba(samples)[np.arange(100), rows.label], atol=1e-5)


def test_parity_notices_scores_of_another_judge(scored: onnx.ModelProto, other_judge: classifier.Classifier) -> None:
    with pytest.raises(parity.ExportError, match="scores in ONNX Runtime and PyTorch differ by up to"):
        parity.prove_parity(Bands(), scored, LETTERS, 24, 3, other_judge)


def test_parity_notices_scores_that_depend_on_their_batch(
    scored: onnx.ModelProto, judge: classifier.Classifier
) -> None:
    """Less than rounding may make them differ from PyTorch's, but one sample would have two scores."""
    swayed = onnx.ModelProto.FromString(scored.SerializeToString())
    for node in swayed.graph.node:
        node.output[:] = ["steady" if name == "score" else name for name in node.output]
    swayed.graph.initializer.append(onnx.numpy_helper.from_array(np.array(5e-5, np.float32), "share"))
    swayed.graph.node.extend(
        [
            onnx.helper.make_node("ReduceMean", ["steady"], ["mean"]),
            onnx.helper.make_node("Mul", ["mean", "share"], ["bias"]),
            onnx.helper.make_node("Add", ["steady", "bias"], ["score"]),
        ]
    )
    with pytest.raises(parity.ExportError, match="scores computed 1 at a time differ"):
        parity.prove_parity(Bands(), swayed, LETTERS, 24, 3, judge)


def test_selected_samples_please_a_judge_that_did_not_select_them(
    scored: onnx.ModelProto, other_judge: classifier.Classifier, tmp_path: Path
) -> None:
    described = message()
    described.scored = True
    engine = Engine(Session(file.publish(tmp_path, described, scored).read_bytes()), max_batch=16)
    labels = np.arange(90) % 3
    plan = Selection.plan(Order(labels, seed=7, start_index=0, truncation=1.0, keep=1, of=4), most=360)
    candidates = plan.candidates
    assert candidates.indices is not None
    rows = artifact.Rows(
        np.full(candidates.n, artifact.mix_seed(7), np.uint64),
        candidates.indices,
        candidates.labels,
        np.ones(candidates.n, np.float32),
    )
    pages = []
    for start in range(0, candidates.n, engine.best_batch):
        page = artifact.Rows(*(getattr(rows, name)[start : start + engine.best_batch] for name in artifact.INPUTS))
        pages.append([array.copy() for array in engine.run_scored(page)])
    samples, scores = (np.concatenate(arrays) for arrays in zip(*pages, strict=True))
    kept = plan.pick(samples, scores)
    kept_scores = plan.pick(scores[:, None], scores)
    assert kept_scores.mean() > scores.mean() + 0.1
    fidelity = np.mean(other_judge.predict(samples) == candidates.labels)
    assert fidelity < 0.8
    assert np.mean(other_judge.predict(kept) == labels) > fidelity + 0.1


def test_a_scored_file_and_its_message_agree(scored: onnx.ModelProto, tmp_path: Path) -> None:
    with pytest.raises(artifact.ArtifactError, match="score"):
        file.publish(tmp_path, message(), scored)
    assert not list(tmp_path.rglob("model.onnx"))
