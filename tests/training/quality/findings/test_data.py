"""Data that cannot be learned from is refused or named before the time for training is spent."""

from __future__ import annotations

import numpy as np
import pytest

from training.data import DataError, Dataset
from training.data.question import Question
from training.data.records import Records
from training.data.splits import split
from training.judge import fitting
from training.judge.classifier import Classifier
from training.kinds.image import Image
from training.kinds.image.finish import finish
from training.quality.findings.data import contradictions, survey
from training.quality.findings.finding import Finding, FindingKind, Severity


@pytest.fixture(scope="module")
def judge(stripes: Dataset) -> Classifier:
    """Of the stripes, not of the digits that the other tests of quality are about."""
    train = split(stripes).train
    return fitting.fit(stripes.kind, stripes.samples[train], stripes.labels[train], 3, seed=0, steps=120)


def dataset(samples: np.ndarray, labels: np.ndarray) -> Dataset:
    names = tuple("abc"[: labels.max() + 1])
    return finish("data", Records(samples, labels, names), None)


def noise(counts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(0).integers(0, 256, (len(labels), 8, 8, 1), dtype=np.uint8), labels


def found(samples: np.ndarray, labels: np.ndarray) -> dict[tuple[FindingKind, str], Finding]:
    data = dataset(samples, labels)
    return {(finding.kind, finding.label): finding for finding in survey(data, split(data))}


def test_good_data_has_no_findings(stripes: Dataset, judge: Classifier) -> None:
    assert survey(stripes, split(stripes)) == []
    assert contradictions(judge, stripes, split(stripes)) == []


def test_imbalance_of_1000_to_1_is_named_with_its_counts() -> None:
    findings = found(*noise([10_000, 10, 1000]))
    imbalance = findings[FindingKind.IMBALANCE, "b"]
    assert imbalance.value == pytest.approx(7000 / 6)  # of 10 samples six are for training
    assert "'a' has 1,167 times as many training samples as 'b' (7,000 and 6)" in imbalance.text
    assert "class_balance" in imbalance.advice
    assert findings[FindingKind.FEW_SAMPLES, "b"].value == 6


def test_12_images_are_refused_and_24_are_named_scarce() -> None:
    with pytest.raises(DataError, match="2 classes have too few samples: 'a' has 6, 'b' has 6; at least 8 are"):
        dataset(*noise([6, 6]))
    findings = found(*noise([12, 12]))
    assert [findings[FindingKind.FEW_SAMPLES, name].value for name in "ab"] == [8, 8]
    assert "repeats them" in findings[FindingKind.FEW_SAMPLES, "a"].text


def test_one_class_is_named_and_its_labels_are_not_doubted() -> None:
    samples, labels = noise([100])
    (finding,) = found(samples, labels).values()
    assert (finding.kind, finding.severity) == (FindingKind.ONE_CLASS, Severity.NOTE)
    assert "accuracies and label fidelity are not measured" in finding.text
    data = dataset(samples, labels)
    fitted = fitting.fit(Image(*samples.shape[1:]), samples, labels, 1, seed=0, steps=10)
    assert contradictions(fitted, data, split(data)) == []


def test_constant_images_are_refused_and_a_constant_class_is_named() -> None:
    samples, labels = noise([100, 100])
    with pytest.raises(DataError, match="all 200 images are equal"):
        dataset(np.full_like(samples, 7), labels)
    samples[labels == 1] = 7
    findings = found(samples, labels)
    assert set(findings) == {(FindingKind.CONSTANT_DATA, "b")}
    assert findings[FindingKind.CONSTANT_DATA, "b"].value == 0


def test_wrong_labels_are_noticed(stripes: Dataset) -> None:
    random = np.random.default_rng(0)
    wrong = random.random(len(stripes.labels)) < 0.4
    labels = np.where(wrong, (stripes.labels + random.integers(1, 3, len(wrong))) % 3, stripes.labels)
    noisy = finish("noisy", Records(stripes.samples, labels, stripes.class_names), None)
    splits = split(noisy)
    truth = {sample.tobytes(): label for sample, label in zip(stripes.samples, stripes.labels, strict=True)}

    class Knowing:
        """A judge whom wrong labels have not confused."""

        def predict_proba(self, samples: np.ndarray) -> np.ndarray:
            return np.eye(3, dtype=np.float32)[[truth[sample.tobytes()] for sample in samples]]

    (finding,) = contradictions(Knowing(), noisy, splits)  # type: ignore[arg-type]
    assert finding.kind == FindingKind.LABEL_NOISE
    assert finding.value > 0.2
    assert "carry another label" in finding.text


def test_what_is_doubtful_about_the_reading_is_a_warning_with_its_remedy() -> None:
    samples, labels = noise([100, 100])
    samples[100:104] = samples[:4]
    data = finish(
        "data", Records(samples, labels, ("cat", "Cat"), questions=(Question("A doubt.", "A remedy."),)), None
    )
    findings = survey(data, split(data))
    assert {finding.kind for finding in findings} == {FindingKind.DOUBTFUL_READING}
    assert {finding.severity for finding in findings} == {Severity.WARNING}
    assert [(finding.text, finding.advice) for finding in findings[:1]] == [("A doubt.", "A remedy.")]
    assert "4 samples have more than one label: 'cat' and 'Cat' (4)." in findings[1].text
    assert "'cat' and 'Cat' differ in case, blanks or dashes only." in findings[2].text
