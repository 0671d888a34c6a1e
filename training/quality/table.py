"""The quality card as a person reads it in a terminal: each score beside what real data would score."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from augmint.v1 import generator_pb2 as pb
from training.quality.findings import carrying, samples
from training.quality.measures.scores import JUDGED
from training.terminal import cell
from training.terminal import table as narrow

VERDICTS: dict[int, tuple[str, str]] = {
    pb.VERDICT_UNSPECIFIED: ("not judged", ""),
    pb.VERDICT_PASS: ("pass", "green"),
    pb.VERDICT_PASS_WITH_WARNINGS: ("pass with warnings", "yellow"),
    pb.VERDICT_WITHHELD: ("withheld", "red"),
}


_ONE_CLASS = "not measured: there is one class"
_UNMEASURED = "Quality: not measured; `python -m training evaluate FILE DATA` measures it."


def render(card: pb.QualityCard) -> RenderableType:
    """The verdict, scores overall, then per class, then what was found, in words."""
    measured = card.synthetic_samples > 0  # no samples were, in a card of a study alone
    parts: list[RenderableType] = [_overall(card), _per_class(card)] if measured else [Text(_UNMEASURED)]
    if card.HasField("transform"):
        parts.append(_carried(card.transform))
    if card.gains:
        parts.append(_gains(card))
    held_against = set(card.reasons) if card.verdict else set(card.warnings)
    for warning in card.warnings:
        # What is worth knowing only, and what counts.
        parts.append(Text(f"! {warning}", style="yellow") if warning in held_against else Text(f"Note: {warning}"))
    if measured and not card.warnings:
        parts.append(Text("No findings.", style="green"))
    if card.verdict:
        words, style = VERDICTS[card.verdict]
        parts.append(Text(f"Verdict: {words}.", style=style))
    return Group(*parts)


def _overall(card: pb.QualityCard) -> Table:
    table = narrow(
        title=f"Quality: {card.synthetic_samples:,} synthetic samples against {card.real_samples:,} held-out real ones",
        caption="Column real: what held-out real samples get in the same place. "
        f"Distances compare only within this data set and classifier {card.feature_digest[:12]}.",
    )
    table.add_column("measure")
    table.add_column("synthetic", justify="right")
    table.add_column("real", justify="right")
    table.add_column("reads as")
    labelled = card.HasField("label_fidelity")
    rows = [
        (
            "accuracy on real test data",
            f"{card.classification_accuracy_score:.1%}{score_spread(card)}" if labelled else "-",
            f"{card.real_accuracy:.1%}" if labelled else "-",
            "of a classifier trained on these samples only; near real is right" if labelled else _ONE_CLASS,
        ),
        (
            "label fidelity",
            f"{card.label_fidelity:.1%}" if labelled else "-",
            f"{fidelity_of_real(card):.1%}" if labelled else "-",
            "recognised as the class asked for" if labelled else _ONE_CLASS,
        ),
        (
            "Fréchet distance",
            f"{card.frechet_distance:.2f}",
            f"{card.frechet_distance_floor:.2f}",
            "lower is better; real is the floor",
        ),
        (
            "kernel distance",
            f"{card.kernel_distance:.4f}",
            f"{card.kernel_distance_floor:.4f}",
            "lower is better; real is the floor",
        ),
        ("density", f"{card.density:.2f}", "1", "near 1 is right; low: unlike any real sample"),
        ("coverage", f"{card.coverage:.2f}", f"{card.coverage_ceiling:.2f}", "higher is better; real is the ceiling"),
    ]
    if card.HasField("memorisation"):
        near = card.memorisation.nearer_share
        rows.append(("nearer to training", f"{near:.1%}", "50 %", "than to as many held-out samples; above: copies"))
    if card.HasField("membership_inference"):
        found = card.membership_inference
        reach = f"{found.auc:.2f} ({found.low:.2f} to {found.high:.2f})"
        rows.append(
            ("membership inference", reach, "0.5", "area under the curve of an attack; above: members are told")
        )
    for measured in told(card):
        real = f"{measured.real:.3g}" if measured.HasField("real") else "-"
        rows.append((measured.name, f"{measured.value:.3g}", real, measured.detail))
    for row in rows:
        table.add_row(*map(cell, row))
    return table


def fidelity_of_real(card: pb.QualityCard) -> float:
    """Share of real test samples that the judge recognises; it need not be the classifier that accuracies are of."""
    judged = [each.real for each in card.measurements if each.name == JUDGED]
    return judged[0] if judged else card.real_accuracy


def told(card: pb.QualityCard) -> list[pb.Measurement]:
    """What is measured of the kind alone; what stands beside label fidelity is not said again."""
    return [each for each in card.measurements if each.name != JUDGED]


def _per_class(card: pb.QualityCard) -> Table:
    table = narrow("Per class")
    table.add_column("class", overflow="fold")
    covered = any(quality.HasField("coverage") for quality in card.classes)  # not in a card of an older release
    headings = ["test samples", "accuracy, synthetic", "accuracy, real", "label fidelity", "spread"]
    for heading in headings + ["coverage"] * covered + ["verdict"] * bool(card.verdict):
        table.add_column(heading, justify="right", overflow="fold")
    for quality in card.classes:
        words, style = VERDICTS[quality.verdict]
        table.add_row(
            cell(quality.label),
            f"{quality.real_samples:,}",
            *_accuracies(card, quality),
            _marked(
                f"{quality.spread_ratio:.2f}",
                not samples.SPREAD[0] <= quality.spread_ratio <= samples.NOISY_SPREAD,
            ),
            *([_coverage(quality)] * covered),
            *([Text(words, style=style)] if card.verdict else []),
        )
    if covered:
        table.caption = (
            "Coverage: share of a class's held-out real samples that a synthetic one comes near to, over the share for "
            "as many real training samples; a class half of which is missing has about 0.5."
        )
        table.caption_justify = "left"
    return table


def _coverage(quality: pb.ClassQuality) -> Text:
    """Of the ceiling; "?" where too few real samples could tell."""
    if not quality.HasField("coverage"):
        return Text("?")
    share = quality.coverage / max(quality.coverage_ceiling, 1e-9)
    return _marked(f"{share:.2f}", share < samples.CLASS_COVERAGE_SHARE[0])


def _accuracies(card: pb.QualityCard, quality: pb.ClassQuality) -> list[Text]:
    """With synthetic samples, with real ones, and label fidelity."""
    if not quality.HasField("label_fidelity"):
        return [Text("-")] * 3
    score, real, fidelity = quality.classification_accuracy_score, quality.real_accuracy, quality.label_fidelity
    lost = fidelity < real - samples.FIDELITY_MARGIN
    if any(each.name == JUDGED for each in card.measurements):  # real_accuracy is not of what judges fidelity
        lost = any((each.kind, each.label) == ("unrecognised", quality.label) for each in card.findings)
    return [
        _marked(f"{score:.1%}", score < samples.CLASS_SCORE_SHARE[0] * real),
        Text(f"{real:.1%}"),
        _marked(f"{fidelity:.1%}", lost),
    ]


def _carried(quality: pb.TransformQuality) -> Table:
    table = narrow(
        f"Carried into other classes: {quality.samples:,} held-out real samples",
        "Kept: correlation of what is not the class, before and after; fresh: with a new sample of the class instead.",
    )
    table.add_column("measure", overflow="fold")
    for heading in ("carried", "fresh"):
        table.add_column(heading, justify="right")
    table.add_row("recognised as the class", f"{quality.recognised:.1%}", "")
    table.add_row("made again in its own class, error", f"{quality.reconstruction_error:.1%}", "")
    for each in quality.kept:
        table.add_row(cell(f"kept: {each.name}"), f"{each.correlation:.2f}", f"{each.fresh:.2f}")
    for one in quality.classes:
        coverage = f", coverage {one.coverage:.2f}" if one.HasField("coverage") else ""
        bad = one.recognised < carrying.CARRIED
        table.add_row(cell(f"into {one.label}"), _marked(f"{one.recognised:.1%}{coverage}", bad), "")
    return table


def _gains(card: pb.QualityCard) -> Table:
    table = narrow(
        "What adding synthetic to real samples was worth: balanced accuracy on real test data, 95 % interval"
    )
    for heading in ("scenario", "generator learned from", "best baseline"):
        table.add_column(heading, overflow="fold")
    for heading in ("baseline", "with synthetic", "gain, points", "repeats"):
        table.add_column(heading, justify="right", overflow="fold")
    for gain in card.gains:
        table.add_row(
            cell(f"{gain.scenario}, {gain.classifier}" if gain.classifier else gain.scenario),
            learned_from(gain),
            cell(gain.baseline),
            f"{gain.baseline_score:.1%}",
            f"{gain.synthetic_score:.1%}",
            f"{100 * gain.gain:+.1f} ({100 * gain.gain_low:+.1f} to {100 * gain.gain_high:+.1f})",
            str(gain.repeats),
        )
        for other in gain.others:
            table.add_row(
                f"  {other.measure}",
                "",
                cell(other.baseline),
                f"{other.baseline_score:.1%}",
                f"{other.synthetic_score:.1%}",
                f"{100 * other.gain:+.1f} ({100 * other.gain_low:+.1f} to {100 * other.gain_high:+.1f})",
                "",
            )
    return table


def learned_from(gain: pb.AugmentationGain) -> str:
    """The generator's real samples beside those of the scenario; empty if they were not recorded."""
    if not gain.real_samples:
        return ""
    if gain.generator_samples > gain.real_samples:
        return f"{gain.generator_samples:,} real samples"
    return f"the same {gain.real_samples:,}"


def score_spread(card: pb.QualityCard) -> str:
    """Half the width of the score's interval, e.g. " ±0.8"; empty if it is not known."""
    width = card.classification_accuracy_score_high - card.classification_accuracy_score_low
    return f" ±{50 * width:.1f}" if width else ""


def _marked(text: str, bad: bool) -> Text:
    return Text(text + (" !" if bad else ""), style="yellow" if bad else "")
