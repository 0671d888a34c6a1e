"""What the `augmint` command does, one function per command; `augmint.__main__` reads the arguments."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import json_format

from augmint import bench as bench_module
from augmint import export as export_module
from augmint import extras, kinds
from augmint.bench import Load
from augmint.client import Client
from augmint.errors import InvalidRequest, Unavailable
from augmint.formats import atomic
from augmint.generators import Description, GeneratorStatus
from augmint.near import did_you_mean_file
from augmint.progress import Progress
from augmint.samples import Samples
from augmint.v1 import generator_pb2 as pb

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def list_generators(client: Client, options: argparse.Namespace) -> None:
    """Every generator and version."""
    statuses = client.generators()
    if options.json:
        _print_json([asdict(status) for status in statuses])
        return
    rows = [("GENERATOR", "VERSION", "STATE", "LABELS", "SAMPLES/S", "DIGEST")]
    notes = []
    for status in statuses:
        rows.append(
            (
                status.name,
                f"{status.version}{_names(status)}",
                status.state,
                str(len(status.labels)),
                f"{status.capacity_samples_per_second:,.0f}",
                status.digest[:12],
            )
        )
        if status.reason:
            notes.append(f"{status.name}/{status.version}: {status.reason}")
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for note in notes:
        print(note)


def show(client: Client, options: argparse.Namespace) -> None:
    """Everything about one generator."""
    description = client.describe(options.generator, options.version, channel=options.channel)
    if options.json:
        _print_json(_plain(description))
        return
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
            print(f"{name:10} {value}")
    _print_quality(description)


def _print_quality(description: Description) -> None:
    if not description.measured:
        print("quality    not measured")
        return
    card = description.message.quality
    print(f"quality    measured on {card.real_samples} real and {card.synthetic_samples} synthetic samples")
    for name, field, beside, other in (
        ("classification accuracy score", "classification_accuracy_score", "real", "real_accuracy"),
        ("label fidelity", "label_fidelity", "", ""),
        (
            "Fréchet distance" if _can_show("é") else "Frechet distance",
            "frechet_distance",
            "floor",
            "frechet_distance_floor",
        ),
        ("kernel distance", "kernel_distance", "floor", "kernel_distance_floor"),
        ("density", "density", "", ""),
        ("coverage", "coverage", "ceiling", "coverage_ceiling"),
    ):
        print(f"  {name:30} {_shown(card, field):>8}  {beside} {_shown(card, other) if other else ''}".rstrip())
    for name, told in description.measurements.items():
        print(f"  {name:30} {told}")
    if card.classes:
        width = max(5, *(len(one.label) for one in card.classes))
        print(f"  {'class':{width}}  score  real   fidelity  spread")
        for one in card.classes:
            print(
                f"  {one.label:{width}}  {_shown(one, 'classification_accuracy_score'):5}  "
                f"{_shown(one, 'real_accuracy'):5}  {_shown(one, 'label_fidelity'):5}     {one.spread_ratio:.2f}"
            )
    for warning in card.warnings:
        print(f"  warning: {warning}")


def _shown(quality: pb.QualityCard | pb.ClassQuality, name: str) -> str:
    """A number of a card; a dash for what one class alone does not have."""
    absent = quality.DESCRIPTOR.fields_by_name[name].has_presence and not quality.HasField(name)  # type: ignore[arg-type]
    return "-" if absent else f"{getattr(quality, name):.3f}"


def generate(client: Client, options: argparse.Namespace) -> None:
    """Samples into one file."""
    suffix = options.out.suffix.lower()
    if suffix not in (".npz", *IMAGE_SUFFIXES):
        raise InvalidRequest(f"--out {options.out}: the name must end in .npz, {', '.join(IMAGE_SUFFIXES)}")
    if options.n < 1:
        raise InvalidRequest(f"-n is {options.n}; it must be at least 1")
    if options.font is not None and suffix == ".npz":
        raise InvalidRequest("--font is for pictures; --out names none")
    folder = options.out.parent
    if not folder.is_dir():
        raise InvalidRequest(f"--out {options.out}: there is no folder {folder}{did_you_mean_file(folder)}")
    description = client.describe(options.generator, options.version, channel=options.channel)
    labels = options.label or list(description.labels)
    indices = np.repeat([description.class_index(label) for label in labels], options.n)
    samples = client.generate(
        classes=indices,
        seed=options.seed,
        start_index=options.start_index,
        truncation=options.truncation,
        keep=options.keep,
        of=options.of,
        generator=description.name,
        version=description.version,
        digest=description.digest,
    )
    if suffix == ".npz":
        _write_npz(options.out, samples)
    else:
        _write_sheet(options.out, samples, labels, options.n, options.font)
    if options.json:
        addresses = [str(address) for address in samples.addresses]
        _print_json(
            {"file": str(options.out), "samples": len(samples), "seed": str(samples.seed), "addresses": addresses}
        )
    else:
        print(f"{options.out}: {len(samples)} samples of {description.name}/{description.version}, seed {samples.seed}")


def export(client: Client, options: argparse.Namespace) -> None:
    """Samples into a folder of shards."""
    parts = len(options.shard) if options.shard else options.shards
    with Progress("export", max(1, options.n * parts // max(1, options.shards))) as progress:
        done = export_module.export(
            client,
            options.out,
            n=options.n,
            format=options.format,
            shards=options.shards,
            only=options.shard,
            generator=options.generator,
            labels=options.label,
            seed=options.seed,
            start_index=options.start_index,
            truncation=options.truncation,
            keep=options.keep,
            of=options.of,
            version=options.version,
            digest=options.digest,
            advance=progress.add,
        )
    told = done.manifest
    if options.json:
        parts_told = [told["shards"][number] for number in sorted((*done.made, *done.skipped))]
        summary = {name: told[name] for name in ("generator", "version", "digest", "seed", "n", "format")}
        _print_json(
            {"folder": str(done.folder), **summary, "made": done.made, "skipped": done.skipped} | {"shards": parts_told}
        )
    else:
        there = f", {len(done.skipped)} were there" if done.skipped else ""
        print(
            f"{done.folder}: {len(done.made)} of {len(told['shards'])} shards written{there}; "
            f"{told['generator']}/{told['version']}, seed {told['seed']}"
        )


def bench(client: Client, options: argparse.Namespace) -> None:
    """What a live service gives under load."""
    load = Load(options.readers, options.rows, options.seconds, options.rate)
    report = bench_module.bench(options.settings, load, options.generator, options.timeout)
    if options.json:
        _print_json(report.as_dict())
        return
    print(f"{report.generator}: {load.readers} readers x {load.rows} samples a call for {report.seconds:.1f} s")
    lines = [
        ("throughput", f"{report.samples_per_second:,.0f} samples/s, {report.megabytes_per_second:,.1f} MB/s"),
        ("calls", f"{report.calls:,}"),
    ]
    if report.p50_ms is not None:
        times = f"p50 {report.p50_ms:,.1f}, p90 {report.p90_ms:,.1f}, p99 {report.p99_ms:,.1f}"
        lines.append(("call, ms", f"{times}, longest {report.longest_ms:,.1f}"))
    if report.stall_share is not None:
        lines.append(("stall share", f"{report.stall_share:.1%} of the readers' time at {load.rate:,.0f} samples/s"))
    for name, count in report.errors.items():
        lines.append(("errors", f"{count:,} {name}"))
    for address, capacity in report.replicas.items():
        lines.append(("replica", f"{address}  {f'{capacity:,.0f} samples/s' if capacity else 'not reached'}"))
    if report.capacity_share is not None:
        lines.append(("of capacity", f"{report.capacity_share:.0%}"))
    if report.local:
        lines.append(("note", "the service is on this machine, so these readers took part of the cores that it has"))
    for name, value in lines:
        print(f"  {name:12} {value}")
    if not report.calls:
        raise Unavailable("no call came back in the time measured")


def _write_npz(path: Path, samples: Samples) -> None:
    with atomic(path) as file:
        np.savez_compressed(
            file,
            array=samples.array,
            class_indices=samples.class_indices,
            labels=np.array(samples.labels),
            addresses=np.array([str(address) for address in samples.addresses]),
        )


def _write_sheet(path: Path, samples: Samples, labels: Sequence[str], n: int, font: Path | None) -> None:
    """Where a label could not be drawn, all of them stand in a text file beside the picture, a line per row."""
    from augmint.sheet import contact_sheet

    if not kinds.of(samples.description).pictures:
        raise InvalidRequest(
            f"generator {samples.description.name!r} makes {samples.description.kind}: use --out FILE.npz"
        )
    source = samples.description
    caption = f"{source.name}/{source.version}   {source.digest[:12]}   seed {samples.seed}"
    rows = [samples.array[start : start + n] for start in range(0, len(samples), n)]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        sheet = contact_sheet(rows, labels, caption=caption, font=font)
    with atomic(path) as file:
        sheet.save(file, extras.load("PIL.Image", "images").registered_extensions()[path.suffix.lower()])
    if told:
        beside = path.with_name(f"{path.name}.labels.txt")
        lines = [f"{number}\t{label}\n" for number, label in enumerate(labels, start=1)]
        with atomic(beside) as file:
            file.write("".join(lines).encode(errors="backslashreplace"))
        for one in told:
            warnings.warn(f"{one.message}. The labels of all rows are in {beside}.", stacklevel=1)


def _names(status: GeneratorStatus) -> str:
    names = [*(["default"] if status.is_default else []), *status.channels]
    return f" ({', '.join(names)})" if names else ""


def _plain(description: Description) -> dict[str, Any]:
    """As JSON has it; the card and where it comes from as in the contract, the golden samples left out."""
    message = json_format.MessageToDict(description.message, preserving_proto_field_name=True)
    return {
        "name": description.name,
        "version": description.version,
        "digest": description.digest,
        "labels": description.labels,
        "kind": description.kind,
        "dtype": description.dtype.name,
        "shape": description.shape,
        "scored": description.message.scored,
        "capacity_samples_per_second": description.capacity_samples_per_second,
        "max_samples": description.max_samples,
        "quality": message.get("quality"),
        "provenance": message.get("provenance"),
    }


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=not _can_show("\u20ac\U0001f408")))


def _can_show(text: str) -> bool:
    """Whether stdout can; what it cannot show is escaped, which is no JSON."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
