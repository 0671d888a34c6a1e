"""The quality card as a person reads it in a terminal: each score beside what real data would score."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from augmint.v1 import generator_pb2 as pb
from training.quality import findings


def render(card: pb.QualityCard) -> RenderableType:
    """Scores overall, then per class, then the findings in words."""
    parts: list[RenderableType] = [_overall(card), _per_class(card)]
    parts += [Text(f"! {warning}", style="yellow") for warning in card.warnings]
    if not card.warnings:
        parts.append(Text("No findings.", style="green"))
    return Group(*parts)


def _overall(card: pb.QualityCard) -> Table:
    table = Table(
        title=f"Quality: {card.synthetic_samples:,} synthetic samples against {card.real_samples:,} held-out real ones",
        caption="Column real: what held-out real samples get in the same place. "
        f"Distances compare only within this data set and classifier {card.feature_digest[:12]}.",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("measure")
    table.add_column("synthetic", justify="right")
    table.add_column("real", justify="right")
    table.add_column("reads as")
    rows = [
        (
            "accuracy on real test data",
            f"{card.classification_accuracy_score:.1%}",
            f"{card.real_accuracy:.1%}",
            "of a classifier trained on these samples only; near real is right",
        ),
        (
            "label fidelity",
            f"{card.label_fidelity:.1%}",
            f"{card.real_accuracy:.1%}",
            "recognised as the class asked for",
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
    for row in rows:
        table.add_row(*row)
    return table


def _per_class(card: pb.QualityCard) -> Table:
    table = Table(title="Per class", title_justify="left")
    table.add_column("class")
    for heading in ("test samples", "accuracy, synthetic", "accuracy, real", "label fidelity", "spread"):
        table.add_column(heading, justify="right")
    for quality in card.classes:
        table.add_row(
            Text(quality.label),
            f"{quality.real_samples:,}",
            _marked(
                f"{quality.classification_accuracy_score:.1%}",
                quality.classification_accuracy_score < findings.CLASS_CAS_SHARE * quality.real_accuracy,
            ),
            f"{quality.real_accuracy:.1%}",
            _marked(
                f"{quality.label_fidelity:.1%}",
                quality.label_fidelity < quality.real_accuracy - findings.FIDELITY_MARGIN,
            ),
            _marked(
                f"{quality.spread_ratio:.2f}",
                not findings.COLLAPSED_SPREAD <= quality.spread_ratio <= findings.NOISY_SPREAD,
            ),
        )
    return table


def _marked(text: str, bad: bool) -> Text:
    return Text(text + (" !" if bad else ""), style="yellow" if bad else "")
