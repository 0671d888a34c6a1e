"""What a quality card shows to be wrong with a generator or with one of its classes, by fixed limits.

A limit is crossed where the end of the number's 95 % interval that is nearer to the limit is beyond it, and what real
samples reach is taken at its low end too. So a class of a handful of samples fails by what is plain only, and the same
data divided in another way gets the same verdict. Where so few samples can tell nothing, a note says that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from augmint.v1 import generator_pb2 as pb
from training.data.kind import Measurement
from training.quality.findings import carrying, copying, measurements
from training.quality.findings.finding import Finding, FindingKind, Severity, worst_first
from training.quality.measures.inside import FEWEST
from training.quality.measures.intervals import of_share, wilson
from training.quality.measures.neighbours import expected_coverage
from training.quality.measures.repeats import Repeats

# Below the first number a class is worth a warning, below the second it is withheld.
SPREAD = (0.6, 0.5)  # spread inside a class over that of real samples
FIDELITY_MARGIN = 0.1  # below the real samples' own recall
FIDELITY_SHARE = 0.5  # of the real samples' own recall
BORROWED = 4
CLASS_SCORE_SHARE = (0.75, 0.4)  # of the accuracy with real samples
SCORE_SHARE = (0.75, 0.5)
COVERAGE_SHARE = (0.5, 0.2)  # of the ceiling
CLASS_COVERAGE_SHARE = (0.8, 0.5)  # of the ceiling: 0.5 is what a class gets half of which is missing altogether
NOISY_SPREAD = 1.5
WEAK_JUDGE = 0.6
FEW_TEST_SAMPLES = 20
_NAMED = 4

# What `find` looks for. A card is measured again and again; findings of other kinds come from elsewhere and stay.
MEASURED = {
    *(
        FindingKind.LABEL_IGNORED,
        FindingKind.COLLAPSE,
        FindingKind.UNRECOGNISED,
        FindingKind.LOW_SCORE,
        FindingKind.UNCOVERED,
        FindingKind.NOISE,
        FindingKind.COPIES,
    ),
    *(
        FindingKind.MEMORISATION,
        FindingKind.MEMBERSHIP,
        FindingKind.DEVIATION,
        FindingKind.WEAK_JUDGE,
        FindingKind.FEW_TEST_SAMPLES,
        FindingKind.UNCARRIED,
    ),
}

_MORE_TRAINING = "Train longer; if that does not help, try another preset or more data of the class."


def find(
    card: pb.QualityCard,
    confusion: np.ndarray,
    copies: Repeats,
    recall: np.ndarray,
    measured: Sequence[Measurement] = (),
) -> list[Finding]:
    """Findings about a card, worst first; empty if there are none.

    card:      complete but for its findings, verdicts and gains.
    confusion: int64 [classes, classes], synthetic samples by requested (row) and recognised (column) class.
    copies:    synthetic samples that are exact copies of another one.
    recall:    of each class's real test samples by the judge, which fidelity is by too: float64 [classes].
    measured:  what is measured of this kind of data alone.
    """
    labelled = len(card.classes) > 1  # one class alone has neither accuracies nor label fidelity
    # The order of these lines is the order of harm to a training job that uses the samples.
    return worst_first(
        [
            *(_ignored_label(card, recall) if labelled else ()),
            *_each(card, _collapsed),
            *(_unrecognised(card, confusion, recall) if labelled else ()),
            *(_low_score(card) if labelled else ()),
            *(_each(card, _low_class_score) if labelled else ()),
            *_uncovered(card),
            *_each(card, _lacking),
            *copying.of_training(card),
            *copying.of_members(card),
            *_each(card, _noisy),
            *measurements.of_kind(measured),
            *copying.of_each_other(copies),
            *carrying.uncarried(card),
            *(_weak_judge(_overall(card, recall)) if labelled else ()),
            *_each(card, _few_tests),
        ]
    )


def sentences(findings: Iterable[Finding], classes: int) -> list[str]:
    """One sentence per finding; those of one kind about several classes become one."""
    found = list(findings)
    told: list[str] = []
    grouped: set[tuple[FindingKind, Severity]] = set()
    for finding in found:
        key = finding.kind, finding.severity
        alike = [other for other in found if (other.kind, other.severity) == key and other.label]
        group = _NOTES.get(finding.kind) if finding.severity == Severity.NOTE else _GROUPS.get(finding.kind)
        if not finding.label or len(alike) == 1 or group is None:
            told.append(finding.text)
        elif key not in grouped:
            grouped.add(key)
            heading, show = group
            items = _listed([f"{other.label!r} {show.format(other.value)}" for other in alike])
            told.append(f"{len(alike)} of {classes} classes {heading}: {items}.")
    return told


_GROUPS: dict[FindingKind, tuple[str, str]] = {
    FindingKind.COLLAPSE: ("are collapsed, or nearly: spread inside the class against real samples", "{:.2f}"),
    FindingKind.UNRECOGNISED: ("are hard to recognise: share recognised as the class asked for", "{:.0%}"),
    FindingKind.LOW_SCORE: (
        "teach too little: share of the real test samples that a classifier trained on synthetic ones recognises",
        "{:.0%}",
    ),
    FindingKind.NOISE: ("are more varied than real samples, as noise is: spread", "{:.2f}"),
    FindingKind.MEMORISATION: (
        "are close to their training samples: share nearer to them than to held-out ones",
        "{:.0%}",
    ),
    FindingKind.UNCOVERED: (
        "lack part of what their real samples show: share of held-out ones that are come near to",
        "{:.0%}",
    ),
    FindingKind.UNCARRIED: ("are seldom reached by samples carried into them: share recognised as the class", "{:.0%}"),
    FindingKind.FEW_TEST_SAMPLES: ("have few real test samples, so that their numbers are rough", "{:.0f}"),
}

_NOTES: dict[FindingKind, tuple[str, str]] = {
    FindingKind.MEMORISATION: (
        "have too few real samples to tell whether theirs are copies: share nearer to training than to held-out ones, "
        "which chance alone may give",
        "{:.0%}",
    ),
}


def _each(card: pb.QualityCard, rule: Callable[[pb.ClassQuality], Finding | None]) -> Iterator[Finding]:
    yield from (finding for finding in map(rule, card.classes) if finding)


def _overall(card: pb.QualityCard, recall: np.ndarray) -> float:
    """The judge's accuracy on the real test split."""
    return float(np.average(recall, weights=[quality.real_samples for quality in card.classes]))


