"""What is wrong with the data, found before any training: doubts of reading, scarcity, imbalance, wrong labels."""

from __future__ import annotations

import numpy as np

from training.data import Dataset
from training.data.kind import value_range
from training.data.splits import Splits
from training.judge.classifier import Classifier
from training.quality.findings.finding import Finding, FindingKind, Severity, worst_first
from training.quality.measures.spread import spread

FEW = 20  # samples to train a class on
UNEVEN = 20.0  # times as many samples as the scarcest class
CONSTANT = 1 / 255  # mean deviation inside a class, share of the range of values
CONTRADICTED = 0.1  # of the half of held-out samples that the classifier is surest of

_LOOKED_AT = 500
_FEWEST_JUDGED = 40  # held-out samples for a share that means anything
_MOST_NAMED = 8


def survey(dataset: Dataset, splits: Splits) -> list[Finding]:
    """Findings about the training split, worst first."""
    counts, names = dataset.counts(splits.train), dataset.class_names
    found = [
        Finding(FindingKind.DOUBTFUL_READING, Severity.WARNING, 1, 1, question.text, question.advice)
        for question in dataset.questions
    ]
    if dataset.classes == 1:
        text = (
            f"There is one class, {names[0]!r}, and so nothing to tell apart: accuracies and label fidelity are not "
            "measured."
        )
        advice = "If there should be classes, check how the labels were read."
        found.append(Finding(FindingKind.ONE_CLASS, Severity.NOTE, 1, 2, text, advice))
    for label in np.argsort(counts, kind="stable")[:_MOST_NAMED]:
        if counts[label] < FEW:
            text = (
                f"Class {names[label]!r} has {counts[label]} training samples; below {FEW}, a generator repeats them."
            )
            advice = "Collect more samples of the class; until then judge its samples by eye."
            found.append(
                Finding(FindingKind.FEW_SAMPLES, Severity.WARNING, counts[label], FEW, text, advice, names[label])
            )
    rare, frequent = int(counts.argmin()), int(counts.argmax())
    ratio = counts[frequent] / counts[rare]
    if ratio > UNEVEN:
        text = (
            f"Class {names[frequent]!r} has {ratio:,.0f} times as many training samples as {names[rare]!r} "
            f"({counts[frequent]:,} and {counts[rare]:,})."
        )
        advice = "A smaller class_balance (0 draws all classes alike) gives the rare class more of the training."
        found.append(Finding(FindingKind.IMBALANCE, Severity.WARNING, ratio, UNEVEN, text, advice, names[rare]))
    train_labels = dataset.labels[splits.train]
    constant, whole = [], value_range(dataset.kind.values(dataset.samples[:1]).dtype)
    for label in range(dataset.classes):
        real = dataset.samples[splits.train[train_labels == label][:_LOOKED_AT]]
        deviation = spread(real, dataset.kind.values) if len(real) > 1 else 0.0
        if deviation < CONSTANT * whole:
            constant.append((deviation, names[label]))
    for deviation, name in sorted(constant)[:_MOST_NAMED]:
        text = (
            f"The samples of class {name!r} hardly differ: they vary by {deviation / whole:.2%} of the range of "
            "values; a generator has nothing to vary."
        )
        advice = "Check how the class was read; one sample of it does as well as a generator."
        found.append(Finding(FindingKind.CONSTANT_DATA, Severity.WARNING, deviation, CONSTANT, text, advice, name))
    return worst_first(found)


def contradictions(judge: Classifier, dataset: Dataset, splits: Splits) -> list[Finding]:
    """Whether held-out labels contradict what a classifier of the training split is sure of.

    Where classes merely look alike, a classifier errs where it is unsure; where labels are wrong, the ones that it is
    sure of are wrong as often as the others.
    """
    labels = dataset.labels[splits.validation]
    if len(labels) < _FEWEST_JUDGED or dataset.classes == 1:
        return []
    probabilities = judge.predict_proba(dataset.part(splits.validation))
    surest = np.argsort(-probabilities.max(1), kind="stable")[: len(labels) // 2]
    share = float((probabilities[surest].argmax(1) != labels[surest]).mean())
    if share <= CONTRADICTED:
        return []
    text = (
        f"Labels and samples disagree: of the half of held-out samples that a classifier is surest of, {share:.0%} "
        "carry another label than it gives them."
    )
    advice = "Look for wrong labels, or join classes that cannot be told apart."
    return [Finding(FindingKind.LABEL_NOISE, Severity.WARNING, share, CONTRADICTED, text, advice)]
