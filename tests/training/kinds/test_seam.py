"""A kind of data that exists only here: what the rest of the program needs to take it, from fitting to a loader."""

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import augmint
from augmint.torch import SyntheticStream
from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from tests.processes import Service
from tests.training.runs import published
from tests.training.studying import study
from training.data import Dataset
from training.data.kind import FEATURES, Exhibit, Kind, Measurement, Picture

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


class Loudness:
    """The classifier that people use for waves: by the mean slope, nearest to that of a class."""

    def __init__(self, classes: int) -> None:
        self._means = np.full(classes, np.inf)

    def fit(self, samples: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> None:
        slopes = self._slopes(samples)
        for label in np.unique(labels):
            self._means[label] = slopes[labels == label].mean()

    def predict_proba(self, samples: np.ndarray) -> np.ndarray:
        nearest = np.abs(self._slopes(samples)[:, None] - self._means).argmin(1)
        return np.eye(len(self._means))[nearest]

    @staticmethod
    def _slopes(samples: np.ndarray) -> np.ndarray:
        return np.abs(np.diff(samples.astype(np.float64))).mean(1)


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

    def pupil(self, classes: int, seed: int) -> Loudness:
        return Loudness(classes)

    def measurements(self, made: np.ndarray, held: np.ndarray, train: np.ndarray) -> list[Measurement]:
        assert len(made) == len(held)
        silent, held_silent = (float((np.abs(each.astype(int)).max(1) < 100).mean()) for each in (made, held))
        return [
            Measurement("silent waves", silent, held_silent),
            Measurement("length", 64.0, 64.0, "steps", limit=63.0, low=64.0, advice="This toy warns always."),
        ]

    def exhibits(self, made: np.ndarray, real: np.ndarray) -> list[Exhibit]:
        said = f'<p class="faint">{len(made)} of &lt;made&gt;, {len(real)} of real</p>'
        return [
            Exhibit("Loudness", Picture(said.encode(), ".html", "text/html")),
            Exhibit("Listen", Picture(b"RIFF", ".wav", "audio/wav")),
        ]

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
def made(request, tmp_path_factory):
    """(models, run folder) of a run of 20 steps, published whatever it reached."""
    folder = tmp_path_factory.mktemp("waves")
    _, run = published(folder, waves(), request.param, SMALL[request.param], name="waves", score=True)
    return folder / "models", run.folder


def test_a_kind_is_fitted_measured_and_published(made):
    message = artifact.from_json(Session((made[0] / "waves/1/model.onnx").read_bytes()).metadata)
    assert (list(message.sample.shape), message.sample.dtype) == ([64], pb.DATA_TYPE_INT16)
    assert message.quality.real_accuracy > 0.5
    assert {each.label for each in message.quality.classes} == {"low", "high"}
    assert message.quality.membership_inference.train_samples > 0


def test_accuracies_are_of_the_classifier_that_people_use(made):
    card = artifact.from_json(Session((made[0] / "waves/1/model.onnx").read_bytes()).metadata).quality
    assert card.real_accuracy == 1  # one period and four are told by their slope alone
    # What judges fidelity is the network all the same, and says how well it knows real samples.
    (judged,) = [each for each in card.measurements if each.name == "recognised as its class"]
    assert judged.value == pytest.approx(card.label_fidelity)


def test_what_a_kind_measures_is_in_the_card_and_warned_of_beyond_its_limit(made):
    card = artifact.from_json(Session((made[0] / "waves/1/model.onnx").read_bytes()).metadata).quality
    found = {each.name: each for each in card.measurements}
    assert found["silent waves"].real == 0
    assert (found["length"].value, found["length"].detail) == (64, "steps")
    (finding,) = [each for each in card.findings if each.kind == "deviation"]
    assert finding.text == "Length: 64 (steps), where at most 63 passes; held-out real samples have 64."
    assert finding.advice == "This toy warns always."


def test_a_kind_is_reported_with_its_own_pictures(made):
    page = (made[1] / "report.html").read_text()
    assert page.count("data:image/svg+xml;base64,") >= 4  # real and synthetic ones of two classes
    assert list((made[1] / "samples").glob("*.svg"))


def test_what_a_kind_exhibits_is_in_the_report_by_its_media_type(made):
    page = (made[1] / "report.html").read_text()
    assert re.search(r'<h2>Loudness</h2>\s*<p class="faint">(\d+) of &lt;made&gt;, \d+ of real</p>', page)
    assert re.search(
        r'<h2>Listen</h2>\s*<audio controls src="data:audio/wav;base64,UklGRg==" aria-label="Listen"></audio>', page
    )
    assert "<td>silent waves</td>" in page
    assert "<td>membership inference</td>" in page


def test_a_kind_is_served_drawn_and_loaded(made):
    with Service(made[0], "--max-batch", "8", "--allow-withheld") as service:
        with augmint.Client(service.target) as client:
            some = client.generate("high", 12, seed=3)
            alone = client.generate("high", 1, seed=3, start_index=11)
        assert (some.array.shape, some.array.dtype) == ((12, 64), np.int16)
        assert np.array_equal(some.array[11], alone.array[0])
        stream = SyntheticStream(service.target, batch_size=12, length=24, seed=3)
        batches = list(stream)
    assert [tuple(samples.shape) for samples, _ in batches] == [(12, 64)] * 2
    assert batches[0][0].dtype == torch.int16


# -- a study -----------------------------------------------------------------------------------------------


class Nearest:
    """The class whose mean wave is nearest; weights are of the mean."""

    def __init__(self, classes: int) -> None:
        self._classes = classes

    def fit(self, samples, labels, weights=None) -> None:
        weights = np.ones(len(labels)) if weights is None else weights
        own = [np.where(labels == label, weights, 0) + 1e-9 for label in range(self._classes)]
        self._means = np.stack([np.average(np.abs(np.fft.rfft(samples)), 0, each) for each in own])

    def predict_proba(self, samples):
        away = np.abs(np.fft.rfft(samples))[:, None] - self._means
        closeness = 1 / (1e-9 + np.square(away).sum(2))
        return closeness / closeness.sum(1, keepdims=True)


class Turned:
    """New waves are old ones that begin elsewhere."""

    evens = True

    def resample(self, samples, labels, seed):
        counts, random = np.bincount(labels), np.random.default_rng(seed)
        scarce = int(counts.argmin())
        more = random.choice(np.flatnonzero(labels == scarce), counts.max() - counts.min())
        turned = np.stack([np.roll(samples[at], random.integers(64)) for at in more])
        return np.concatenate([samples, turned]), np.concatenate([labels, np.full(len(more), scarce)])

    def __str__(self) -> str:
        return "turned"


@dataclass(frozen=True)
class Heard(Wave):
    """What people of the kind use, and what they do for scarce classes."""

    def pupil(self, classes: int, seed: int) -> Nearest:
        return Nearest(classes)

    def resamplers(self):
        return {"turning": [Turned()]}


def test_a_kind_brings_what_its_people_use_and_compare_with(tmp_path, monkeypatch):
    data = every = waves()
    scarce = np.flatnonzero((data.labels == 0) | (np.arange(len(data.labels)) % 6 == 1))
    data = replace(data, samples=data.samples[scarce], labels=data.labels[scarce], kind=Heard())
    (outcome,) = study(data, lambda label, index: every.samples[label], tmp_path, monkeypatch)[0].run()
    names = [arm.name for arm in outcome.line.arms]
    assert names.index("turning") < names.index("with synthetic samples")
    assert "standard augmentation" not in names
    assert outcome.line.arms[names.index("turning")].score > 0.9
    assert [each.measure for each in outcome.line.others] == ["macro-F1", "AUC"]
