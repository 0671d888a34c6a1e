"""What is told of a generator: its samples, its quality card, where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf import json_format

from augmint import kinds
from augmint.generators import Description
from augmint.v1 import generator_pb2 as pb


def lines(description: Description, accents: bool = True) -> Iterator[str]:
    """For a terminal. accents: whether it can show them."""
    origin = description.message.provenance
    for name, value in (
        ("generator", f"{description.name}/{description.version}"),
        ("digest", description.digest),
        ("sample", f"{description.kind}, {description.dtype.name} {list(description.shape)}"),
        ("labels", ", ".join(description.labels)),
        ("capacity", f"{description.capacity_samples_per_second:,.0f} samples/s"),
        ("preset", origin.preset),
        ("data", f"{origin.data_name} {origin.data_digest[:12]}".strip()),
        ("created", origin.created_at),
        ("code", origin.code_revision),
    ):
        if value:
            yield f"{name:10} {value}"
    details = kinds.of(description).details(description)
    width = max((len(name) for name, _ in details), default=0)
    for name, value in details:
        yield f"  {name:{width}}  {value}"
    yield from _quality(description, accents)


def plain(description: Description) -> dict[str, Any]:
    """As JSON has it; what samples are, the card and where it comes from as in the contract, without golden samples."""
    message = json_format.MessageToDict(description.message, preserving_proto_field_name=True)
    return {
        "name": description.name,
        "version": description.version,
        "digest": description.digest,
        "labels": description.labels,
        "kind": description.kind,
        "dtype": description.dtype.name,
        "shape": description.shape,
        "sample": message.get("sample"),
        "scored": description.message.scored,
        "transforms": description.message.transforms,
        "capacity_samples_per_second": description.capacity_samples_per_second,
        "max_samples": description.max_samples,
        "quality": message.get("quality"),
        "provenance": message.get("provenance"),
    }


def _quality(description: Description, accents: bool) -> Iterator[str]:
    if not description.measured:
        yield "quality    not measured"
        return
    card = description.message.quality
    yield f"quality    measured on {card.real_samples} real and {card.synthetic_samples} synthetic samples"
    for name, field, beside, other in (
        ("classification accuracy score", "classification_accuracy_score", "real", "real_accuracy"),
        ("label fidelity", "label_fidelity", "", ""),
        ("Fréchet distance" if accents else "Frechet distance", "frechet_distance", "floor", "frechet_distance_floor"),
        ("kernel distance", "kernel_distance", "floor", "kernel_distance_floor"),
        ("density", "density", "", ""),
        ("coverage", "coverage", "ceiling", "coverage_ceiling"),
    ):
        yield f"  {name:30} {_shown(card, field):>8}  {beside} {_shown(card, other) if other else ''}".rstrip()
    for name, told in description.measurements.items():
        yield f"  {name:30} {told}"
    if card.classes:
        width = max(5, *(len(one.label) for one in card.classes))
        yield f"  {'class':{width}}  score  real   fidelity  spread"
        for one in card.classes:
            yield (
                f"  {one.label:{width}}  {_shown(one, 'classification_accuracy_score'):5}  "
                f"{_shown(one, 'real_accuracy'):5}  {_shown(one, 'label_fidelity'):5}     {one.spread_ratio:.2f}"
            )
    if card.HasField("transform"):
        yield from _carried(card.transform)
    for warning in card.warnings:
        yield f"  warning: {warning}"


def _carried(quality: pb.TransformQuality) -> Iterator[str]:
    """Of a generator that carries samples into other classes."""
    yield f"  carried into other classes, {quality.samples} held-out real samples"
    yield f"    recognised as the class      {quality.recognised:8.3f}"
    yield f"    error of samples made again  {quality.reconstruction_error:8.3f}"
    width = max((len(each.name) for each in quality.kept), default=0)
    for each in quality.kept:
        yield f"    kept: {each.name:{width}}  {each.correlation:6.2f}  fresh {each.fresh:.2f}"
    for one in quality.classes:
        coverage = f"  coverage {one.coverage:.3f}" if one.HasField("coverage") else ""
        yield f"    into {one.label}: {one.recognised:.3f}{coverage}"


def _shown(quality: pb.QualityCard | pb.ClassQuality, name: str) -> str:
    """A number of a card; a dash for what one class alone does not have."""
    absent = quality.DESCRIPTOR.fields_by_name[name].has_presence and not quality.HasField(name)  # type: ignore[arg-type]
    return "-" if absent else f"{getattr(quality, name):.3f}"
