"""The gate: whether a generator, and each of its classes, should be used, and why not."""

from __future__ import annotations

from collections.abc import Iterable

from augmint.v1 import generator_pb2 as pb
from training.quality.findings.finding import Finding, FindingKind, Severity, worst_first
from training.quality.findings.samples import MEASURED, sentences

# From this share of withheld classes on, the generator is withheld as a whole.
WITHHELD_CLASSES = 0.5
# A later version may score lower by chance: of test samples (a test at this level) and of the classifier's seed.
WORSE_LEVEL = 0.025
WORSE_MARGIN = 0.01

_VERDICTS: dict[int, pb.Verdict] = {
    0: pb.VERDICT_PASS,
    Severity.NOTE: pb.VERDICT_PASS,
    Severity.WARNING: pb.VERDICT_PASS_WITH_WARNINGS,
    Severity.FAILURE: pb.VERDICT_WITHHELD,
}


def decide(card: pb.QualityCard, more: Iterable[Finding] = ()) -> None:
    """Write verdicts, reasons and warnings into a measured card.

    more: findings from elsewhere, e.g. from training; they join the card's own. Of what a card measures the measurement
          stands, whatever a look at a few samples found; notes tell what happened, and all of them stay.

    A failure of the generator, or failures of half of its classes, withhold it; a failure of a class withholds the
    class. Anything that is worth a warning lets it pass with warnings.
    """
    measured = [Finding.from_message(message) for message in card.findings]
    elsewhere = {*FindingKind} - MEASURED if card.synthetic_samples else {*FindingKind}
    new = [each for each in more if each.severity == Severity.NOTE or each.kind in elsewhere]
    findings = worst_first([*measured, *new])
    del card.findings[:], card.reasons[:], card.warnings[:]
    card.findings.extend(finding.to_message() for finding in findings)
    withheld = 0
    for quality in card.classes:
        quality.verdict = _worst(finding for finding in findings if finding.label == quality.label)
        withheld += quality.verdict == pb.VERDICT_WITHHELD
    card.verdict = _worst(finding for finding in findings if not finding.label)
    if withheld and withheld >= WITHHELD_CLASSES * len(card.classes):
        card.verdict = pb.VERDICT_WITHHELD
    elif card.verdict == pb.VERDICT_PASS and any(finding.severity >= Severity.WARNING for finding in findings):
        card.verdict = pb.VERDICT_PASS_WITH_WARNINGS
    counted = [finding for finding in findings if finding.severity >= Severity.WARNING]
    card.reasons.extend(sentences(counted, len(card.classes)))
    card.warnings.extend(sentences(findings, len(card.classes)))


def carry_over(card: pb.QualityCard, earlier: pb.QualityCard) -> list[Finding]:
    """Copy what measuring again does not replace into `card`: gains and recommendations; returns such findings."""
    del card.gains[:]
    card.gains.extend(earlier.gains)
    if earlier.HasField("recommendation"):
        card.recommendation.CopyFrom(earlier.recommendation)
    for quality, before in zip(card.classes, earlier.classes, strict=False):
        if before.HasField("recommendation"):
            quality.recommendation.CopyFrom(before.recommendation)
    kinds = {*FindingKind} - MEASURED  # kinds that only a newer release knows are dropped
    return [Finding.from_message(finding) for finding in earlier.findings if finding.kind in kinds]


def worse(new: pb.Generator, old: pb.Generator) -> str:
    """Why the new version is worse than the one it would replace, in one sentence; empty if it is not, beyond noise.

    Only cards measured on the same test samples compare; otherwise nothing is claimed.
    """
    card, before = new.quality, old.quality
    measured = before.real_samples and card.HasField("classification_accuracy_score")
    if not measured or _test_digest(new) != _test_digest(old) or not _test_digest(new):
        return ""
    drop = before.classification_accuracy_score - card.classification_accuracy_score
    if drop <= WORSE_MARGIN:
        return ""
    right, right_before = (round(c.classification_accuracy_score * c.real_samples) for c in (card, before))
    counts = [[right, card.real_samples - right], [right_before, before.real_samples - right_before]]
    from scipy.stats import fisher_exact  # a second to import, and only a version that follows another one needs it

    # One sided: the share of right answers of the new one is smaller.
    if fisher_exact(counts, alternative="less").pvalue < WORSE_LEVEL:
        return (
            f"It is worse than version {old.version}, which it would replace: a classifier trained on its samples "
            f"reaches {card.classification_accuracy_score:.1%} on real test data, with version {old.version} "
            f"{before.classification_accuracy_score:.1%}."
        )
    return ""


def _worst(findings: Iterable[Finding]) -> pb.Verdict:
    return _VERDICTS[max((finding.severity for finding in findings), default=0)]


def _test_digest(generator: pb.Generator) -> str:
    provenance = generator.provenance
    tests = [part.digest for part in provenance.splits if part.split == "test"]
    return f"{provenance.data_digest} {tests[0]}" if tests and provenance.data_digest else ""
