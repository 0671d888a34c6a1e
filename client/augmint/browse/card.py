"""A quality card in words and tables, for people who have not met its measures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from augmint.generators import Description, GeneratorStatus
from augmint.v1 import generator_pb2 as pb

# Verdict to: in a word, how it is marked, what it means.
_VERDICTS: dict[int, tuple[str, str, str]] = {
    pb.VERDICT_PASS: ("passed", "good", "Nothing speaks against using it."),
    pb.VERDICT_PASS_WITH_WARNINGS: ("passed with warnings", "fair", "It can be used; keep in mind what is listed."),
    pb.VERDICT_WITHHELD: ("withheld", "bad", "It should not be used for training."),
}
_SEVERITIES: dict[int, tuple[str, str]] = {
    pb.SEVERITY_NOTE: ("note", "plain"),
    pb.SEVERITY_WARNING: ("warning", "fair"),
    pb.SEVERITY_FAILURE: ("failure", "bad"),
}


@dataclass(frozen=True)
class Verdict:
    """word: for a badge. tone: "good", "fair", "bad" or "plain". told: a sentence. reasons: why it is not better."""

    word: str
    tone: str
    told: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measure:
    """One number. told: what it is, in a sentence. value, beside: as text; beside is what real samples get.

    share, ideal: of a bar, in [0, 1], where the measure has such a scale.
    """

    name: str
    told: str
    value: str
    beside: str = ""
    share: float | None = None
    ideal: float | None = None


@dataclass(frozen=True)
class Gain:
    """What synthetic samples added in one scenario of a study; sure: whether the interval leaves out zero."""

    scenario: str
    told: str
    gain: str
    interval: str
    tone: str
    arms: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]


def verdict(description: Description) -> Verdict:
    """What the gate decided."""
    if not description.measured:
        return Verdict("not measured", "plain", "It has no quality card.")
    card = description.message.quality
    return _verdict(card.verdict, tuple(card.reasons)) or Verdict("not judged", "plain", "An older release made it.")


def measures(description: Description) -> list[Measure]:
    """The numbers of the card, the most telling first."""
    card = description.message.quality
    found = []
    if card.HasField("classification_accuracy_score"):
        low, high = card.classification_accuracy_score_low, card.classification_accuracy_score_high
        between = f" ({_percent(low)} to {_percent(high)})" if high else ""
        found.append(
            Measure(
                "Teaches a classifier",
                "Share of real samples that a classifier recognises which learned from its samples alone"
                f"{between}; beside: one that learned from real samples.",
                _percent(card.classification_accuracy_score),
                _percent(card.real_accuracy) if card.HasField("real_accuracy") else "",
                card.classification_accuracy_score,
                card.real_accuracy if card.HasField("real_accuracy") else None,
            )
        )
    if card.HasField("label_fidelity"):
        found.append(
            Measure(
                "Keeps to the label",
                "Share of its samples that a classifier of real ones takes for the class that was asked for.",
                _percent(card.label_fidelity),
                share=card.label_fidelity,
            )
        )
    found.append(
        Measure(
            "Covers what is real",
            "Share of real samples that have a synthetic one near them; beside: another real one.",
            _percent(card.coverage),
            _percent(card.coverage_ceiling),
            card.coverage,
            card.coverage_ceiling,
        )
    )
    return found


def distances(description: Description) -> list[Measure]:
    """The rest of the card's numbers, for those who know them."""
    card = description.message.quality
    found = [
        Measure("Fréchet distance", "", f"{card.frechet_distance:.3f}", f"{card.frechet_distance_floor:.3f}"),
        Measure("kernel distance", "", f"{card.kernel_distance:.4f}", f"{card.kernel_distance_floor:.4f}"),
        Measure("density", "", f"{card.density:.3f}"),
    ]
    for one in card.measurements:
        name = f"{one.name} ({one.detail})" if one.detail else one.name
        found.append(Measure(name, "", f"{one.value:.3g}", f"{one.real:.3g}" if one.HasField("real") else ""))
    return found


