"""Carrying: every family of generators, in PyTorch and in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from service import artifact
from service.runtime.session import Session
from tests.training import mixed
from tests.training.kinds.music.made import arpeggios
from training import networks
from training.config.presets import resolve
from training.data.kind import Kind
from training.export import graph, parity
from training.judge.classifier import Classifier
from training.kinds.image import Image
from training.kinds.music.form import Neurons
from training.kinds.text.text import Text
from training.kinds.text.units import END, Units

CLASSES = 2
TEXTS = ["abba", "baba", "cab", "dacab", "bad", "aa", "bcd", "dd"]


@dataclass(frozen=True)
class Case:
    preset: str
    kind: Kind
    raw: np.ndarray
    settings: dict[str, Any]


def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)


def case(name: str) -> Case:
    small = {"width": 8, "latent_size": 12}
    if name in ("tvae", "ctgan", "tabgan"):
        raw, _ = mixed.samples(64)
        return Case(name, mixed.Mixed(raw), raw, {**small, **({"passes": 3} if name == "tabgan" else {})})
    if name == "textvae":
        units = Units(("", *"abcd"))
        ids = [units.ids(text) or [] for text in TEXTS]
        raw = np.array([[*each, *[END] * (8 - len(each))] for each in ids], np.int32)
        return Case(name, Text(units, 8), raw, small)
    if name == "musegan":
        kind, raw, _ = arpeggios(40)
        return Case(name, kind, raw, small)
    return Case(name, Image(8, 8, 1), images(), small)


def carrier(of: Case, classes: int = CLASSES) -> networks.Carrier:
    """Untrained, with statistics and changes that are not the initial ones."""
    torch.manual_seed(3)
    config, kind = resolve(of.preset, of.settings), of.kind
    generator, _ = networks.build(kind.form, classes, config, kind.head(), kind.blocks, kind.tokens)
    encoder = networks.Encoder(kind.form, classes, config)
    torch.nn.init.normal_(encoder.change.weight, std=0.2)
    for parameter in generator.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return networks.Carrier(generator.eval(), encoder).eval()


@torch.no_grad()
def carried(of: Case, by: networks.Carrier, strength: float) -> tuple[np.ndarray, torch.Tensor, torch.Tensor]:
    form = of.kind.encode(torch.from_numpy(of.raw))
    source = torch.arange(len(form)) % CLASSES
    made = by(form, source, (source + 1) % CLASSES, torch.full((len(form),), strength))
    return of.kind.decoder()(made).numpy(), made, form


@pytest.mark.parametrize("preset", ["tvae", "ctgan", "tabgan", "textvae"])
def test_what_a_head_chose_is_chosen_again_in_its_own_class(preset: str) -> None:
    of = case(preset)
    again, made, form = carried(of, carrier(of), 0.0)
    assert torch.allclose(made, form, atol=2e-3)
    assert np.allclose(of.kind.values(again), of.kind.values(of.raw), atol=2e-3)


@pytest.mark.parametrize("preset", ["tvae", "ctgan", "tabgan"])
def test_in_another_class_other_choices_are_made(preset: str) -> None:
    of = case(preset)
    by = carrier(of)
    other, *_ = carried(of, by, 1.0)
    assert not np.allclose(of.kind.values(other), of.kind.values(of.raw), atol=2e-3)
    assert np.array_equal(other, carried(of, by, 1.0)[0], equal_nan=True)  # and nothing is drawn


@pytest.mark.parametrize("preset", ["rpgan", "cgan", "progan", "vae", "musegan"])
def test_strength_goes_from_one_class_to_the_other(preset: str) -> None:
    of = case(preset)
    by = carrier(of)
    if preset == "progan":
        networks.folded(by.generator)
    form = of.kind.encode(torch.from_numpy(of.raw))
    zero = torch.zeros(len(form), dtype=torch.int64)
    with torch.no_grad():
        ends = [by(form, zero, zero + label, torch.ones(len(form))) for label in range(2)]
        none, half = (by(form, zero, zero + 1, torch.full((len(form),), share)) for share in (0.0, 0.5))
    assert torch.equal(none, ends[0])
    assert not torch.allclose(ends[0], ends[1], atol=1e-3)
    assert not torch.allclose(half, ends[0], atol=1e-4)
    assert not torch.allclose(half, ends[1], atol=1e-4)


def test_a_head_that_draws_nothing_is_like_none() -> None:
    of = case("rpgan")
    by = carrier(of)
    headed = networks.Carrier(networks.Headed(by.generator, Neurons()).eval(), by.encoder).eval()
    made = carried(of, headed, 1.0)[1]
    assert headed.rounds == by.rounds
    assert set(made.unique().tolist()) == {-1.0, 1.0}


@pytest.fixture(scope="module", params=["rpgan", "tabgan"])
def exported(request: pytest.FixtureRequest) -> tuple[Case, onnx.ModelProto, onnx.ModelProto, networks.Carrier, Any]:
    of = case(request.param)
    by, kind = carrier(of), of.kind
    network = of.kind.judge(CLASSES) if isinstance(kind, Image) else _Judge(kind.form[0])
    judge = Classifier(network.eval(), kind, CLASSES, torch.device("cpu"), 1.0, 10)
    plain = graph.to_onnx(by.generator, kind, of.settings["latent_size"], CLASSES)
    return of, plain, graph.with_carrier(plain, by, kind, CLASSES, judge), by, judge


class _Judge(torch.nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer, self.head = torch.nn.Linear(width, 128), torch.nn.Linear(128, CLASSES)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = torch.relu(self.layer(x))
        return features, self.head(features)


def test_a_file_carries_as_pytorch_does_and_each_sample_by_itself(exported: Any) -> None:
    of, _, whole, by, judge = exported
    parity.prove_transform(by, whole, of.kind, CLASSES, judge)


def test_other_weights_are_found_out(exported: Any) -> None:
    of, _, whole, by, judge = exported
    before = by.encoder.change.bias.data.clone()
    by.encoder.change.bias.data += 3
    try:
        with pytest.raises(parity.ExportError):
            parity.prove_transform(by, whole, of.kind, CLASSES, judge)
    finally:
        by.encoder.change.bias.data = before


def test_who_draws_gets_the_same_bytes_from_a_file_that_carries(exported: Any) -> None:
    _, plain, whole, *_ = exported
    rows = artifact.Rows(
        np.full(40, artifact.mix_seed(1), np.uint64),
        np.arange(40, dtype=np.uint64),
        np.arange(40) % 2,
        np.ones(40, "f4"),
    )
    first, second = (Session(model.SerializeToString()).run(rows) for model in (plain, whole))
    assert first.tobytes() == second.tobytes()
    assert whole.graph.node[: len(plain.graph.node)] == plain.graph.node[:]


def test_a_source_that_is_not_told_is_what_the_judge_says(exported: Any) -> None:
    of, _, whole, _, judge = exported
    session = Session(whole.SerializeToString())
    count = len(of.raw)
    unknown, ones = np.full(count, artifact.UNKNOWN), np.ones(count, np.float32)
    target = np.arange(count) % CLASSES
    made, known = session.run_transform(artifact.Originals(of.raw, target, unknown, ones))
    assert np.array_equal(known, judge.predict(of.raw))
    told, repeated = session.run_transform(artifact.Originals(of.raw, target, known, ones))
    assert (told.tobytes(), repeated.tolist()) == (made.tobytes(), known.tolist())
    others, reported = session.run_transform(artifact.Originals(of.raw, target, 1 - known, ones))
    assert np.array_equal(reported, 1 - known)
    assert others.tobytes() != made.tobytes()


def test_weights_that_both_branches_have_are_stored_once(exported: Any) -> None:
    whole = exported[2]
    stored = [tensor.raw_data for tensor in whole.graph.initializer if len(tensor.raw_data) > 512]
    assert len(stored) == len(set(stored))