def _ignored_label(card: pb.QualityCard, recall: np.ndarray) -> Iterator[Finding]:
    chance = 1 / len(card.classes)
    # A judge that hardly knows the classes itself recognises real samples hardly more often.
    real = max(chance, of_share(_overall(card, recall), card.real_samples)[0])
    limit = chance + 0.2 * (real - chance)
    if of_share(card.label_fidelity, card.synthetic_samples)[1] <= limit:
        yield Finding(
            FindingKind.LABEL_IGNORED,
            Severity.FAILURE,
            card.label_fidelity,
            limit,
            f"The label is ignored or mixed up: only {card.label_fidelity:.0%} of the samples are recognised as the "
            f"class asked for; guessing would give {chance:.0%}.",
            "Train longer, or condition the discriminator more strongly (preset rpgan).",
        )


def _collapsed(quality: pb.ClassQuality) -> Finding | None:
    best = _spread_interval(quality)[1]
    if best >= SPREAD[0]:
        return None
    collapsed = best < SPREAD[1]
    return Finding(
        FindingKind.COLLAPSE,
        Severity.FAILURE if collapsed else Severity.WARNING,
        quality.spread_ratio,
        SPREAD[collapsed],
        f"{quality.label!r} is {'collapsed' if collapsed else 'less varied than it should be'}: its samples vary "
        f"{quality.spread_ratio:.2f} times as much as real ones.",
        _MORE_TRAINING,
        quality.label,
    )


def _unrecognised(card: pb.QualityCard, confusion: np.ndarray, recall: np.ndarray) -> Iterator[Finding]:
    for number, (quality, recognised) in enumerate(zip(card.classes, recall, strict=True)):
        # What the judge recognises of the real samples is known from few of them: its low end is the yardstick. What it
        # does in all classes counts as BORROWED samples more, or noise would pass in a class of two.
        hits = recognised * quality.real_samples + _overall(card, recall) * BORROWED
        real = wilson(hits, quality.real_samples + BORROWED)[0]
        best = of_share(quality.label_fidelity, int(confusion[number].sum()))[1]
        lost = best < FIDELITY_SHARE * real
        if not lost and best >= real - FIDELITY_MARGIN:
            continue
        taken_for = card.classes[int(confusion[number].argmax())].label
        taken = "" if taken_for == quality.label else f" (mostly taken for {taken_for!r})"
        yield Finding(
            FindingKind.UNRECOGNISED,
            Severity.FAILURE if lost else Severity.WARNING,
            quality.label_fidelity,
            FIDELITY_SHARE * real if lost else real - FIDELITY_MARGIN,
            f"{quality.label!r} is hard to recognise: the classifier of real data recognises "
            f"{quality.label_fidelity:.0%} of its samples{taken} and {recognised:.0%} of real ones.",
            "Keep the best of several candidates (selection), or train longer.",
            quality.label,
        )


def _low_score(card: pb.QualityCard) -> Iterator[Finding]:
    score = card.classification_accuracy_score
    best = of_share(score, card.real_samples)[1]
    real = of_share(card.real_accuracy, card.real_samples)[0]
    if best >= SCORE_SHARE[0] * real:
        return
    low = best < SCORE_SHARE[1] * real
    yield Finding(
        FindingKind.LOW_SCORE,
        Severity.FAILURE if low else Severity.WARNING,
        score,
        SCORE_SHARE[low] * real,
        f"A classifier trained on these samples alone reaches {score:.1%} on real test data, one trained on real "
        f"samples {card.real_accuracy:.1%}.",
        "Use them only together with real data, and train longer.",
    )


