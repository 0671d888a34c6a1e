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
from markupsafe import Markup

from augmint.v1 import generator_pb2 as pb
from training.data import Dataset
from training.data.kind import Picture, answers
from training.data.splits import Splits
from training.export.sampling import MEASURED_SEED
from training.quality import Draw
from training.quality.findings.gains import in_words
from training.quality.measures import carrying, memorisation, parts
from training.quality.measures.carrying import Carry
from training.quality.measures.sampling import collect
from training.quality.table import VERDICTS, fidelity_of_real, told
from training.report.curves import HEIGHT, WIDTH, Chart
from training.run.events import Event, Events
from training.run.naming import nameless
from training.terminal import shown

_CLASSES = 40  # shown with samples, at most
_MOSAIC = 5  # samples a side
_WORST = 20
_EXHIBITED, _EXHIBITED_BYTES = 10_000, 2**27  # samples behind what the kind shows
_PART = "text/html"  # of a page, see training.data.kind.Picture
_SEVERITIES = {pb.SEVERITY_NOTE: "note", pb.SEVERITY_WARNING: "warning", pb.SEVERITY_FAILURE: "failure"}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A class's samples, as HTML; wide: it takes the width of the page."""

    label: str
    synthetic: Markup
    real: Markup
    wide: bool


@dataclass(frozen=True, slots=True)
class _Pair:
    """A synthetic sample and its nearest training sample, as HTML; distance over what held-out samples typically have.

    wide: both are in one picture as wide as the page, else in one each.
    """

    label: str
    index: int
    pictures: tuple[Markup, ...]
    ratio: float
    wide: bool


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
    carry: Carry | None = None,
) -> str:
    """The page.

    message: with its card; draw: the samples that the card was measured on; carry: of a generator that transforms.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "percent": lambda value: f"{100 * value:.1f} %",
        "short": lambda value: f"{value:.3g}",
        "points": lambda value: f"{100 * value:+.1f}",
        "in_words": in_words,
    }
    card = message.quality
    provenance = message.provenance
    return environment.get_template("page.html.jinja").render(
        message=message,
        card=card,
        fidelity_of_real=fidelity_of_real(card),
        measurements=told(card),
        verdict=VERDICTS[card.verdict][0],
        verdicts={number: words for number, (words, _) in VERDICTS.items()},
        severities=_SEVERITIES,
        shown=_samples(draw, dataset, splits),
        exhibits=[*_carried(carry, dataset, splits), *_exhibits(draw, dataset, splits)],
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
        name, pictures = dataset.class_names[label], [dataset.kind.picture(each) for each in (made, real)]
        made_html, real_html = (
            _html(picture, f"{what} samples of {name}")
            for picture, what in zip(pictures, ("synthetic", "real"), strict=True)
        )
        shown.append(_Shown(name, made_html, real_html, _is_wide(pictures[0])))
    return shown


def _carried(carry: Carry | None, dataset: Dataset, splits: Splits) -> list[tuple[str, Markup]]:
    """Held-out samples, and below them what they are in every class."""
    if carry is None:
        return []
    sheet = carrying.sheet(carry, dataset, splits)
    return [("Carried into other classes", _html(sheet, "held-out real samples, and the same in every class"))]


def _exhibits(draw: Draw, dataset: Dataset, splits: Splits) -> list[tuple[str, Markup]]:
    """Titles, and what the kind shows under them of samples with the training split's shares of the classes."""
    if not answers(dataset.kind, "exhibits"):
        return []
    counts, most = dataset.counts(splits.train), min(_EXHIBITED, _EXHIBITED_BYTES // dataset.samples[0].nbytes)
    # Few of each class are asked for: of many classes they are still as many.
    labels = np.repeat(np.arange(dataset.classes), np.maximum(1, counts * most // counts.sum()))
    made = collect(draw, labels, dataset.samples.shape[1:], dataset.samples.dtype)
    made, _, real = parts.alike(made, labels, dataset, splits, seed=0)
    return [(each.title, _html(each.picture, each.title)) for each in dataset.kind.exhibits(made, real)]


def _worst(draw: Draw, dataset: Dataset, splits: Splits) -> list[_Pair]:
    per_class = max(20, memorisation.SAMPLES // dataset.classes)
    labels = np.tile(np.arange(dataset.classes), per_class)[: max(memorisation.SAMPLES, 20 * dataset.classes)]
    made = np.concatenate([draw(labels[start : start + 1000], start) for start in range(0, len(labels), 1000)])
    found = memorisation.compare(made, labels, dataset, splits)
    pairs = []
    for number in found.worst(_WORST):
        name, own, real = dataset.class_names[labels[number]], made[number], dataset.samples[found.nearest[number]]
        if both := dataset.kind.beside(own, real):
            pictures: tuple[Markup, ...] = (_html(both, f"synthetic {name} and its nearest training sample"),)
        else:
            pictures = (
                _html(dataset.kind.picture(own[None]), f"synthetic {name}"),
                _html(dataset.kind.picture(real[None]), "its nearest training sample"),
            )
        ratio = float(found.distance[number] / max(found.typical[number], 1e-9))
        pairs.append(_Pair(name, int(number), pictures, ratio, both is not None))
    return pairs


def _is_wide(picture: Picture) -> bool:
    return picture.media_type == _PART


def _html(picture: Picture, name: str) -> Markup:
    """A picture as a part of the page, by its media type; all that it needs is in it."""
    if _is_wide(picture):
        return Markup(picture.content.decode())
    source = f"data:{picture.media_type};base64,{base64.b64encode(picture.content).decode()}"
    if picture.media_type.startswith("audio/"):
        return Markup('<audio controls src="{}" aria-label="{}"></audio>').format(source, name)
    return Markup('<img src="{}" alt="{}">').format(source, name)


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
