"""What is wrong with carrying real samples into a class."""

from __future__ import annotations

from collections.abc import Iterable

from augmint.v1 import generator_pb2 as pb
from training.quality.findings.finding import Finding, FindingKind, Severity
from training.quality.measures.intervals import wilson

CARRIED = 0.75  # of the samples carried into a class, those that are recognised as of it; a warning only


def uncarried(card: pb.QualityCard) -> Iterable[Finding]:
    """Worth a warning, and no more: who draws samples is not harmed by it."""
    for each in card.transform.classes:
        if wilson(each.recognised * each.samples, each.samples)[1] < CARRIED:
            yield Finding(
                FindingKind.UNCARRIED,
                Severity.WARNING,
                each.recognised,
                CARRIED,
                f"Real samples that are carried into {each.label!r} are recognised as it in {each.recognised:.0%} of "
                "the cases.",
                "Learn to transform for longer (--transform-share), or draw samples of this class instead.",
                each.label,
            )
