"""Data of one class: a generator without a choice, and a card that claims nothing about recognising classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from training import quality
from training.__main__ import app
from training.data import Dataset
from training.data.splits import split
from training.judge import fitting
from training.kinds import load

SMALL = ("--set", "width=8", "--set", "latent_size=16", "--set", "batch_size=32")


def blobs(count: int, seed: int = 0) -> np.ndarray:
    """Images with one bright square each, above a darker ground: uint8 [n, 8, 8, 1]."""
    random = np.random.default_rng(seed)
    samples = random.integers(0, 40, (count, 8, 8, 1), dtype=np.uint8)
    samples[:, 5:] += 60
    for sample, (row, column) in zip(samples, random.integers(0, 3, (count, 2)), strict=True):
        sample[row : row + 3, column : column + 3] = 230
    return samples


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images without folders for classes."""
    folder = tmp_path_factory.mktemp("data") / "squares"
    folder.mkdir()
    for number, sample in enumerate(blobs(160)):
        Image.fromarray(sample[..., 0]).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def data(folder: Path) -> Dataset:
    return load(str(folder))


def command(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def test_a_folder_of_images_is_one_class_of_its_name(data: Dataset) -> None:
    assert data.class_names == ("squares",)
    assert data.samples.shape == (160, 8, 8, 1)
    assert not data.labels.any()


def test_what_has_no_classes_is_trained_measured_and_published_without_claims_about_them(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "default_steps", lambda samples: 20)
    where = ("--out", tmp_path / "models", "--runs", tmp_path / "runs")
    code, output = command("fit", folder, "--preset", "vanilla", "--steps", 40, "--force", *where, *SMALL)
    assert code == 0, output
    assert "There is one class, 'squares'" in output
    assert "label fidelity - - not measured" in output
    published = tmp_path / "models" / "squares" / "1" / "model.onnx"
    session = Session(published.read_bytes())
    message = artifact.from_json(session.metadata)
    artifact.check_signature(message, session.inputs, session.outputs)
    card = message.quality
    assert list(message.labels) == ["squares"]
    assert ("one-class", pb.SEVERITY_NOTE) in [(finding.kind, finding.severity) for finding in card.findings]
    for part in (card, card.classes[0]):
        assert not any(
            part.HasField(name) for name in ("real_accuracy", "classification_accuracy_score", "label_fidelity")
        )
    assert card.frechet_distance > 0 < card.coverage_ceiling
    assert not {"label-ignored", "unrecognised", "low-score", "weak-judge"} & {each.kind for each in card.findings}
    report = next((tmp_path / "runs").glob("*/report.html")).read_text()
    assert "not measured: there is one class" in report

    code, output = command("evaluate", published, folder, "--repeats", 1)
    assert code == 0, output
    assert "label fidelity - - not measured" in output
    code, output = command("study", published, folder)
    assert code == 2
    assert "knows one class: there is no classifier that its samples could help" in output


def test_scores_of_one_class_are_refused(folder: Path, tmp_path: Path) -> None:
    code, output = command("fit", folder, "--score", "--steps", 1, "--runs", tmp_path)
    assert code == 2
    assert "a score is confidence in one class among others" in output


def test_distances_of_one_class_tell_good_samples_from_bad(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "BATCH", 128)  # as outside of tests: of fewer it learns too little here
    splits = split(data)
    judge = fitting.fit(data.kind, data.samples[splits.train], data.labels[splits.train], 1, seed=0, steps=60)
    assert judge.predict_proba(data.samples[:3]).tolist() == [[1.0]] * 3
    shown = {"good": blobs(500, seed=1), "bad": np.random.default_rng(1).integers(0, 255, (500, 8, 8, 1), np.uint8)}

    def measured(name: str) -> pb.QualityCard:
        return quality.measure(
            lambda labels, start: shown[name][start : start + len(labels)],
            data,
            splits,
            seed=0,
            synthetic_per_class=500,
            judge=judge,
        )

    good, bad = measured("good"), measured("bad")
    assert good.frechet_distance < 2 * good.frechet_distance_floor < bad.frechet_distance
    assert good.coverage > 0.8 > 0.2 > bad.coverage
    assert (good.verdict, bad.verdict) == (pb.VERDICT_PASS, pb.VERDICT_WITHHELD)