def privacy(description: Description) -> list[str]:
    """How near samples are to single training samples, in sentences."""
    card, told = description.message.quality, []
    if card.HasField("memorisation"):
        found = card.memorisation
        told.append(
            f"{_percent(found.share)} of {found.samples:,} samples are nearer to a training sample than real ones that "
            f"it never saw usually are; by chance it would be {_percent(found.percentile)}."
        )
        if found.exact_copies:
            told.append(f"{found.exact_copies:,} of them equal a training sample in every element.")
        if found.nearer_share:
            told.append(
                f"{_percent(found.nearer_share)} are nearer to one that it learned from than to one held out; by "
                "chance it would be 50 %."
            )
    if card.HasField("membership_inference"):
        found_out = card.membership_inference
        told.append(
            "An attacker who guesses which real samples it learned from is right with an AUC of "
            f"{found_out.auc:.2f} ({found_out.low:.2f} to {found_out.high:.2f}); by chance it would be 0.50."
        )
    return told


def classes(description: Description) -> list[dict[str, Any]]:
    """A line for every class: texts and shares; None where the card does not say."""
    lines = []
    for one in description.message.quality.classes:
        judged = _verdict(one.verdict, ())
        lines.append(
            {
                "label": one.label,
                "real": f"{one.real_samples:,}",
                "score": _share(one, "classification_accuracy_score"),
                "score_real": _share(one, "real_accuracy"),
                "fidelity": _share(one, "label_fidelity"),
                "coverage": _share(one, "coverage"),
                "spread": one.spread_ratio,
                "verdict": judged if judged and judged.tone != "good" else None,
                "advice": _recommended(one.recommendation) if one.HasField("recommendation") else "",
            }
        )
    return lines


def findings(description: Description) -> list[dict[str, str]]:
    """What was noticed, worst first."""
    return [
        {
            "severity": _SEVERITIES.get(one.severity, ("note", "plain"))[0],
            "tone": _SEVERITIES.get(one.severity, ("note", "plain"))[1],
            "kind": one.kind.replace("-", " "),
            "label": one.label,
            "text": one.text,
            "advice": one.advice,
        }
        for one in description.message.quality.findings
    ]


def warnings(description: Description) -> list[str]:
    """Findings in plain words that are no findings of the list, as older files have them."""
    card = description.message.quality
    told = {one.text for one in card.findings} | set(card.reasons)
    return [one for one in card.warnings if one not in told]


def gains(description: Description) -> list[Gain]:
    """What adding its samples to real ones was worth."""
    found = []
    for one in description.message.quality.gains:
        sure = one.gain_low > 0 or one.gain_high < 0
        real = f"{one.real_samples:,} real samples. " if one.real_samples else ""
        who = f" ({one.classifier})" if one.classifier else ""
        found.append(
            Gain(
                scenario=one.scenario,
                told=f"{real}{_percent(one.baseline_score)} with {one.baseline}{who}, "
                f"{_percent(one.synthetic_score)} with synthetic samples too; {one.repeats} repeats.",
                gain=_points(one.gain),
                interval=f"{_points(one.gain_low)} to {_points(one.gain_high)}",
                tone=("good" if one.gain > 0 else "bad") if sure else "plain",
                arms=tuple(
                    (arm.name, f"{_percent(arm.score)} ({_percent(arm.low)} to {_percent(arm.high)})")
                    for arm in one.arms
                ),
                others=tuple(
                    (other.measure, f"{_points(other.gain)} ({_points(other.gain_low)} to {_points(other.gain_high)})")
                    for other in one.others
                ),
            )
        )
    return found


