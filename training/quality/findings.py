"""What is wrong with a generator, said in plain words with the numbers that show it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augmint.v1 import generator_pb2 as pb

COLLAPSED_SPREAD = 0.5
NOISY_SPREAD = 1.5
FIDELITY_MARGIN = 0.15  # below the real samples' own recall
CAS_SHARE = 0.75  # of the accuracy with real samples
CLASS_CAS_SHARE = 0.5
COVERAGE_SHARE = 0.5  # of the ceiling
COPIES_SHARE = 0.05
WEAK_JUDGE = 0.6
FEW_TEST_SAMPLES = 20
_NAMED = 4


def find(card: pb.QualityCard, confusion: np.ndarray, copies: int) -> list[str]:
    """Findings about a card, worst first; empty if there are none.

    card:      complete but for its warnings.
    confusion: int64 [classes, classes], synthetic samples by requested (row) and recognised (column) class.
    copies:    synthetic samples that are exact copies of another one.
    """
    # The order of these lines is the order of harm to a training job that uses the samples.
    findings = [
        _ignored_label(card),
        _collapsed(card),
        _unrecognised(card, confusion),
        _low_score(card),
        _low_class_score(card),
        _uncovered(card),
        _noisy(card),
        _copied(card, copies),
        _weak_judge(card),
        _few_tests(card),
    ]
    return [finding for finding in findings if finding]


def _ignored_label(card: pb.QualityCard) -> str:
    chance = 1 / len(card.classes)
    if card.label_fidelity > chance + 0.2 * (1 - chance):
        return ""
    return (
        f"The label is ignored or mixed up: only {card.label_fidelity:.0%} of the samples are recognised as the class "
        f"asked for; guessing would give {chance:.0%}."
    )


def _collapsed(card: pb.QualityCard) -> str:
    found = sorted((c for c in card.classes if c.spread_ratio < COLLAPSED_SPREAD), key=lambda c: c.spread_ratio)
    if not found:
        return ""
    named = _listed([f"{c.label!r} {c.spread_ratio:.2f}" for c in found])
    return (
        f"{_classes(len(found), card)} collapsed: samples vary less than {COLLAPSED_SPREAD:g} times as much as real "
        f"ones: {named}."
    )


def _unrecognised(card: pb.QualityCard, confusion: np.ndarray) -> str:
    found = []
    for number, quality in enumerate(card.classes):
        deficit = quality.real_accuracy - quality.label_fidelity
        if deficit > FIDELITY_MARGIN:
            taken_for = card.classes[int(confusion[number].argmax())].label
            taken = "" if taken_for == quality.label else f" (mostly taken for {taken_for!r})"
            found.append((deficit, f"{quality.label!r} {quality.label_fidelity:.0%}{taken}"))
    if not found:
        return ""
    named = _listed([text for _, text in sorted(found, reverse=True)])
    return (
        f"{_classes(len(found), card)} hard to recognise: the share of samples that the classifier of real data gives "
        f"the class asked for is {named}."
    )


def _low_score(card: pb.QualityCard) -> str:
    if card.classification_accuracy_score >= CAS_SHARE * card.real_accuracy:
        return ""
    return (
        f"A classifier trained on these samples alone reaches {card.classification_accuracy_score:.1%} on real test "
        f"data, one trained on real samples {card.real_accuracy:.1%}."
    )


def _low_class_score(card: pb.QualityCard) -> str:
    found = sorted(
        (c for c in card.classes if c.classification_accuracy_score < CLASS_CAS_SHARE * c.real_accuracy),
        key=lambda c: c.classification_accuracy_score,
    )
    if not found:
        return ""
    named = _listed([f"{c.label!r} ({c.classification_accuracy_score:.0%} of {c.real_accuracy:.0%})" for c in found])
    return f"A classifier trained on these samples alone learns too little about {named}."


def _uncovered(card: pb.QualityCard) -> str:
    if card.coverage >= COVERAGE_SHARE * card.coverage_ceiling:
        return ""
    return (
        f"Much of the real data has no sample near it: coverage {card.coverage:.2f}, where real samples reach "
        f"{card.coverage_ceiling:.2f}."
    )


def _noisy(card: pb.QualityCard) -> str:
    found = sorted((c for c in card.classes if c.spread_ratio > NOISY_SPREAD), key=lambda c: -c.spread_ratio)
    if not found:
        return ""
    named = _listed([f"{c.label!r} {c.spread_ratio:.2f} times" for c in found])
    return f"{_classes(len(found), card)} more varied than real samples, as noise is: {named}."


def _copied(card: pb.QualityCard, copies: int) -> str:
    if copies <= COPIES_SHARE * card.synthetic_samples:
        return ""
    return f"{copies:,} of {card.synthetic_samples:,} samples are exact copies of others."


def _weak_judge(card: pb.QualityCard) -> str:
    if card.real_accuracy >= WEAK_JUDGE:
        return ""
    return (
        f"The classifier that judges reaches only {card.real_accuracy:.1%} on real test data, so label fidelity and "
        "distances say little here."
    )


def _few_tests(card: pb.QualityCard) -> str:
    found = sorted((c for c in card.classes if c.real_samples < FEW_TEST_SAMPLES), key=lambda c: c.real_samples)
    if not found:
        return ""
    fewest = found[0].real_samples
    named = _listed([f"{c.label!r} {c.real_samples}" for c in found])
    return (
        f"Few real test samples: {named}; with {fewest}, an accuracy is known to about "
        f"±{min(0.5, 0.98 / fewest**0.5):.0%} only."
    )


def _classes(count: int, card: pb.QualityCard) -> str:
    return "1 class is" if count == 1 else f"{count} of {len(card.classes)} classes are"


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more
