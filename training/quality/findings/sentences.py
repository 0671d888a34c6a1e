"""Findings in words: one sentence for each, or for all classes that have the same one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from training.quality.findings.finding import Finding, FindingKind, Severity

_NAMED = 4  # classes that a sentence names


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
    FindingKind.FEW_TEST_SAMPLES: ("have few real test samples, so that their numbers are rough", "{:.0f}"),
}

_NOTES: dict[FindingKind, tuple[str, str]] = {
    FindingKind.MEMORISATION: (
        "have too few real samples to tell whether theirs are copies: share nearer to training than to held-out ones, "
        "which chance alone may give",
        "{:.0%}",
    ),
}


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more
