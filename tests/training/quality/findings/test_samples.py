"""What is plainly wrong with a class is found; what a handful of samples merely may mean is not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from augmint.v1 import generator_pb2 as pb
from training.data import Dataset
from training.data.kind import Measurement
from training.data.splits import Splits
from training.kinds.image import Image
from training.quality.findings.copying import can_tell
from training.quality.findings.finding import Finding, FindingKind, Severity
from training.quality.findings.samples import find
from training.quality.measures import memorisation
from training.quality.measures.repeats import Repeats


def card(tests: int = 200, **changes: float) -> pb.QualityCard:
    """Of two good classes; `changes` are of the second one."""
    values = {
        "real_samples": tests,
        "synthetic_samples": 500,
        "real_accuracy": 0.97,
        "classification_accuracy_score": 0.95,
        "label_fidelity": 0.96,
        "spread_ratio": 0.95,
        "spread_ratio_low": 0.9,
        "spread_ratio_high": 1.0,
        "coverage": 0.93,
        "coverage_low": 0.9,
        "coverage_high": 0.96,
        "coverage_ceiling": 0.97,
        "coverage_samples": 2 * tests,
    }
    return pb.QualityCard(
        real_samples=2 * tests,
        synthetic_samples=1000,
        real_accuracy=0.97,
        classification_accuracy_score=0.95,
        label_fidelity=0.96,
        coverage=0.9,
        coverage_ceiling=0.97,
        classes=[pb.ClassQuality(label="a", **values), pb.ClassQuality(label="b", **{**values, **changes})],
    )


def found(judged: pb.QualityCard) -> list[Finding]:
    recognised = [round(500 * each.label_fidelity) for each in judged.classes]
    confusion = np.array([[recognised[0], 500 - recognised[0]], [500 - recognised[1], recognised[1]]])
    return [each for each in everything(judged, confusion) if each.kind != FindingKind.FEW_TEST_SAMPLES]


def everything(judged: pb.QualityCard, confusion: np.ndarray, **more: Any) -> list[Finding]:
    """Where the judge is the classifier that people use too, and no sample equals another."""
    recall = np.array([each.real_accuracy for each in judged.classes])
    return find(judged, confusion, **{"copies": Repeats(0, 1000), "recall": recall, **more})


def test_nothing_is_found_in_a_good_card():
    assert found(card()) == []


PLAIN = [
    ({"label_fidelity": 0.3}, FindingKind.UNRECOGNISED, Severity.FAILURE),
    ({"label_fidelity": 0.7}, FindingKind.UNRECOGNISED, Severity.WARNING),
    ({"classification_accuracy_score": 0.2}, FindingKind.LOW_SCORE, Severity.FAILURE),
    ({"classification_accuracy_score": 0.5}, FindingKind.LOW_SCORE, Severity.WARNING),
    (
        {"spread_ratio": 0.3, "spread_ratio_low": 0.25, "spread_ratio_high": 0.36},
        FindingKind.COLLAPSE,
        Severity.FAILURE,
    ),
    (
        {"spread_ratio": 0.53, "spread_ratio_low": 0.5, "spread_ratio_high": 0.56},
        FindingKind.COLLAPSE,
        Severity.WARNING,
    ),
    ({"spread_ratio": 1.9, "spread_ratio_low": 1.7, "spread_ratio_high": 2.1}, FindingKind.NOISE, Severity.WARNING),
    ({"coverage": 0.6, "coverage_low": 0.55, "coverage_high": 0.65}, FindingKind.UNCOVERED, Severity.WARNING),
    ({"coverage": 0.3, "coverage_low": 0.25, "coverage_high": 0.35}, FindingKind.UNCOVERED, Severity.FAILURE),
    ({"coverage": 0.6, "coverage_high": 0.65, "coverage_ceiling": 0.6}, FindingKind.UNCOVERED, Severity.WARNING),
]


@pytest.mark.parametrize(("changes", "kind", "severity"), PLAIN)
def test_what_is_plain_is_found_in_its_class(changes, kind, severity):
    assert [(each.kind, each.severity, each.label) for each in found(card(**changes))] == [(kind, severity, "b")]


def test_where_training_samples_lack_a_kind_too_the_data_is_blamed():
    (finding,) = found(card(coverage=0.6, coverage_high=0.65, coverage_ceiling=0.6))
    assert "in the training samples already: they come near to 60% of its held-out real samples" in finding.text
    assert "divide the data at random" in finding.advice


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"spread_ratio": 0.4, "spread_ratio_low": 0.2, "spread_ratio_high": 0.8}, FindingKind.COLLAPSE),
        ({"spread_ratio": 2.0, "spread_ratio_low": 1.0, "spread_ratio_high": 4.0}, FindingKind.NOISE),
        ({"coverage": 0.65, "coverage_low": 0.43, "coverage_high": 0.82}, FindingKind.UNCOVERED),
    ],
)
def test_an_interval_that_holds_the_limit_is_no_finding(changes, kind):
    assert found(card(**changes)) == []


def test_a_card_without_intervals_is_judged_by_its_numbers():
    (finding,) = found(card(spread_ratio=0.4, spread_ratio_low=0, spread_ratio_high=0))
    assert finding.kind == FindingKind.COLLAPSE


def test_a_class_of_few_tests_is_withheld_by_what_chance_cannot_do_only():
    severities = {}
    for tests in (2, 4, 8, 20, 50):
        of_class = [each.severity for each in found(card(tests, classification_accuracy_score=0.0)) if each.label]
        severities[tests] = max(of_class, default=0)
    assert severities == {2: 0, 4: 0, 8: Severity.WARNING, 20: Severity.FAILURE, 50: Severity.FAILURE}


@pytest.mark.parametrize(("real", "fidelity"), [(1.0, 0.23), (0.5, 0.1)])
def test_noise_does_not_pass_in_a_class_of_two_tests(real, fidelity):
    (finding,) = found(card(2, real_accuracy=real, label_fidelity=fidelity))
    assert (finding.kind, finding.severity, finding.label) == (FindingKind.UNRECOGNISED, Severity.FAILURE, "b")


@pytest.mark.parametrize("tests", [2, 5, 12, 40])
def test_real_samples_are_hardly_ever_accused_over_many_divisions(tests):
    """The judge recognises three quarters of real samples, and generated ones are as good: all else is chance."""
    random = np.random.default_rng(0)
    warned, withheld, draws = 0, 0, 300
    for _ in range(draws):
        shares = {
            "real_accuracy": random.binomial(tests, 0.75) / tests,
            "classification_accuracy_score": random.binomial(tests, 0.75) / tests,
            "label_fidelity": random.binomial(500, 0.75) / 500,
        }
        severities = [each.severity for each in found(card(tests, **shares)) if each.label == "b"]
        warned += bool(severities)
        withheld += Severity.FAILURE in severities
    assert withheld == 0
    assert warned <= 0.03 * draws


def test_fidelity_is_held_against_the_judge_and_not_against_what_people_use():
    """Boosting knows classes better than the judge; samples cannot be recognised better than real ones are."""
    judged = card(real_accuracy=0.97, label_fidelity=0.7)
    confusion = np.array([[480, 20], [150, 350]])
    (finding,) = everything(judged, confusion)
    assert (finding.kind, finding.label) == (FindingKind.UNRECOGNISED, "b")
    assert everything(judged, confusion, recall=np.array([0.97, 0.72])) == []
    (finding,) = everything(judged, confusion, recall=np.array([0.5, 0.5]))
    assert finding.kind == FindingKind.WEAK_JUDGE


DISTANCE = Measurement("distance of a column, worst", 0.24, 0.01, "age", limit=0.1, low=0.2, advice="Look at it.")


def test_what_a_kind_measures_warns_beyond_its_own_limit():
    (finding,) = everything(card(), np.array([[480, 20], [20, 480]]), measured=[DISTANCE, replace(DISTANCE, low=0.1)])
    assert (finding.kind, finding.severity) == (FindingKind.DEVIATION, Severity.WARNING)
    assert finding.text == (
        "Distance of a column, worst: 0.24 (age), where at most 0.1 passes; held-out real samples have 0.01."
    )
    assert finding.advice == "Look at it."
    told_only = Measurement("different rows", 0.9)
    assert everything(card(), np.array([[480, 20], [20, 480]]), measured=[told_only]) == []


@pytest.mark.parametrize(
    ("low", "severity"), [(0.6, None), (0.61, Severity.WARNING), (0.75, Severity.WARNING), (0.76, Severity.FAILURE)]
)
def test_an_attack_that_certainly_tells_members_is_found(low, severity):
    judged = card()
    judged.membership_inference.CopyFrom(
        pb.MembershipInference(auc=0.8, low=low, high=0.9, train_samples=9, held_out_samples=9, synthetic_samples=1500)
    )
    findings = found(judged)
    assert [each.severity for each in findings] == ([severity] if severity else [])
    if severity:
        assert "by the distance to the nearest of 1,500 synthetic ones, a training sample is told from a held-out" in (
            findings[0].text
        )


def test_rows_that_repeat_no_more_than_real_ones_are_no_copies():
    confusion = np.array([[480, 20], [20, 480]])
    (finding,) = everything(card(), confusion, copies=Repeats(900, 1000))
    assert (finding.kind, finding.severity) == (FindingKind.COPIES, Severity.FAILURE)
    assert everything(card(), confusion, copies=Repeats(900, 1000, real=880)) == []
    (finding,) = everything(card(), confusion, copies=Repeats(900, 1000, real=500))
    assert finding.severity == Severity.WARNING
    assert finding.text == "900 of 1,000 samples are exact copies of others; of as many real ones 500 are."


# -- copies ------------------------------------------------------------------------------------------------------------


def divided(digits: Dataset, per_class: int, seed: int) -> tuple[Splits, np.ndarray]:
    """So many samples of each class, a third of them held out, and 30 more of each that nobody has seen."""
    random = np.random.default_rng(seed)
    train, held, unseen = [], [], []
    for label in range(digits.classes):
        members = random.permutation(np.flatnonzero(digits.labels == label))
        out = max(4, per_class // 3)
        held.append(members[:out])
        train.append(members[out:per_class])
        unseen.append(members[per_class : per_class + 30])
    half = [np.array_split(each, 2) for each in held]
    return Splits(
        np.concatenate(train), np.concatenate([a for a, _ in half]), np.concatenate([b for _, b in half])
    ), np.concatenate(unseen)


def copies_of(digits: Dataset, splits: Splits, samples: np.ndarray, labels: np.ndarray) -> list[Finding]:
    neighbours = memorisation.compare(samples, labels, digits, splits)
    judged = card()
    del judged.classes[:]
    judged.memorisation.CopyFrom(neighbours.summary())
    for label in range(digits.classes):
        judged.classes.add(label=str(label), memorisation=neighbours.summary(label), spread_ratio=1, real_samples=99)
    return [each for each in everything(judged, np.eye(10, dtype=np.int64)) if each.kind == FindingKind.MEMORISATION]


@pytest.mark.parametrize("per_class", [8, 13, 40, 120])
def test_real_samples_that_nobody_has_seen_are_no_copies_over_many_divisions(digits, per_class):
    accused, draws = 0, 15
    for seed in range(draws):
        splits, unseen = divided(digits, per_class, seed)
        findings = copies_of(digits, splits, digits.samples[unseen], digits.labels[unseen])
        severe = [each for each in findings if each.severity > Severity.NOTE]
        assert not [each for each in severe if each.severity == Severity.FAILURE]
        assert not [each for each in severe if not each.label]
        accused += len(severe)
        told = [each for each in findings if "cannot be told" in each.text and each.label]
        assert len(told) == 10 if per_class < 30 else len(told) < 10
    assert accused <= 0.02 * draws * digits.classes


@pytest.mark.parametrize("per_class", [60, 120])
def test_a_generator_that_copies_is_withheld_in_every_class(digits, per_class):
    splits, _ = divided(digits, per_class, seed=0)
    random = np.random.default_rng(0)
    rows = random.choice(splits.train, 2000)
    near = (digits.samples[rows].astype(int) + random.integers(-12, 13, digits.samples[rows].shape)).clip(0, 255)
    findings = copies_of(digits, splits, near.astype(np.uint8), digits.labels[rows])
    assert {each.label for each in findings if each.severity == Severity.FAILURE} == {"", *"0123456789"}
    assert findings[0].label == ""


def test_a_class_of_a_handful_says_that_copies_cannot_be_told_and_is_not_withheld(digits):
    splits, _ = divided(digits, 8, seed=0)
    rows = np.tile(splits.train, 10)
    noise = np.random.default_rng(0).integers(-12, 13, digits.samples[rows].shape)
    samples = (digits.samples[rows].astype(int) + noise).clip(0, 255).astype(np.uint8)
    of_classes = [each for each in copies_of(digits, splits, samples, digits.labels[rows]) if each.label]
    assert {each.severity for each in of_classes} == {Severity.NOTE}
    assert "Whether samples of '0' are copies cannot be told with 4 training and 4 held-out real samples: 100% are" in (
        of_classes[0].text
    )


def test_exact_copies_are_found_however_few_real_samples_there_are(digits):
    splits, _ = divided(digits, 8, seed=0)
    rows = np.tile(splits.train, 10)
    findings = copies_of(digits, splits, digits.samples[rows], digits.labels[rows])
    assert {each.label for each in findings if each.severity == Severity.FAILURE} == {"", *"0123456789"}


def test_where_real_samples_equal_one_another_generated_ones_may_as_well():
    samples = np.zeros((120, 8, 8, 1), np.uint8)
    samples[np.arange(120), np.arange(120) % 3] = 255  # three images, again and again
    data = Dataset(
        "stamps", samples, np.zeros(120, np.int64), ("stamp",), "0" * 64, None, (), Image(*samples.shape[1:])
    )
    splits = Splits(np.arange(0, 80), np.arange(80, 100), np.arange(100, 120))
    summary = memorisation.compare(samples[:60], np.zeros(60, np.int64), data, splits).summary()
    assert summary.exact_copies == 60
    assert summary.held_out_exact_share == 1
    judged = pb.QualityCard(classes=[pb.ClassQuality(label="stamp", memorisation=summary, spread_ratio=1)])
    assert not [each for each in everything(judged, np.ones((1, 1), np.int64)) if each.kind == FindingKind.MEMORISATION]


def test_a_dozen_held_out_samples_can_tell():
    assert next(held for held in range(40) if can_tell(100, held)) == 12