def carried(description: Description) -> list[tuple[str, str]]:
    """What carrying real samples into other classes is worth: pairs of a name and what is said; empty: not measured."""
    card = description.message.quality
    if not card.HasField("transform"):
        return []
    found = card.transform
    return [
        (f"of {found.samples:,} real samples, taken for the class they went into", _percent(found.recognised)),
        ("lost on the way there and back, of the range of values", _percent(found.reconstruction_error)),
        *(
            (f"{one.name}, correlation before and after", f"{one.correlation:.2f} (of a new sample {one.fresh:.2f})")
            for one in found.kept
        ),
        *((f"into {one.label}", _percent(one.recognised)) for one in found.classes),
    ]


def recommendation(description: Description) -> str:
    """How to draw, in a sentence; "" if that was not studied."""
    card = description.message.quality
    return _recommended(card.recommendation) if card.HasField("recommendation") else ""


def provenance(description: Description) -> Iterator[tuple[str, str]]:
    """Where the file comes from: names and what is said."""
    origin, sample = description.message.provenance, description
    shape = " × ".join(map(str, sample.shape))
    for name, value in (
        ("samples", f"{sample.kind}, {sample.dtype.name} {shape}"),
        ("numbers drawn for each", f"{sample.message.latent_size:,}" if sample.message.latent_size else ""),
        ("scores its samples", "yes" if sample.message.scored else "no"),
        ("carries samples into other classes", "yes" if sample.message.transforms else ""),
        ("data", origin.data_name),
        ("data digest", origin.data_digest),
        ("preset", origin.preset),
        ("created", origin.created_at),
        ("steps", f"{origin.steps:,}" if origin.steps else ""),
        ("real samples seen", f"{origin.samples_seen:,}" if origin.samples_seen else ""),
        ("trained for", _seconds(origin.training_seconds) if origin.training_seconds else ""),
        ("seed of the run", str(origin.seed)),
        ("code", origin.code_revision),
        ("operator set", str(origin.opset or "")),
        ("libraries", ", ".join(f"{name} {version}" for name, version in sorted(origin.libraries.items()))),
        ("digest", description.digest),
    ):
        if value:
            yield name, value


def splits(description: Description) -> list[tuple[str, int, list[int]]]:
    """Real samples of each split: its name, all of them, and those of each class."""
    return [(one.split, sum(one.counts), list(one.counts)) for one in description.message.provenance.splits]


def configuration(description: Description) -> str:
    """The settings of the run, as JSON with a line for each; "" if the file has none."""
    text = description.message.provenance.configuration_json
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False) if text else ""
    except ValueError:
        return text


def state(status: GeneratorStatus) -> Verdict:
    """Whether it is served, for a badge."""
    told = {
        "ready": ("ready", "good", "It is served."),
        "loading": ("loading", "plain", "The service is looking at the file."),
        "retiring": ("retiring", "fair", "Another file took its place; it goes when nobody reads it any more."),
        "failed": ("refused", "bad", "The service refused the file."),
    }.get(status.state, (status.state, "plain", ""))
    return Verdict(*told)


def _verdict(number: int, reasons: tuple[str, ...]) -> Verdict | None:
    found = _VERDICTS.get(number)
    return Verdict(*found, reasons) if found else None


def _recommended(one: pb.Recommendation) -> str:
    if not one.synthetic_per_real:
        return "Use none of its samples: they did not help."
    drawn = [f"truncation {one.truncation:g}"] if one.truncation else []
    drawn += [f"the best {one.keep} of every {one.of}"] if one.of else []
    how = f", drawn with {' and '.join(drawn)}" if drawn else ""
    what = f" (found with {one.scenario})" if one.scenario else ""
    made = "of other classes, carried into this one (transform)," if one.transformed else "synthetic"
    return f"{one.synthetic_per_real:g} {made} for each real sample{how}{what}."


def _share(message: Any, name: str) -> float | None:
    return float(getattr(message, name)) if message.HasField(name) else None


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(gain: float) -> str:
    return f"{100 * gain:+.1f} points"


def _seconds(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if seconds < 120 else f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
