"""What a quality card shows to be wrong with a generator or with one of its classes, by fixed limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from augmint.v1 import generator_pb2 as pb
from training.findings import Finding, Kind, Severity, worst_first
from training.quality.intervals import wilson

# Below the first number a class is worth a warning, below the second it is withheld.
SPREAD = (0.6, 0.5)  # spread inside a class over that of real samples
FIDELITY_MARGIN = 0.1  # below the real samples' own recall
FIDELITY_SHARE = 0.5  # of the real samples' own recall
CLASS_SCORE_SHARE = (0.75, 0.4)  # of the accuracy with real samples
SCORE_SHARE = (0.75, 0.5)
COVERAGE_SHARE = (0.5, 0.2)  # of the ceiling
# Above the first number a warning, above the second the generator is withheld.
COPIES_SHARE = (0.05, 0.5)
NEARER_SHARE = (0.6, 0.75)  # 0.5 is chance
SURE_DEVIATIONS = 3.0  # above chance, before a share counts
EXACT_SHARE = (0.0, 0.01)
NOISY_SPREAD = 1.5
WEAK_JUDGE = 0.6
FEW_TEST_SAMPLES = 20
_NAMED = 4

# What `find` looks for. A card is measured again and again; findings of other kinds come from elsewhere and stay.
MEASURED = {
    *(Kind.LABEL_IGNORED, Kind.COLLAPSE, Kind.UNRECOGNISED, Kind.LOW_SCORE, Kind.UNCOVERED, Kind.NOISE, Kind.COPIES),
    *(Kind.MEMORISATION, Kind.WEAK_JUDGE, Kind.FEW_TEST_SAMPLES),
}

_MORE_TRAINING = "Train longer; if that does not help, try another preset or more data of the class."
_MORE_DATA = "Add real data, or raise the discriminator's augmentation (--set augmentation=0.8)."


def find(card: pb.QualityCard, confusion: np.ndarray, copies: int) -> list[Finding]:
    """Findings about a card, worst first; empty if there are none.

    card:      complete but for its findings, verdicts and gains.
    confusion: int64 [classes, classes], synthetic samples by requested (row) and recognised (column) class.
    copies:    synthetic samples that are exact copies of another one.
    """
    labelled = len(card.classes) > 1  # one class alone has neither accuracies nor label fidelity
    # The order of these lines is the order of harm to a training job that uses the samples.
    return worst_first(
        [
            *(_ignored_label(card) if labelled else ()),
            *_each(card, _collapsed),
            *(_unrecognised(card, confusion) if labelled else ()),
            *(_low_score(card) if labelled else ()),
            *(_each(card, _low_class_score) if labelled else ()),
            *_uncovered(card),
            *_memorised(card),
            *_each(card, _noisy),
            *_copied(card, copies),
            *(_weak_judge(card) if labelled else ()),
            *_each(card, _few_tests),
        ]
    )


def sentences(findings: Iterable[Finding], classes: int) -> list[str]:
    """One sentence per finding; those of one kind about several classes become one."""
    found = list(findings)
    told: list[str] = []
    grouped: set[tuple[Kind, Severity]] = set()
    for finding in found:
        key = finding.kind, finding.severity
        alike = [other for other in found if (other.kind, other.severity) == key and other.label]
        if not finding.label or len(alike) == 1 or finding.kind not in _GROUPS:
            told.append(finding.text)
        elif key not in grouped:
            grouped.add(key)
            heading, show = _GROUPS[finding.kind]
            items = _listed([f"{other.label!r} {show.format(other.value)}" for other in alike])
            told.append(f"{len(alike)} of {classes} classes {heading}: {items}.")
    return told


_GROUPS: dict[Kind, tuple[str, str]] = {
    Kind.COLLAPSE: ("are collapsed, or nearly: spread inside the class against real samples", "{:.2f}"),
    Kind.UNRECOGNISED: ("are hard to recognise: share recognised as the class asked for", "{:.0%}"),
    Kind.LOW_SCORE: (
        "teach too little: share of the real test samples that a classifier trained on synthetic ones recognises",
        "{:.0%}",
    ),
    Kind.NOISE: ("are more varied than real samples, as noise is: spread", "{:.2f}"),
    Kind.MEMORISATION: ("are close to their training samples: share nearer to them than to held-out ones", "{:.0%}"),
    Kind.FEW_TEST_SAMPLES: ("have few real test samples, so that their numbers are rough", "{:.0f}"),
}


def _each(card: pb.QualityCard, rule: Callable[[pb.ClassQuality], Finding | None]) -> Iterator[Finding]:
    yield from (finding for finding in map(rule, card.classes) if finding)


def _ignored_label(card: pb.QualityCard) -> Iterator[Finding]:
    chance = 1 / len(card.classes)
    limit = chance + 0.2 * (1 - chance)
    if card.label_fidelity <= limit:
        yield Finding(
            Kind.LABEL_IGNORED,
            Severity.FAILURE,
            card.label_fidelity,
            limit,
            f"The label is ignored or mixed up: only {card.label_fidelity:.0%} of the samples are recognised as the "
            f"class asked for; guessing would give {chance:.0%}.",
            "Train longer, or condition the discriminator more strongly (preset rpgan).",
        )


def _collapsed(quality: pb.ClassQuality) -> Finding | None:
    ratio = quality.spread_ratio
    if ratio >= SPREAD[0]:
        return None
    collapsed = ratio < SPREAD[1]
    return Finding(
        Kind.COLLAPSE,
        Severity.FAILURE if collapsed else Severity.WARNING,
        ratio,
        SPREAD[collapsed],
        f"{quality.label!r} is {'collapsed' if collapsed else 'less varied than it should be'}: its samples vary "
        f"{ratio:.2f} times as much as real ones.",
        _MORE_TRAINING,
        quality.label,
    )


def _unrecognised(card: pb.QualityCard, confusion: np.ndarray) -> Iterator[Finding]:
    for number, quality in enumerate(card.classes):
        # What the judge recognises of the real samples is known from few of them: its low end is the yardstick.
        real = _interval(quality.real_accuracy, quality.real_samples)[0]
        lost = quality.label_fidelity < FIDELITY_SHARE * real
        if not lost and quality.label_fidelity >= real - FIDELITY_MARGIN:
            continue
        taken_for = card.classes[int(confusion[number].argmax())].label
        taken = "" if taken_for == quality.label else f" (mostly taken for {taken_for!r})"
        yield Finding(
            Kind.UNRECOGNISED,
            Severity.FAILURE if lost else Severity.WARNING,
            quality.label_fidelity,
            FIDELITY_SHARE * real if lost else real - FIDELITY_MARGIN,
            f"{quality.label!r} is hard to recognise: the classifier of real data recognises "
            f"{quality.label_fidelity:.0%} of its samples{taken} and {quality.real_accuracy:.0%} of real ones.",
            "Keep the best of several candidates (selection), or train longer.",
            quality.label,
        )


def _low_score(card: pb.QualityCard) -> Iterator[Finding]:
    score, real = card.classification_accuracy_score, card.real_accuracy
    if score >= SCORE_SHARE[0] * real:
        return
    low = score < SCORE_SHARE[1] * real
    yield Finding(
        Kind.LOW_SCORE,
        Severity.FAILURE if low else Severity.WARNING,
        score,
        SCORE_SHARE[low] * real,
        f"A classifier trained on these samples alone reaches {score:.1%} on real test data, one trained on real "
        f"samples {real:.1%}.",
        "Use them only together with real data, and train longer.",
    )


def _low_class_score(quality: pb.ClassQuality) -> Finding | None:
    # Few test samples say little: what they allow at best decides.
    best = _interval(quality.classification_accuracy_score, quality.real_samples)[1]
    if best >= CLASS_SCORE_SHARE[0] * quality.real_accuracy:
        return None
    low = best < CLASS_SCORE_SHARE[1] * quality.real_accuracy
    return Finding(
        Kind.LOW_SCORE,
        Severity.FAILURE if low else Severity.WARNING,
        quality.classification_accuracy_score,
        CLASS_SCORE_SHARE[low] * quality.real_accuracy,
        f"A classifier trained on these samples alone learns too little about {quality.label!r}: it recognises "
        f"{quality.classification_accuracy_score:.0%} of its real test samples; one trained on real samples "
        f"recognises {quality.real_accuracy:.0%}.",
        _MORE_TRAINING,
        quality.label,
    )


def _uncovered(card: pb.QualityCard) -> Iterator[Finding]:
    if card.coverage >= COVERAGE_SHARE[0] * card.coverage_ceiling:
        return
    low = card.coverage < COVERAGE_SHARE[1] * card.coverage_ceiling
    yield Finding(
        Kind.UNCOVERED,
        Severity.FAILURE if low else Severity.WARNING,
        card.coverage,
        COVERAGE_SHARE[low] * card.coverage_ceiling,
        f"Much of the real data has no sample near it: coverage {card.coverage:.2f}, where real samples reach "
        f"{card.coverage_ceiling:.2f}.",
        _MORE_TRAINING,
    )


def _memorised(card: pb.QualityCard) -> Iterator[Finding]:
    for label, measured in (("", card.memorisation), *((c.label, c.memorisation) for c in card.classes)):
        if not measured.samples:
            continue
        share, exact = measured.nearer_share, measured.exact_copies / measured.samples
        if share > NEARER_SHARE[0] and measured.nearer_deviations > SURE_DEVIATIONS:
            severe = share > NEARER_SHARE[1]
            yield Finding(
                Kind.MEMORISATION,
                Severity.FAILURE if severe else Severity.WARNING,
                share,
                NEARER_SHARE[severe],
                f"{'Samples' if not label else f'Samples of {label!r}'} are close to single training samples: "
                f"{share:.0%} are nearer to one than to any of as many held-out ones; 50 % is chance.",
                _MORE_DATA,
                label,
            )
        elif not label and exact > EXACT_SHARE[0]:
            severe = exact > EXACT_SHARE[1]
            yield Finding(
                Kind.MEMORISATION,
                Severity.FAILURE if severe else Severity.WARNING,
                exact,
                EXACT_SHARE[severe],
                f"{measured.exact_copies:,} of {measured.samples:,} samples equal a training sample in every element.",
                _MORE_DATA,
            )


def _noisy(quality: pb.ClassQuality) -> Finding | None:
    if quality.spread_ratio <= NOISY_SPREAD:
        return None
    return Finding(
        Kind.NOISE,
        Severity.WARNING,
        quality.spread_ratio,
        NOISY_SPREAD,
        f"{quality.label!r} is more varied than real samples, as noise is: {quality.spread_ratio:.2f} times.",
        "Train longer, or draw with a smaller truncation.",
        quality.label,
    )


def _copied(card: pb.QualityCard, copies: int) -> Iterator[Finding]:
    share = copies / max(1, card.synthetic_samples)
    if share > COPIES_SHARE[0]:
        severe = share > COPIES_SHARE[1]
        yield Finding(
            Kind.COPIES,
            Severity.FAILURE if severe else Severity.WARNING,
            share,
            COPIES_SHARE[severe],
            f"{copies:,} of {card.synthetic_samples:,} samples are exact copies of others.",
            _MORE_TRAINING,
        )


def _weak_judge(card: pb.QualityCard) -> Iterator[Finding]:
    if card.real_accuracy < WEAK_JUDGE:
        yield Finding(
            Kind.WEAK_JUDGE,
            Severity.WARNING,
            card.real_accuracy,
            WEAK_JUDGE,
            f"The classifier that judges reaches only {card.real_accuracy:.1%} on real test data, so label fidelity "
            "and distances say little here.",
            "Check the labels, or add real data.",
        )


def _few_tests(quality: pb.ClassQuality) -> Finding | None:
    if quality.real_samples >= FEW_TEST_SAMPLES:
        return None
    return Finding(
        Kind.FEW_TEST_SAMPLES,
        Severity.WARNING,
        quality.real_samples,
        FEW_TEST_SAMPLES,
        f"{quality.label!r} has {quality.real_samples} real test samples; a share of them is known to about "
        f"±{min(0.5, 0.98 / max(1, quality.real_samples) ** 0.5):.0%} only.",
        "Add real data of the class.",
        quality.label,
    )


def _interval(share: float, count: int) -> tuple[float, float]:
    return wilson(round(share * count), count)


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more
