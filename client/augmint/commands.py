"""What the `augmint` command does, one function per command; `augmint.__main__` reads the arguments."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from augmint import bench as bench_module
from augmint import cards, extras, kinds, printing
from augmint import export as export_module
from augmint.bench import Load
from augmint.carry import Carrier
from augmint.client import Client
from augmint.errors import InvalidRequest, Unavailable
from augmint.formats import Many, atomic, write_files, write_npz
from augmint.generators import GeneratorStatus
from augmint.near import did_you_mean_file
from augmint.progress import Progress
from augmint.samples import Samples

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
ONE_SUFFIXES = tuple(f".{suffix}" for suffix in kinds.ONE)
MANY_SUFFIXES = tuple(f".{suffix}" for suffix in kinds.MANY)
# Samples of each label, unless a number is given: in a file, and on a terminal.
_FILED, _PRINTED = 16, 5
_PIECE = 2**14  # samples of a file of many that are written at once


def list_generators(client: Client, options: argparse.Namespace) -> None:
    """Every generator and version."""
    statuses = client.generators()
    if options.json:
        printing.as_json([asdict(status) for status in statuses])
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
        printing.as_json(cards.plain(description))
        return
    for line in cards.lines(description, printing.can_show("é")):
        print(line)


def generate(client: Client, options: argparse.Namespace) -> None:
    """Samples into one file, or onto the terminal."""
    suffix = _suffix(options)
    description = client.describe(options.generator, options.version, channel=options.channel)
    kind = kinds.of(description)
    if options.out is None and kind.cells is None:
        raise InvalidRequest(f"--out is not given, and {description.kind} is nothing to print: say where to, FILE.npz")
    if suffix in MANY_SUFFIXES and suffix[1:] not in kind.many:
        raise InvalidRequest(
            f"--out {options.out}: {suffix} is for {' and '.join(kinds.MANY[suffix[1:]])}; generator "
            f"{description.name!r} makes {description.kind}: use --out FILE.npz"
        )
    if suffix in ONE_SUFFIXES and suffix[1:] != kind.suffix:
        raise InvalidRequest(
            f"--out {options.out}: {suffix} is for {kinds.ONE[suffix[1:]]}; generator {description.name!r} makes "
            f"{description.kind}: use --out FILE.npz"
        )
    if not suffix and options.out is not None and kind.media is None:
        raise InvalidRequest(
            f"--out {options.out}: a folder holds images, sounds or music; generator "
            f"{description.name!r} makes "
            f"{description.kind}: use --out FILE.npz"
        )
    labels = options.label or list(description.labels)
    each = _FILED if options.out is not None else _PRINTED
    each = options.n if options.n is not None else 1 if suffix in ONE_SUFFIXES else each
    if suffix in ONE_SUFFIXES and each * len(labels) > 1:
        folder = options.out.with_suffix("")
        raise InvalidRequest(
            f"--out {options.out}: a {suffix} file holds one sample, and {each * len(labels)} were asked for: name a "
            f"folder, --out {folder}, or one label, --label {labels[0]}"
        )
    indices = np.repeat([description.class_index(label) for label in labels], each)
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
    if options.out is None:
        printing.samples(samples, options.json)
        return
    if suffix == ".npz":
        with atomic(options.out) as file:
            write_npz(file, samples)
    elif suffix in MANY_SUFFIXES:
        _write_many(options.out, samples, suffix[1:])
    elif suffix in ONE_SUFFIXES:
        with atomic(options.out) as file:
            file.write(next(iter(kind.files(samples))))
    elif not suffix:
        write_files(options.out, samples)
    else:
        _write_sheet(options.out, samples, labels, each, options.font)
    _tell(options, samples)


def _tell(options: argparse.Namespace, samples: Samples) -> None:
    """What was written, and how to have it again."""
    if options.json:
        addresses = [str(address) for address in samples.addresses]
        printing.as_json(
            {"file": str(options.out), "samples": len(samples), "seed": str(samples.seed), "addresses": addresses}
        )
    else:
        made = samples.description
        print(f"{options.out}: {len(samples)} samples of {made.name}/{made.version}, seed {samples.seed}")


def _suffix(options: argparse.Namespace) -> str:
    """Of the file to write, "" if there is none; InvalidRequest if what was asked for goes with no generator."""
    out, suffix = options.out, options.out.suffix.lower() if options.out is not None else ""
    suffixes = (".npz", *IMAGE_SUFFIXES, *ONE_SUFFIXES, *MANY_SUFFIXES)
    if out is not None and suffix and suffix not in suffixes:
        raise InvalidRequest(f"--out {out}: the name must end in {', '.join(suffixes)}, or in none, for a folder")
    if options.n is not None and options.n < 1:
        raise InvalidRequest(f"-n is {options.n}; it must be at least 1")
    if options.font is not None and suffix not in IMAGE_SUFFIXES:
        raise InvalidRequest("--font is for pictures; --out names none")
    if out is not None and not out.parent.is_dir():
        raise InvalidRequest(f"--out {out}: there is no folder {out.parent}{did_you_mean_file(out.parent)}")
    return str(suffix)


def transform(client: Client, options: argparse.Namespace) -> None:
    """Samples in files, carried into another class."""
    out = options.out
    if out.exists() and not out.is_dir():
        raise InvalidRequest(f"--out {out} is a file; name a folder")
    description = client.describe(options.generator, options.version, channel=options.channel)
    carrier = Carrier(client, description, options.label, options.source, options.strength)
    done = carrier.run(options.samples, out)
    told = f"{description.name}/{description.version}"
    if options.json:
        sources = dict(done.sources.most_common())
        summary = {"folder": str(out), "files": done.files, "samples": done.samples, "label": options.label}
        printing.as_json(
            {**summary, "source_labels": sources, "generator": description.name, "digest": description.digest}
        )
    else:
        print(f"{out}: {done.samples} samples in {done.files} files, carried into {options.label!r} by {told}")


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
        printing.as_json(
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
        printing.as_json(report.as_dict())
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


def browse(client: Client, options: argparse.Namespace) -> None:
    """A page to look at the generators with, until Ctrl-C."""
    for library in ("jinja2", "PIL.Image", "starlette", "uvicorn"):
        extras.load(library, "browse")
    server = extras.load("augmint.browse.server", "browse")
    settings = options.settings

    def tell(address: str) -> None:
        if options.json:
            printing.as_json({"target": settings.target, "address": address})
        else:
            print(f"{settings.target} is shown at {address} until Ctrl-C")
        sys.stdout.flush()

    server.run(
        settings,
        host=options.host,
        port=options.port,
        hosts=options.allow_host,
        timeout=options.timeout,
        tell=tell,
        opens=not options.no_open,
    )


def _write_many(path: Path, samples: Samples, suffix: str) -> None:
    """In pieces: as text, or as objects, samples take many times the memory."""
    writer = Many(path, samples.description, suffix)
    try:
        for start in range(0, len(samples), _PIECE):
            writer.add(samples[start : start + _PIECE])
        writer.finish()
    finally:
        writer.abandon()


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