def _low_class_score(quality: pb.ClassQuality) -> Finding | None:
    best = of_share(quality.classification_accuracy_score, quality.real_samples)[1]
    real = of_share(quality.real_accuracy, quality.real_samples)[0]
    if best >= CLASS_SCORE_SHARE[0] * real:
        return None
    low = best < CLASS_SCORE_SHARE[1] * real
    return Finding(
        FindingKind.LOW_SCORE,
        Severity.FAILURE if low else Severity.WARNING,
        quality.classification_accuracy_score,
        CLASS_SCORE_SHARE[low] * real,
        f"A classifier trained on these samples alone learns too little about {quality.label!r}: it recognises "
        f"{quality.classification_accuracy_score:.0%} of its real test samples; one trained on real samples "
        f"recognises {quality.real_accuracy:.0%}.",
        _MORE_TRAINING,
        quality.label,
    )


def _uncovered(card: pb.QualityCard) -> Iterator[Finding]:
    best = of_share(card.coverage, card.real_samples)[1]
    if best >= COVERAGE_SHARE[0] * card.coverage_ceiling:
        return
    low = best < COVERAGE_SHARE[1] * card.coverage_ceiling
    yield Finding(
        FindingKind.UNCOVERED,
        Severity.FAILURE if low else Severity.WARNING,
        card.coverage,
        COVERAGE_SHARE[low] * card.coverage_ceiling,
        f"Much of the real data has no sample near it: coverage {card.coverage:.2f}, where real samples reach "
        f"{card.coverage_ceiling:.2f}.",
        _MORE_TRAINING,
    )


def _lacking(quality: pb.ClassQuality) -> Finding | None:
    """What a class's real samples show and its synthetic ones do not; where the training samples lack it, that."""
    if not quality.HasField("coverage"):
        return None
    if quality.coverage_high < CLASS_COVERAGE_SHARE[0] * quality.coverage_ceiling:
        low = quality.coverage_high < CLASS_COVERAGE_SHARE[1] * quality.coverage_ceiling
        return Finding(
            FindingKind.UNCOVERED,
            Severity.FAILURE if low else Severity.WARNING,
            quality.coverage,
            CLASS_COVERAGE_SHARE[low] * quality.coverage_ceiling,
            f"Part of {quality.label!r} is missing: its samples come near to {quality.coverage:.0%} of its held-out "
            f"real samples, as many training samples to {quality.coverage_ceiling:.0%}.",
            "Look at real samples beside synthetic ones in the report: what is missing may need more real samples of "
            "its kind, a class of its own, or longer training.",
            quality.label,
        )
    reached = of_share(quality.coverage_ceiling, quality.coverage_samples)[1]
    limit = CLASS_COVERAGE_SHARE[0] * expected_coverage(FEWEST, FEWEST)
    if reached >= limit:
        return None
    return Finding(
        FindingKind.UNCOVERED,
        Severity.WARNING,
        quality.coverage,
        limit,
        f"Part of {quality.label!r} is missing, in the training samples already: they come near to "
        f"{quality.coverage_ceiling:.0%} of its held-out real samples, synthetic ones to {quality.coverage:.0%}.",
        "Add real samples to the training data that are like the held-out ones, or divide the data at random.",
        quality.label,
    )


def _noisy(quality: pb.ClassQuality) -> Finding | None:
    if _spread_interval(quality)[0] <= NOISY_SPREAD:
        return None
    return Finding(
        FindingKind.NOISE,
        Severity.WARNING,
        quality.spread_ratio,
        NOISY_SPREAD,
        f"{quality.label!r} is more varied than real samples, as noise is: {quality.spread_ratio:.2f} times.",
        "Train longer, or draw with a smaller truncation.",
        quality.label,
    )


def _weak_judge(accuracy: float) -> Iterator[Finding]:
    if accuracy < WEAK_JUDGE:
        yield Finding(
            FindingKind.WEAK_JUDGE,
            Severity.WARNING,
            accuracy,
            WEAK_JUDGE,
            f"The classifier that judges reaches only {accuracy:.1%} on real test data, so label fidelity "
            "and distances say little here.",
            "Check the labels, or add real data.",
        )


def _few_tests(quality: pb.ClassQuality) -> Finding | None:
    if quality.real_samples >= FEW_TEST_SAMPLES:
        return None
    return Finding(
        FindingKind.FEW_TEST_SAMPLES,
        Severity.WARNING,
        quality.real_samples,
        FEW_TEST_SAMPLES,
        f"{quality.label!r} has {quality.real_samples} real test samples; a share of them is known to about "
        f"±{min(0.5, 0.98 / max(1, quality.real_samples) ** 0.5):.0%} only.",
        "Add real data of the class.",
        quality.label,
    )


def _spread_interval(quality: pb.ClassQuality) -> tuple[float, float]:
    low, high = quality.spread_ratio_low, quality.spread_ratio_high
    return (low, high) if high else (quality.spread_ratio, quality.spread_ratio)  # not known, or 0 exactly


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more
