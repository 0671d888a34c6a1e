"""One self-contained HTML page about a generator: samples beside real ones, card, curves, findings, provenance."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from augmint.v1 import generator_pb2 as pb
from training.data import Dataset
from training.data.kind import Kind
from training.data.splits import Splits
from training.export.sampling import MEASURED_SEED
from training.quality import Draw
from training.quality.findings.gains import in_words
from training.quality.measures import memorisation
from training.quality.table import VERDICTS
from training.report.curves import HEIGHT, WIDTH, Chart
from training.run.events import Event, Events
from training.run.naming import nameless
from training.terminal import shown

_CLASSES = 40  # shown with samples, at most
_MOSAIC = 5  # samples a side
_WORST = 20
_SEVERITIES = {pb.SEVERITY_NOTE: "note", pb.SEVERITY_WARNING: "warning", pb.SEVERITY_FAILURE: "failure"}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A class's samples, as data URIs."""

    label: str
    synthetic: str
    real: str


@dataclass(frozen=True, slots=True)
class _Pair:
    """A synthetic sample and its nearest training sample; distance over what held-out samples typically have."""

    label: str
    index: int
    synthetic: str
    real: str
    ratio: float


def read_events(folder: Path) -> list[Event]:
    """What a run wrote down about itself, in its order; empty if it wrote nothing."""
    return Events(folder).read()


def render(
    message: pb.Generator,
    draw: Draw,
    dataset: Dataset,
    splits: Splits,
    *,
    charts: Sequence[Chart] = (),
    happened: Sequence[Event] = (),
) -> str:
    """The page.

    message: with its card; draw: the samples that the card was measured on.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "percent": lambda value: f"{100 * value:.1f} %",
        "points": lambda value: f"{100 * value:+.1f}",
        "in_words": in_words,
    }
    card = message.quality
    provenance = message.provenance
    return environment.get_template("page.html.jinja").render(
        message=message,
        card=card,
        verdict=VERDICTS[card.verdict][0],
        verdicts={number: words for number, (words, _) in VERDICTS.items()},
        severities=_SEVERITIES,
        shown=_samples(draw, dataset, splits),
        pairs=_worst(draw, dataset, splits),
        charts=charts,
        width=WIDTH,
        height=HEIGHT,
        events=happened,
        notes=[
            shown(nameless(words, dataset.name))
            for words in (*(dataset.reading.sentences() if dataset.reading else ()), *dataset.notes)
        ],
        configuration=_flat(provenance.configuration_json),
        libraries=sorted(provenance.libraries.items()),
        spans=[_span(gain) for gain in card.gains],
        seed=MEASURED_SEED,
    )


def _samples(draw: Draw, dataset: Dataset, splits: Splits) -> list[_Shown]:
    shown = []
    each = _MOSAIC**2
    labels = dataset.labels[splits.train]
    for label in range(min(dataset.classes, _CLASSES)):
        # From the beginning of the stream: a person who draws from it sees the same.
        made = draw(np.full(each, label, np.int64), 0)
        real = dataset.samples[splits.train[labels == label][:each]]
        shown.append(_Shown(dataset.class_names[label], _picture(dataset.kind, made), _picture(dataset.kind, real)))
    return shown


def _worst(draw: Draw, dataset: Dataset, splits: Splits) -> list[_Pair]:
    per_class = max(20, memorisation.SAMPLES // dataset.classes)
    labels = np.tile(np.arange(dataset.classes), per_class)[: max(memorisation.SAMPLES, 20 * dataset.classes)]
    made = np.concatenate([draw(labels[start : start + 1000], start) for start in range(0, len(labels), 1000)])
    found = memorisation.compare(made, labels, dataset, splits)
    return [
        _Pair(
            dataset.class_names[labels[number]],
            int(number),
            _picture(dataset.kind, made[number : number + 1]),
            _picture(dataset.kind, dataset.samples[found.nearest[number]][None]),
            float(found.distance[number] / max(found.typical[number], 1e-9)),
        )
        for number in found.worst(_WORST)
    ]


def _picture(kind: Kind, raw: np.ndarray) -> str:
    """Samples [n, *shape] as a data URI."""
    picture = kind.picture(raw)
    return f"data:{picture.media_type};base64," + base64.b64encode(picture.content).decode()


def _flat(configuration: str) -> list[tuple[str, str]]:
    try:
        values: dict[str, Any] = json.loads(configuration or "{}")
    except ValueError:
        return []
    return [(key.replace("_", " "), "-" if value is None else str(value)) for key, value in values.items()]


def _span(gain: pb.AugmentationGain) -> tuple[float, float]:
    """Lowest and highest balanced accuracy that the drawing of a scenario's arms has to show."""
    means = [arm.score for arm in gain.arms]
    low, high = min((arm.low for arm in gain.arms), default=0.0), max((arm.high for arm in gain.arms), default=1.0)
    # A few repeats can have intervals from 0 to 1: show at most as much again as the means span, at either end.
    margin = max(0.02, max(means, default=1.0) - min(means, default=0.0))
    return max(low, min(means, default=0.0) - margin), min(high, max(means, default=1.0) + margin)
