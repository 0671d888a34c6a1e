"""A kind of data that exists only here: what the rest of the program needs to take it, from fitting to a loader."""

import io
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor, nn

import augmint
from augmint.torch import SyntheticStream
from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from tests.processes import Service
from training import fit as fitting
from training.config.presets import resolve
from training.data import Dataset
from training.data.kind import FEATURES, Kind, Picture
from training.run.folder import Order, Run

# -- the kind ----------------------------------------------------------------------------------------------


class Decoder(nn.Module):
    def forward(self, sample: Tensor) -> Tensor:
        return torch.round(sample[:, 0] * 32767.0).to(torch.int16)


class Levels:
    """A wave as choices: which of 8 levels each of its steps has."""

    sizes = (8,) * 64

    def encode(self, raw: Tensor) -> Tensor:
        return (raw.to(torch.int64) + 32768) // 8192

    def decoder(self) -> nn.Module:
        return LevelsDecoder()


class LevelsDecoder(nn.Module):
    def forward(self, tokens: Tensor, uniform: Tensor) -> Tensor:
        return ((tokens.float() + uniform) * 8192.0 - 32769.0).round().to(torch.int32).to(torch.int16)


class Judge(nn.Module):
    def __init__(self, outputs: int) -> None:
        super().__init__()
        layers = [nn.Conv1d(1, 16, 5, 2, 2), nn.ReLU(), nn.Conv1d(16, 32, 5, 2, 2), nn.ReLU(), nn.Flatten()]
        self.trunk, self.head = nn.Sequential(*layers, nn.Linear(32 * 16, FEATURES)), nn.Linear(FEATURES, outputs)

    def forward(self, waves: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(waves).relu()
        return features, self.head(features)


@dataclass(frozen=True)
class Louder:
    most: float = 0.1

    def vary(self, raw: Tensor) -> Tensor:
        return raw[:, None].float() / 32767 * (1 + self.most * (torch.rand(len(raw), 1, 1) * 2 - 1))


@dataclass(frozen=True)
class Wave(Kind):
    """int16 [64]: a short sound."""

    spec = pb.SampleSpec(shape=[64], dtype=pb.DATA_TYPE_INT16)
    dtype = np.dtype(np.int16)
    form = (1, 64)
    augmentation = None
    words = "64 steps of a wave"
    pretexts = 2
    tokens = Levels()

    def encode(self, raw: Tensor) -> Tensor:
        return raw[:, None].to(torch.float32) / 32767.0

    def decoder(self) -> nn.Module:
        return Decoder()

    def likelihood(self, real: Tensor, made: Tensor) -> Tensor:
        return (real - made).square().flatten(1).sum(1)

    def judge(self, outputs: int) -> nn.Module:
        return Judge(outputs)

    def recipes(self) -> list[Louder]:
        return [Louder()]

    def pretext(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        turned = torch.arange(len(samples)) % 2
        return samples * (1 - 2 * turned[:, None, None]), turned

    def compact(self, raw: np.ndarray, coarse: bool = False) -> np.ndarray:
        return raw.astype(np.float32)

    def picture(self, raw: np.ndarray) -> Picture:
        return Picture(
            f'<svg xmlns="http://www.w3.org/2000/svg" data-n="{len(raw)}"/>'.encode(), ".svg", "image/svg+xml"
        )

    def sheet(self, groups, names, columns, caption) -> Picture:
        return self.picture(np.concatenate(list(groups)))


# -- the path ----------------------------------------------------------------------------------------------


def waves(count: int = 240) -> Dataset:
    """Two classes: one period in 64 steps, and four."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 2
    turns = np.arange(64)[None] / 64 * np.where(labels, 4, 1)[:, None] + random.random((count, 1))
    loud = random.uniform(0.5, 0.9, (count, 1))
    samples = np.round(32767 * loud * np.sin(2 * np.pi * turns)).astype(np.int16)
    return Dataset("waves", samples, labels, ("low", "high"), "0" * 64, None, (), Wave())


SMALL = {
    "rpgan": {"width": 8, "latent_size": 16, "batch_size": 32},
    "argn": {"width": 32, "embedding_size": 8, "batch_size": 32},
}


@pytest.fixture(scope="module", params=SMALL)
def published(request, tmp_path_factory):
    """(models, run folder) of a run of 20 steps, published whatever it reached."""
    folder = tmp_path_factory.mktemp("waves")
    order = Order(
        data="waves",
        size=None,
        preset=request.param,
        config=resolve(request.param, SMALL[request.param]),
        seed=0,
        budget_seconds=None,
        steps=20,
        retries=0,
        score=True,
        out=str(folder / "models"),
        name="waves",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "load", lambda *arguments, **options: waves())
        run = Run.start(folder / "runs", order)
        fitting.fit(run, Console(file=io.StringIO()), force=True)
    return folder / "models", run.folder


def test_a_kind_is_fitted_measured_and_published(published):
    message = artifact.from_json(Session((published[0] / "waves/1/model.onnx").read_bytes()).metadata)
    assert (list(message.sample.shape), message.sample.dtype) == ([64], pb.DATA_TYPE_INT16)
    assert message.quality.real_accuracy > 0.5
    assert {each.label for each in message.quality.classes} == {"low", "high"}


def test_a_kind_is_reported_with_its_own_pictures(published):
    page = (published[1] / "report.html").read_text()
    assert page.count("data:image/svg+xml;base64,") >= 4  # real and synthetic ones of two classes
    assert list((published[1] / "samples").glob("*.svg"))


def test_a_kind_is_served_drawn_and_loaded(published):
    with Service(published[0], "--max-batch", "8", "--allow-withheld") as service:
        with augmint.Client(service.target) as client:
            some = client.generate("high", 12, seed=3)
            alone = client.generate("high", 1, seed=3, start_index=11)
        assert (some.array.shape, some.array.dtype) == ((12, 64), np.int16)
        assert np.array_equal(some.array[11], alone.array[0])
        stream = SyntheticStream(service.target, batch_size=12, length=24, seed=3)
        batches = list(stream)
    assert [tuple(samples.shape) for samples, _ in batches] == [(12, 64)] * 2
    assert batches[0][0].dtype == torch.int16
