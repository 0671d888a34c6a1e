"""What a study found, in words."""

from __future__ import annotations

from collections.abc import Sequence

from augmint.v1 import generator_pb2 as pb
from training.quality.findings.finding import Finding, FindingKind, Severity


def in_words(line: pb.AugmentationGain) -> str:
    """What was measured and what it means, in one sentence or two, honest about the interval."""
    numbers = f"{100 * line.gain:+.1f} points ({100 * line.gain_low:+.1f} to {100 * line.gain_high:+.1f})"
    what = f"{line.scenario}, {line.classifier}" if line.classifier else line.scenario
    if line.gain_low > 0:
        claim = "adding synthetic samples helped"
    elif line.gain_high < 0:
        claim = "adding synthetic samples did harm"
    else:
        claim = "adding synthetic samples gave no measurable gain"
    sentence = (
        f"{what}: {claim} over the best baseline ({line.baseline}), {numbers} of balanced accuracy in "
        f"{line.repeats} paired repeats."
    )
    others = ", ".join(
        f"{100 * each.gain:+.1f} of {each.measure} ({100 * each.gain_low:+.1f} to {100 * each.gain_high:+.1f}, over "
        f"{each.baseline})"
        for each in line.others
    )
    parts = (sentence, f"By other measures: {others}." if others else "", who_had_what(line))
    return " ".join(part for part in parts if part)


def who_had_what(line: pb.AugmentationGain) -> str:
    """Which of two questions a line answers, in one sentence; empty if it was not recorded."""
    if not line.real_samples:
        return ""
    if line.generator_samples > line.real_samples:
        return (
            f"This is a team with {line.real_samples:,} real samples that draws from a generator which learned from "
            f"{line.generator_samples:,}, these among them."
        )
    return f"Here the generator learned from the same {line.real_samples:,} real samples, so it knew nothing new."


def findings(lines: Sequence[pb.AugmentationGain]) -> list[Finding]:
    """What lines without a measurable gain say of a generator.

    Samples that do harm in every line are a failure. A generator that knows more than the team that draws from it is
    there to help: that it does not is a warning. One that learned from the team's own samples need not, only not harm.
    """
    useless = bool(lines) and all(line.gain_high < 0 for line in lines)
    found = []
    for line in lines:
        if line.gain_low > 0:
            continue
        nothing_new = bool(line.real_samples) and line.generator_samples <= line.real_samples
        if useless:
            severity = Severity.FAILURE
        elif nothing_new and line.gain_high >= 0:
            severity = Severity.NOTE
        else:
            severity = Severity.WARNING
        advice = (
            "Train without synthetic samples there, or learn the generator from more data than the team has."
            if nothing_new
            else "Use the best baseline there; synthetic samples may still help where data is scarcer."
        )
        found.append(Finding(FindingKind.NO_GAIN, severity, line.gain_low, 0.0, in_words(line), advice))
    return found
